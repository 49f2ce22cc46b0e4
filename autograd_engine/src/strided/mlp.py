"""A multilayer perceptron for two classes, with plain lists of parameters."""

from collections.abc import Sequence

import numpy as np

from .tensor import Tensor, tensor


class MLP:
    """Linear layers with relu between them; weights are (in_features, out_features)."""

    def __init__(
        self,
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray],
        backend: str = "simple",
    ) -> None:
        if len(weights) != len(biases):
            raise ValueError(f"{len(weights)} weights but {len(biases)} biases")
        self.backend = backend
        self.weights = [tensor(w, backend=backend, requires_grad=True) for w in weights]
        self.biases = [tensor(b, backend=backend, requires_grad=True) for b in biases]

    def parameters(self) -> list[Tensor]:
        """Weights, then biases."""
        return [*self.weights, *self.biases]

    def forward(self, x: np.ndarray) -> Tensor:
        """Logits (samples, 1) of inputs (samples, in_features)."""
        out = tensor(x, backend=self.backend)
        for number, (weight, bias) in enumerate(
            zip(self.weights, self.biases, strict=True)
        ):
            out = out @ weight + bias
            if number < len(self.weights) - 1:
                out = out.relu()
        return out

    def loss(self, x: np.ndarray, y: np.ndarray) -> Tensor:
        """The mean log loss of targets y in {0, 1}, one a sample.

        With logits z it is the mean of log(1 + exp(z)) - z y, which never overflows.
        """
        logits = self.forward(x)
        targets = tensor(np.reshape(y, (-1, 1)), backend=self.backend)
        if targets.shape != logits.shape:
            raise ValueError(
                f"loss: {targets.shape[0]} targets for logits of shape {logits.shape}"
            )
        return (logits.softplus() - logits * targets).mean()

    def step(self, lr: float) -> None:
        """Gradient descent: subtract lr times each gradient, then forget it."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.data = (parameter.detach() - parameter.grad * lr).data
                parameter.grad = None
