"""Break it, 3: a broadcast input whose gradient is not summed back.

A bias of shape (3,) is added to each of 4 rows. Its gradient has shape (4, 3) until the
rows are summed: the bias acted on all of them.
"""

import sys
from pathlib import Path

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import src as ag


def mean_backward(rows: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The gradient of ((rows + bias)²).sum() for the bias, made to fit by a mean.

    Taking the first row, or letting numpy broadcast `bias -= lr * gradient`, goes as
    wrong and as quietly.
    """
    gradient = 2 * (rows + bias)  # (4, 3)
    return gradient.mean(axis=0)


rows = np.arange(12.0).reshape(4, 3) / 10
bias = np.array([1.0, 2.0, 3.0])
print(f"wrong: dL/dbias = {mean_backward(rows, bias).round(6).tolist()}")
print(
    "why:   each of the 4 rows used the bias, so their gradients are added, not "
    "averaged: 4 times as much"
)
b = ag.tensor(bias, requires_grad=True)
((ag.tensor(rows) + b) ** 2).sum().backward()  # the engine sums what was broadcast
print(f"right: dL/dbias = {b.grad.numpy().round(6).tolist()}")
