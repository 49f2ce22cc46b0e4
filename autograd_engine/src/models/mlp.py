"""Multi-layer perceptrons, and the one-layer case, logistic regression."""

from jaxtyping import Float

from .. import functional as F
from .. import nn
from ..engine.tensor import Tensor
from ..utils.contracts import contract


class MLP(nn.Module):
    """x -> W_n relu(... relu(W_1 x + b_1) ...) + b_n; linear without hidden sizes."""

    def __init__(
        self,
        in_features: int,
        hidden: tuple[int, ...],
        classes: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.classes, self.dropout = classes, dropout
        sizes = (in_features, *hidden, classes)
        self.layers = nn.ModuleList(
            nn.Linear(fan_in, fan_out)
            for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True)
        )

    @contract
    def forward(
        self, x: Float[Tensor, "batch features *rest"]
    ) -> Float[Tensor, "batch {self.classes}"]:
        x = x.reshape(x.shape[0], -1) if x.ndim > 2 else x
        for layer in self.layers[:-1]:
            x = F.dropout(F.relu(layer(x)), self.dropout, training=self.training)
        return self.layers[-1](x)
