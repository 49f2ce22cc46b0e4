"""How much of a token each encoder frame carries (Gao et al. 2022, section 3.2)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..utils.contracts import contract


class AlphaPredictor(nn.Module):
    """alpha_t = sigmoid(w . relu(conv(h))_t + b), 0 at padding.

    At the default `bias` of -2 an untrained model counts 0.12 tokens a frame, about
    what speech has at 40 ms a frame. At 0 it counts four times too many: the quantity
    loss then dwarfs the others and flattens the encoder before it has learned to hear.
    """

    def __init__(
        self, d_model: int, kernel: int = 3, bias: float = -2.0, causal: bool = False
    ):
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel = {kernel}: must be odd and positive")
        self.d_model, self.kernel, self.causal = d_model, kernel, causal
        self.conv = nn.Conv1d(d_model, d_model, kernel)
        self.out = nn.Linear(d_model, 1)
        nn.init.constant_(self.out.bias, bias)

    @contract
    def forward(
        self,
        hidden: Float[Tensor, "batch time {self.d_model}"],
        time_mask: Bool[Tensor, "batch time"],
    ) -> Float[Tensor, "batch time"]:
        """Weights in [0, 1], at least float32: half types cannot count."""
        if hidden.shape[1] == 0:
            return hidden.new_zeros(hidden.shape[:2])
        left = self.kernel - 1 if self.causal else self.kernel // 2
        x = hidden.masked_fill(~time_mask[..., None], 0).transpose(1, 2)
        # One frame more behind, and cut off again: no frame at all goes through too.
        x = self.conv(F.pad(x, (left, self.kernel - left)))[..., : hidden.shape[1]]
        score = self.out(x.transpose(1, 2).relu()).squeeze(-1)
        wide = torch.promote_types(score.dtype, torch.float32)
        return score.to(wide).sigmoid().masked_fill(~time_mask, 0)
