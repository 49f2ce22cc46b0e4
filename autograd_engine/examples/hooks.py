"""Hooks: look at a gradient on its way, or change it.

python examples/hooks.py
"""

import sys
from pathlib import Path

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import src as ag


def main() -> None:
    w = ag.tensor(np.array([1.0, 2.0]), requires_grad=True)

    hidden = (w * 3).tanh()
    hidden.retain_grad()  # inner tensors keep no gradient unless asked
    hidden.sum().backward()
    print("d sum/d hidden:", hidden.grad.tolist())
    print("d sum/d w:     ", w.grad.numpy().round(6).tolist())

    w.grad = None
    lengths = []
    scaled = w * 1000
    remove = scaled.register_hook(lambda g: lengths.append(float(g.square().sum())))
    scaled.register_hook(lambda g: g.clamp(-1, 1))  # what it returns goes on
    (scaled**2).sum().backward()
    print("squared length that the first hook saw:", lengths)
    print("d/d w behind the clipping hook:        ", w.grad.tolist())
    remove()


if __name__ == "__main__":
    main()
