"""Integrate-and-fire, forward and backward, in four forms.

    python tests/benchmarks/benchmark_cif.py --json cif.json

`loop` is the one as it is usually written, a step for each frame; `clip` is the
definition as a matrix, `scatter` and `gather` grow with T + U. float32, scaled to U
tokens as in training. The forms take turns in one process; time is the CPU's, and only
the ratios travel between machines.
"""

import argparse
import json
import sys
from pathlib import Path

import torch


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.models.cif import cif
from src.utils.contracts import disable_contracts
from tests.benchmarks.measure import device_info, interleave
from tests.benchmarks.plain_cif import plain_cif
from tests.benchmarks.rows import ratio_row


FORMS = ("loop", "clip", "scatter", "gather")
SIZES = {  # batch, frames, tokens, d_model
    "one utterance": (1, 100, 20, 64),
    "digits": (32, 60, 6, 64),
    "10 s, the usual size": (16, 250, 50, 256),
    "60 s": (4, 1500, 300, 256),
    "24 min": (1, 36_000, 7_200, 256),
}
LONGEST_LOOP = 2000  # frames: behind them the loop takes minutes


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    disable_contracts()
    torch.set_num_threads(options.threads)
    result = {"device": device_info(), "sizes": {}, "rows": []}
    for name, size in SIZES.items():
        turns = interleave(steps(*size), options.rounds)
        result["sizes"][name] = {"size": size, "forms": turns}
        if "loop" in turns:
            times = turns["gather"]["cpu_s"], turns["loop"]["cpu_s"]
            words = f"integrate-and-fire, {name}"
            result["rows"].append(ratio_row(words, "a loop over frames", *times))
        show(name, size, turns)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (9)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (1)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    return parser.parse_args(arguments)


def steps(batch: int, time: int, tokens: int, d_model: int) -> dict:
    """One forward and backward of each form, that can pay at this size."""
    torch.manual_seed(0)
    hidden = torch.randn(batch, time, d_model, requires_grad=True)
    alphas = torch.rand(batch, time, requires_grad=True)
    lengths = torch.full((batch,), tokens)
    towards = torch.randn(batch, tokens, d_model)

    def step(form: str) -> None:
        if form == "loop":
            embeds = plain_cif(hidden, alphas, lengths)
        else:
            embeds = cif(hidden, alphas, lengths, form=form).embeds
        embeds.backward(towards)
        hidden.grad = alphas.grad = None

    forms = FORMS if time <= LONGEST_LOOP else ("scatter", "gather")
    return {form: lambda form=form: step(form) for form in forms}


def show(name: str, size: tuple[int, ...], turns: dict) -> None:
    batch, time, tokens, d_model = size
    print(f"{name}: B={batch} T={time} U={tokens} d={d_model}")
    first = next(iter(turns))
    for form, row in turns.items():
        ratio = turns[first]["cpu_s"] / row["cpu_s"]
        cell = f"{row['cpu_s'] * 1e3:>9.2f} ms"
        print(f"  {form:<8}{cell}  {ratio:>7.1f} times the {first}")


if __name__ == "__main__":
    sys.exit(main())
