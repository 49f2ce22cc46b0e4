"""A multilayer perceptron for two classes, with plain lists of parameters."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Real

from ..utils.contracts import contract
from .tensor import Tensor, tensor


class MLP:
    """Linear layers with relu between them; weights are (in_features, out_features)."""

    def __init__(
        self,
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray],
        backend: str = "simple",
    ) -> None:
        if len(weights) != len(biases) or not weights:
            raise ValueError(f"{len(weights)} weights but {len(biases)} biases")
        self.backend = backend
        self.in_features = len(weights[0])
        self.weights = [tensor(w, backend=backend, requires_grad=True) for w in weights]
        self.biases = [tensor(b, backend=backend, requires_grad=True) for b in biases]

    def parameters(self) -> list[Tensor]:
        """Weights, then biases."""
        return [*self.weights, *self.biases]

    @contract
    def forward(
        self, x: Float[np.ndarray, "batch {self.in_features}"]
    ) -> Float[Tensor, "batch 1"]:
        """The logits."""
        out = tensor(x, backend=self.backend)
        for number, (weight, bias) in enumerate(
            zip(self.weights, self.biases, strict=True)
        ):
            out = out @ weight + bias
            if number < len(self.weights) - 1:
                out = out.relu()
        return out

    @contract
    def loss(
        self,
        x: Float[np.ndarray, "batch {self.in_features}"],
        y: Real[np.ndarray, " batch"] | Real[np.ndarray, "batch 1"],
    ) -> Float[Tensor, ""]:
        """The mean log loss of targets y, each 0 or 1.

        With logits z it is the mean of log(1 + exp(z)) - z y, which never overflows.
        """
        logits = self.forward(x)
        targets = tensor(np.reshape(y, (-1, 1)), backend=self.backend)
        return (logits.softplus() - logits * targets).mean()

    def step(self, lr: float) -> None:
        """Gradient descent: subtract lr times each gradient, then forget it."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.data = (parameter.detach() - parameter.grad * lr).data
                parameter.grad = None
