"""How long are rows of different lengths, forward and backward, beside PackedSequence?

    python tests/benchmarks/benchmark_varlen.py --json varlen.json

32 rows of 20 to 100 tokens, one layer of 128. `torch` packs them, runs and pads again;
`torch padded` reads the padding as if it were text, which gives other final states and
no right backward direction; it is here to show what packing costs torch. `plain` is the
loop that autograd differentiates. A layer that torch does not have is compared with its
LSTM. Variants take turns in one process; a figure is the median of CPU seconds.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.models.recurrent import Recurrent
from tests.benchmarks import benchmark_lstm


BATCH, TIME, HIDDEN = 32, 100, 128


def main(arguments: list[str] | None = None) -> int:
    return benchmark_lstm.main(
        arguments, make_steps, __doc__, "rows of 20 to 100 tokens"
    )


def make_steps() -> dict[str, Callable[[], None]]:
    x = torch.randn(BATCH, TIME, HIDDEN, requires_grad=True)
    lengths = torch.randint(20, TIME + 1, (BATCH,))
    lengths[0] = TIME
    mask = torch.arange(TIME) < lengths[:, None]
    steps = {}
    for name, kind in benchmark_lstm.TORCH.items():
        theirs = kind(HIDDEN, HIDDEN, batch_first=True)
        steps[f"{name} torch"] = step(theirs, lambda m: packed(m, x, lengths))
        steps[f"{name} torch padded"] = step(theirs, lambda m: m(x)[0])
        for form in ("ours", "plain"):
            module = Recurrent(name, HIDDEN, HIDDEN, explicit=form == "plain")
            steps[f"{name} {form}"] = step(module, lambda m: m(x, None, mask)[0])
    for name in ("ln_lstm", "min_gru"):
        module = Recurrent(name, HIDDEN, HIDDEN)
        steps[f"{name} ours"] = step(module, lambda m: m(x, None, mask)[0])
    return steps


def step(
    module: nn.Module, forward: Callable[[nn.Module], Tensor]
) -> Callable[[], None]:
    def run() -> None:
        module.zero_grad()
        forward(module).square().sum().backward()

    return run


def packed(module: nn.Module, x: Tensor, lengths: Tensor) -> Tensor:
    rows = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(module(rows)[0], batch_first=True)[0]


if __name__ == "__main__":
    sys.exit(main())
