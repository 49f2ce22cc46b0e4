"""Connectionist temporal classification: encoder and a linear layer (Graves 2006)."""

from typing import NamedTuple

from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .encoder import Encoded


class CtcOutput(NamedTuple):
    """Of training and of recognition alike."""

    ctc_logits: Float[Tensor, "batch time vocab"]
    time_lengths: Int[Tensor, " batch"]


class CtcModel(nn.Module):
    """A token or a blank for each encoder frame."""

    def __init__(self, encoder: nn.Module, vocab: int):
        super().__init__()
        self.mels, self.vocab, self.encoder = encoder.mels, vocab, encoder
        self.ctc_head = nn.Linear(encoder.d_model, vocab)

    @contract
    def forward(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        feature_lengths: Int[Tensor, " batch"],
    ) -> CtcOutput:
        """Logits of `vocab` tokens, of which 0 is the blank."""
        encoded: Encoded = self.encoder(features, feature_lengths)
        return CtcOutput(self.ctc_head(encoded.hidden), encoded.lengths)
