"""The CTC loss, forward and backward, against torch's own in C++.

    python tests/benchmarks/benchmark_ctc.py --json ctc.json

float32, from the logits on. Ours is a Python loop over the frames, in float64, for the
whole batch at once: what it costs for one short utterance is the loop itself. Both take
turns in one process; time is the CPU's, and only the ratios travel between machines.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from torch.nn import functional as F


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.losses import ctc_loss
from src.utils.contracts import disable_contracts
from tests.benchmarks.measure import device_info, interleave
from tests.benchmarks.rows import ratio_row


SIZES = {  # batch, frames, tokens, vocab
    "one utterance": (1, 100, 20, 30),
    "digits": (32, 60, 6, 16),
    "10 s, the usual size": (16, 250, 50, 60),
    "10 s, large vocabulary": (16, 250, 50, 4000),
    "60 s": (4, 1500, 300, 500),
}


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    disable_contracts()
    torch.set_num_threads(options.threads)
    result = {"device": device_info(), "sizes": {}, "rows": []}
    for name, size in SIZES.items():
        turns = interleave(steps(*size), options.rounds)
        error = difference(*size)
        result["sizes"][name] = {"size": size, "losses": turns, "gradient": error}
        times = turns["ours"]["cpu_s"], turns["torch"]["cpu_s"]
        result["rows"].append(ratio_row(f"CTC loss, {name}", "torch", *times))
        show(name, size, turns, error)
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


def steps(batch: int, time: int, tokens: int, vocab: int) -> dict:
    logits, said = inputs(batch, time, tokens, vocab)

    def step(loss) -> None:
        loss(logits, *said).sum().backward()
        logits.grad = None

    return {"torch": lambda: step(torchs), "ours": lambda: step(ours)}


def inputs(batch: int, time: int, tokens: int, vocab: int) -> tuple:
    torch.manual_seed(0)
    logits = torch.randn(batch, time, vocab, requires_grad=True)
    said = torch.randint(1, vocab, (batch, tokens))
    return logits, (torch.full((batch,), time), said, torch.full((batch,), tokens))


def ours(logits, times, tokens, lengths) -> torch.Tensor:
    return ctc_loss(logits.log_softmax(-1), times, tokens, lengths)


def torchs(logits, times, tokens, lengths) -> torch.Tensor:
    log_probs = logits.log_softmax(-1).transpose(0, 1)
    return F.ctc_loss(log_probs, tokens, times, lengths, reduction="none")


def difference(batch: int, time: int, tokens: int, vocab: int) -> dict[str, float]:
    """Largest error of both gradients in float32 against torch's in float64."""
    logits, said = inputs(batch, time, tokens, vocab)
    wide = logits.detach().double().requires_grad_()
    (exact,) = torch.autograd.grad(torchs(wide, *said).sum(), wide)
    errors = {}
    for name, loss in (("torch", torchs), ("ours", ours)):
        (grad,) = torch.autograd.grad(loss(logits, *said).sum(), logits)
        errors[name] = float((grad - exact).abs().max())
    return errors


def show(name: str, size: tuple[int, ...], turns: dict, error: dict) -> None:
    batch, time, tokens, vocab = size
    print(f"{name}: B={batch} T={time} U={tokens} V={vocab}")
    for loss, row in turns.items():
        ratio = row["cpu_s"] / turns["torch"]["cpu_s"]
        cell = f"{row['cpu_s'] * 1e3:>9.2f} ms {ratio:>6.2f} of torch's time"
        print(f"  {loss:<6}{cell}, gradient to {error[loss]:.1e}")


if __name__ == "__main__":
    sys.exit(main())
