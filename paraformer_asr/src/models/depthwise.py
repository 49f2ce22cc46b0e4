"""A convolution over time that keeps the channels apart."""

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .memory import LayerMemory


class DepthwiseConvolution(nn.Module):
    """Each channel filtered by its own `kernel` weights, with zeros at both ends.

    Causal: from the frame itself and the `kernel` - 1 before it; otherwise from as many
    before as behind it.
    """

    def __init__(self, d_model: int, kernel: int, *, causal: bool, bias: bool = True):
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel = {kernel}: must be odd")
        self.d_model, self.kernel = d_model, kernel
        self.left = kernel - 1 if causal else kernel // 2
        self.filters = nn.Conv1d(d_model, d_model, kernel, groups=d_model, bias=bias)

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.d_model}"],
        time_mask: Bool[Tensor, "batch time"] | None = None,
        memory: LayerMemory | None = None,
    ) -> Float[Tensor, "batch time {self.d_model}"]:
        """Masked frames count as zeros; `memory` has the frames before the first."""
        if time_mask is not None:
            x = x.masked_fill(~time_mask[..., None], 0.0)
        if memory is None:
            x = F.pad(x, (0, 0, self.left, self.kernel - 1 - self.left))
        else:
            x = memory.convolve(x)
        return self.filters(x.transpose(1, 2)).transpose(1, 2)
