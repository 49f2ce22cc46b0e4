"""The linear recurrence h_t = a_t . h_{t-1} + b_t over all t at once.

Two steps after one another are one step again,

    a' (a h + b) + b' = (a' a) h + (a' b + b'),

and that composition is associative: after round k each place holds the steps of the 2^k
places that end there (Hillis & Steele 1986; Blelloch 1990). log2(T) rounds over all
places where the loop has T small steps: more work, fewer launches.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract
from ..utils.tracing import tracing


@contract
def linear_scan(
    a: Float[Tensor, "batch time hidden"],
    b: Float[Tensor, "batch time hidden"],
    h0: Float[Tensor, "batch hidden"],
) -> Float[Tensor, "batch time hidden"]:
    """h_1 ... h_T, with |a| <= 1 so that no product overflows.

    Can be differentiated any number of times. On a CPU the loop does the least work and
    is used; elsewhere, and when traced, the rounds.
    """
    if tracing():
        return scan_in_rounds(a, b, h0)
    return _Scan.apply(a, b, h0)


@contract
def scan_in_rounds(
    a: Float[Tensor, "batch time hidden"],
    b: Float[Tensor, "batch time hidden"],
    h0: Float[Tensor, "batch hidden"],
) -> Float[Tensor, "batch time hidden"]:
    """The parallel form: ceil(log2 T) rounds over all of time."""
    span = 1
    while span < a.shape[1]:
        b = b + a * F.pad(b, (0, 0, span, 0))[:, :-span]
        a = a * F.pad(a, (0, 0, span, 0), value=1)[:, :-span]
        span *= 2
    return a * h0[:, None] + b


@contract
def scan_in_order(
    a: Float[Tensor, "batch time hidden"],
    b: Float[Tensor, "batch time hidden"],
    h0: Float[Tensor, "batch hidden"],
) -> Float[Tensor, "batch time hidden"]:
    """The loop: T steps, without derivatives."""
    h = torch.empty_like(b)
    before = h0
    for a_t, b_t, h_t in zip(a.unbind(1), b.unbind(1), h.unbind(1), strict=True):
        before = torch.addcmul(b_t, a_t, before, out=h_t)
    return h


class _Scan(torch.autograd.Function):
    """The gradient s_t = dh_t + a_{t+1} s_{t+1} is the same recurrence from the end."""

    @staticmethod
    def forward(ctx, a, b, h0):
        form = scan_in_order if a.device.type == "cpu" else scan_in_rounds
        h = form(a, b, h0)
        ctx.save_for_backward(a, h, h0)
        return h

    @staticmethod
    def backward(ctx, grad):
        """Made of differentiable operations only, so that it has a derivative too."""
        a, h, h0 = ctx.saved_tensors
        later = F.pad(a[:, 1:], (0, 0, 0, 1))
        s = linear_scan(later.flip(1), grad.flip(1), torch.zeros_like(h0)).flip(1)
        before = torch.cat([h0[:, None], h[:, :-1]], 1)
        return s * before, s, a[:, 0] * s[:, 0]
