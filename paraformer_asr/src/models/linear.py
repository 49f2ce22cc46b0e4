"""y = x W^T + b, in float32 on a CPU by oneDNN where the product is large.

torch gives such products to MKL, which serves CPUs that are not Intel's at half speed:
for 768 x 128 by 128 x 384 on an AMD EPYC with AVX-512, one thread, MKL does 94 GFLOP/s
and oneDNN 215, with the same rounding error. oneDNN has 15 microseconds more to
prepare, so small products stay where they are. `benchmark_gpt.py` has a row with MKL's
product, for a comparison with models that are written with `nn.Linear`;
`torch.backends.mkldnn.enabled = False` leaves all to MKL.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.tracing import tracing


class Linear(nn.Linear):
    """`nn.Linear` with the faster product."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


@contract
def linear(
    x: Float[Tensor, "... features"],
    weight: Float[Tensor, "classes features"],
    bias: Float[Tensor, " classes"] | None = None,
) -> Float[Tensor, "... classes"]:
    """`F.linear`: x W^T + b for each vector of `x`."""
    if _is_faster(x, weight):
        return _Linear.apply(x, weight, bias)
    return F.linear(x, weight, bias)


LARGE = 2**21  # multiplications, from where oneDNN was measured to be faster
_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(
    torch.ops.mkldnn, "_linear_pointwise"
)


def is_dense(matrix: Tensor) -> bool:
    """Whether its rows or its columns follow each other without gaps.

    Any other W makes oneDNN fall back to its reference loop, a thousand times as slow.
    """
    return matrix.is_contiguous() or matrix.t().is_contiguous()


def _is_faster(x: Tensor, weight: Tensor) -> bool:
    return (
        x.numel() * len(weight) >= LARGE
        and x.dtype is weight.dtype is torch.float32
        and x.is_cpu
        and is_dense(weight)
        and _HAS_ONEDNN
        and not tracing()
        and torch.backends.mkldnn.enabled
        and not torch.is_autocast_enabled("cpu")
    )


class _Linear(torch.autograd.Function):
    """Backward of y = x W^T + b: dx = dy W, dW = dy^T x, db = sum of dy."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")

    @staticmethod
    def backward(ctx, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        dx = dw = db = None
        if ctx.needs_input_grad[0]:
            dx = linear(dy, weight.t())
        if ctx.needs_input_grad[1]:
            dy_t, x_t = dy.flatten(0, -2).t(), x.flatten(0, -2).t()
            # oneDNN is up to a third faster where the longer side comes second.
            dw = linear(dy_t, x_t) if len(dy_t) <= len(x_t) else linear(x_t, dy_t).t()
        if ctx.needs_input_grad[2]:
            db = dy.flatten(0, -2).sum(0)
        return dx, dw, db
