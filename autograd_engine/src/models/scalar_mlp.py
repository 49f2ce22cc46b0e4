"""The perceptron of level 1 inside of level 3: one number at a time, by the same rules.

The network is a Function whose inside is the scalar engine. What reaches its output as
a gradient is sent through the scalar graph, and read off its leaves.
"""

import numpy as np
from jaxtyping import Float

from .. import nn
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..scalar.module import MLP
from ..scalar.scalar import Scalar
from ..utils.contracts import contract


class ScalarGraph(Function):
    """Logits of each point, computed by Scalars whose values are `weights`."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, weights: Tensor, network: MLP) -> np.ndarray:
        ctx.leaves = list(network.parameters())
        for leaf, value in zip(ctx.leaves, weights.tolist(), strict=True):
            leaf.data = value
        ctx.save_for_backward(weights)
        ctx.points = x.tolist()
        if ctx.needs_input_grad[0]:
            ctx.points = [[Scalar(number) for number in row] for row in ctx.points]
        ctx.outputs_of = [network(point) for point in ctx.points]
        values = [[scalar.data for scalar in row] for row in ctx.outputs_of]
        return np.array(values, weights.dtype)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        _ = ctx.saved_tensors  # refuses weights that changed since
        for leaf in ctx.leaves:
            leaf.grad = 0.0
        total = Scalar(0.0)
        for scalars, gradients in zip(ctx.outputs_of, grad.tolist(), strict=True):
            for scalar, gradient in zip(scalars, gradients, strict=True):
                total = total + scalar * gradient
        total.backward()
        gx = None
        if ctx.needs_input_grad[0]:
            gx = np.array([[s.grad for s in row] for row in ctx.points], grad.dtype)
        return gx, np.array([leaf.grad for leaf in ctx.leaves], grad.dtype), None


class ScalarMLP(nn.Module):
    """A perceptron of Scalars; its weights are one vector, which optimisers change."""

    def __init__(
        self, in_features: int, hidden: tuple[int, ...], classes: int, seed: int = 0
    ) -> None:
        super().__init__()
        self.in_features, self.classes = in_features, classes
        self.network = MLP(in_features, [*hidden, classes], seed=seed)
        values = [leaf.data for leaf in self.network.parameters()]
        self.weights = nn.Parameter(np.array(values, np.float32))

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_features}"]
    ) -> Float[Tensor, "batch {self.classes}"]:
        return ScalarGraph.apply(x, self.weights, self.network)
