"""Checkpointing: twice the forward pass, a fraction of its memory.

    python examples/checkpointing.py

The same network with and without `checkpoint`: the gradients are equal to the last bit,
the bytes that wait for the backward pass are not.
"""

import sys
from pathlib import Path

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import src as ag
from src.engine.recompute import checkpoint
from src.look.tape import Tape


BLOCKS, LAYERS = 6, 4


def block(x: ag.Tensor, *weights: ag.Tensor) -> ag.Tensor:
    """A few layers whose inner values are needed only within the block."""
    for w in weights:
        x = (x @ w).tanh()
    return x


def step(parts: list[list[ag.Tensor]], x: ag.Tensor, save: bool) -> Tape:
    """One forward and backward pass on a tape."""
    with Tape() as tape:
        for weights in parts:
            x = checkpoint(block, x, *weights) if save else block(x, *weights)
        loss = (x * x).mean()
        tape.note("backward")
        loss.backward()
    return tape


def main() -> None:
    rng = np.random.default_rng(0)
    parts = [
        [
            ag.tensor(rng.normal(size=(64, 64)) / 8, requires_grad=True)
            for _ in range(LAYERS)
        ]
        for _ in range(BLOCKS)
    ]
    x = ag.tensor(rng.normal(size=(256, 64)))
    gradients, peaks = [], []
    for save in (False, True):
        tape = step(parts, x, save)
        peaks.append(tape.peak)
        gradients.append([w.grad for weights in parts for w in weights])
        for weights in parts:
            for w in weights:
                w.grad = None
    same = all(np.array_equal(a.data, b.data) for a, b in zip(*gradients, strict=True))
    print(f"peak without checkpoint {peaks[0] / 1024:8.0f} KiB")
    print(f"peak with checkpoint    {peaks[1] / 1024:8.0f} KiB")
    print(f"gradients equal to the last bit: {same}")


if __name__ == "__main__":
    main()
