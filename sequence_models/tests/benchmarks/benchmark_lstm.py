"""How long is a training step of the recurrent layers beside torch's?

    python tests/benchmarks/benchmark_lstm.py --json lstm.json

Two layers of 512 read 64 rows of 50 tokens, forward, backward and update. torch.nn.LSTM
runs oneDNN's fused kernel, torch.nn.GRU and RNN torch's own loop in C++; ours are the
Functions of bptt.py, and `plain` is the loop that autograd differentiates. A layer that
torch does not have is compared with its LSTM. Variants take turns in one process; a
figure is the median of CPU seconds over rounds; only ratios travel between machines.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.models.recurrent import Recurrent
from src.utils.allocator import keep_freed_memory
from tests.benchmarks.measure import contracts, device_info, interleave
from tests.benchmarks.rows import ratio_row


BATCH, TIME, HIDDEN, LAYERS = 64, 50, 512, 2
TORCH = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn_tanh": nn.RNN}


Steps = dict[str, Callable[[], None]]


def main(
    arguments=None,
    make: Callable[[], Steps] | None = None,
    about: str = __doc__,
    words: str = "training step of 2 layers",
) -> int:
    options = parse(arguments, about)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    keep_freed_memory()  # as training does
    with contracts(False):
        rows = interleave((make or make_steps)(), options.rounds)
    result = {"device": device_info(), "options": vars(options), "times": rows}
    result["rows"] = [
        ratio_row(
            f"{name}, {words}",
            f"torch.nn.{kind.__name__}",
            rows[f"{name} ours"]["cpu_s"],
            rows[f"{name} torch"]["cpu_s"],
        )
        for name, kind in TORCH.items()
    ]
    show(rows)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None, about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (9)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument("--json", help="also write the figures to this file")
    return parser.parse_args(arguments)


def make_steps() -> Steps:
    x = torch.randn(BATCH, TIME, HIDDEN)
    sizes = HIDDEN, HIDDEN, LAYERS
    steps = {}
    for name, theirs in TORCH.items():
        steps[f"{name} torch"] = train_step(theirs(*sizes, batch_first=True), x)
        steps[f"{name} ours"] = train_step(Recurrent(name, *sizes), x)
        steps[f"{name} plain"] = train_step(Recurrent(name, *sizes, explicit=True), x)
    for name in ("ln_lstm", "min_gru"):
        steps[f"{name} ours"] = train_step(Recurrent(name, *sizes), x)
    return steps


def train_step(module: nn.Module, x: Tensor) -> Callable[[], None]:
    optimizer = torch.optim.SGD(module.parameters(), 1e-3)

    def step() -> None:
        optimizer.zero_grad()
        outputs, _ = module(x)
        outputs.square().mean().backward()
        optimizer.step()

    return step


def show(rows: dict[str, dict]) -> None:
    """Speed is torch's time over ours, of the same layer or of the LSTM."""
    print(f"{'layer':10} {'form':14} {'ms':>8} {'speed':>6}")
    for label, row in rows.items():
        name, form = label.split(" ", 1)
        torch_row = rows.get(f"{name} torch", rows["lstm torch"])
        speed = torch_row["cpu_s"] / row["cpu_s"]
        print(f"{name:10} {form:14} {row['cpu_s'] * 1e3:8.1f} {speed:6.2f}")


if __name__ == "__main__":
    sys.exit(main())
