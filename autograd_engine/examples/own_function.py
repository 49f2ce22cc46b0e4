"""An operation of your own, checked against differences before it is trusted.

    python examples/own_function.py

`Swish` is x · sigmoid(x). The second class has the mistake that everybody makes once;
gradcheck says where and by how much.
"""

import sys
from pathlib import Path

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import src as ag
from src.engine.gradcheck import GradcheckError, gradcheck, gradgradcheck


class Swish(ag.Function):
    """x · s with s = sigmoid(x); derivative s + x s (1 - s)."""

    @staticmethod
    def forward(ctx: ag.Function, x: ag.Tensor) -> np.ndarray:
        ctx.save_for_backward(x)
        return x.data / (1 + np.exp(-x.data))

    @staticmethod
    def backward(ctx: ag.Function, grad: ag.Tensor) -> ag.Tensor:
        (x,) = ctx.saved_tensors
        s = x.sigmoid()  # tensor operations: it can be differentiated once more
        return grad * (s + x * s * (1 - s))


class WrongSwish(Swish):
    """Forgets that the chain rule multiplies by what arrives."""

    @staticmethod
    def backward(ctx: ag.Function, grad: ag.Tensor) -> ag.Tensor:
        (x,) = ctx.saved_tensors
        s = x.sigmoid()
        return s + x * s * (1 - s)


def main() -> None:
    x = ag.tensor(np.linspace(-3, 3, 7), requires_grad=True)
    print("gradcheck:    ", gradcheck(Swish.apply, [x]))
    print("gradgradcheck:", gradgradcheck(Swish.apply, [x]))
    try:
        gradcheck(lambda x: 2 * WrongSwish.apply(x), [x[:1].detach().requires_grad_()])
    except GradcheckError as error:
        print("the wrong one:", error)


if __name__ == "__main__":
    main()
