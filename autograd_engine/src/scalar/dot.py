"""The weighted sum of a neuron as one operation: what fusing buys (README, W1)."""

from collections.abc import Sequence
from itertools import compress
from operator import mul

from .scalar import Scalar, make_node


def dot(
    weights: Sequence[Scalar],
    inputs: Sequence[Scalar | float],
    bias: Scalar | None = None,
) -> Scalar:
    """w1 x1 + ... + wn xn + b as one node: d/dw = x, d/dx = w, d/db = 1.

    The value and the gradients of the 2n operations, without their 2n nodes. Numbers
    among the inputs are constants.
    """
    if len(weights) != len(inputs):
        raise ValueError(
            f"dot: {len(weights)} weights and {len(inputs)} inputs; "
            "each weight needs one input"
        )
    try:
        w = [weight.data for weight in weights]
    except AttributeError:
        raise TypeError("dot: a weight is no Scalar; numbers may be inputs") from None
    nodes = [isinstance(each, Scalar) for each in inputs]
    x = [
        each.data if is_node else float(each)
        for each, is_node in zip(inputs, nodes, strict=True)
    ]
    parents = [*weights, *compress(inputs, nodes)]
    local_gradients = [*x, *compress(w, nodes)]
    total = sum(map(mul, w, x), 0.0)
    if bias is not None:
        total += bias.data
        parents.append(bias)
        local_gradients.append(1.0)
    return make_node(total, tuple(parents), tuple(local_gradients), "dot")
