"""The autoregressive baseline: the same encoder, a decoder that sees what it has said.

Listen, attend and spell with Transformer layers (Dong et al. 2018, Speech-Transformer).
Depth and width are those of `Paraformer`, so that only the order of decoding differs.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ..tokenizers import EOS, SOS
from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .ar_decoder import ARDecoder
from .encoder import Encoded


class AROutput(NamedTuple):
    """What a training step is judged by."""

    logits: Float[Tensor, "batch tokens+1 vocab"]
    """At each place what comes next, the end of the sentence at last."""
    ctc_logits: Float[Tensor, "batch time vocab"]
    time_lengths: Int[Tensor, " batch"]


class ARTransformer(nn.Module):
    """Encoder, causal decoder, and a CTC head on the encoder."""

    def __init__(self, encoder: nn.Module, decoder: ARDecoder, vocab: int):
        super().__init__()
        self.mels, self.vocab = encoder.mels, vocab
        self.encoder, self.decoder = encoder, decoder
        self.ctc_head = nn.Linear(encoder.d_model, vocab)

    @contract
    def forward(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        feature_lengths: Int[Tensor, " batch"],
        tokens: Int[Tensor, "batch tokens"],
        token_lengths: Int[Tensor, " batch"],
    ) -> AROutput:
        """Logits with the true past given (teacher forcing)."""
        encoded = self.encode(features, feature_lengths)
        past = F.pad(tokens, (1, 0), value=SOS)
        past_mask = length_mask(token_lengths + 1, past.shape[1])
        time_mask = length_mask(encoded.lengths, encoded.hidden.shape[1])
        logits = self.decoder(past, past_mask, encoded.hidden, time_mask)
        return AROutput(logits, self.ctc_head(encoded.hidden), encoded.lengths)

    @contract
    def encode(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        feature_lengths: Int[Tensor, " batch"],
    ) -> Encoded:
        """Hidden states, one for `subsampling` frames."""
        return self.encoder(features, feature_lengths)


@contract
def with_end(
    tokens: Int[Tensor, "batch tokens"], token_lengths: Int[Tensor, " batch"]
) -> Int[Tensor, "batch tokens+1"]:
    """The targets of the decoder: `<eos>` behind the last token of each row."""
    targets = F.pad(tokens, (0, 1))
    return targets.scatter(1, token_lengths[:, None], torch.full_like(targets, EOS))
