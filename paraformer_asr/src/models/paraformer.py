"""Paraformer: all tokens of an utterance at once (Gao et al. 2022, arXiv 2206.08317).

An encoder listens; integrate-and-fire decides how many tokens were said and gives one
acoustic embedding for each; a decoder without a causal mask names them all in one pass.
In training a first pass guesses, and the sampler shows the second pass as many true
tokens as the first had wrong, times lambda: the glancing language model of section 3.3.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .cif import CifOutput, cif
from .ctc_predictor import CtcPredictor
from .decoder import NARDecoder
from .encoder import Encoded
from .predictor import AlphaPredictor
from .sampler import sample_glances


class ParaformerOutput(NamedTuple):
    """What a training step is judged by."""

    logits: Float[Tensor, "batch tokens vocab"]
    """Of the pass that the loss reads: the second where there was glancing."""
    guess: Int[Tensor, "batch tokens"]
    """Of the first pass, which has seen no true token."""
    ctc_logits: Float[Tensor, "batch time vocab"]
    time_lengths: Int[Tensor, " batch"]
    counts: Float[Tensor, " batch"]
    """Tokens that the predictor counted: the sum of the unscaled weights."""


class Recognition(NamedTuple):
    """What the model makes of sound alone."""

    logits: Float[Tensor, "batch tokens vocab"]
    lengths: Int[Tensor, " batch"]
    """Tokens of each utterance; the rest of its logits means nothing."""
    cif: CifOutput
    encoded: Encoded
    ctc_logits: Float[Tensor, "batch time vocab"]


class Paraformer(nn.Module):
    """Encoder, predictor, sampler, decoder, and a CTC head beside the predictor."""

    def __init__(
        self,
        encoder: nn.Module,
        decoder: NARDecoder,
        predictor: AlphaPredictor | CtcPredictor,
        vocab: int,
        *,
        tail: float = 0.45,
        glances: bool = True,
    ):
        """`glances`: there is an embedding of true tokens, for `forward` with them."""
        super().__init__()
        self.mels, self.vocab, self.tail = encoder.mels, vocab, tail
        self.encoder, self.predictor, self.decoder = encoder, predictor, decoder
        # Unused it would have no gradient, for which DDP would wait.
        self.embedding = nn.Embedding(vocab, encoder.d_model) if glances else None
        self.ctc_head = nn.Linear(encoder.d_model, vocab)

    @contract
    def forward(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        feature_lengths: Int[Tensor, " batch"],
        tokens: Int[Tensor, "batch tokens"],
        token_lengths: Int[Tensor, " batch"],
        glance: float = 0.0,
    ) -> ParaformerOutput:
        """Both passes; `glance` is lambda, the share of wrong tokens that are shown."""
        encoded = self.encode(features, feature_lengths)
        ctc_logits = self.ctc_head(encoded.hidden)
        heard = self.predict(encoded, ctc_logits, tokens, token_lengths)
        embeds = heard.embeds
        if glance > 0:
            with torch.no_grad():
                guess = self.decode(embeds, token_lengths, encoded).argmax(-1)
            shown = self.embedding(tokens)
            token_mask = length_mask(token_lengths, tokens.shape[1])
            embeds = sample_glances(embeds, shown, guess, tokens, token_mask, glance)
        logits = self.decode(embeds, token_lengths, encoded)
        if glance <= 0:
            guess = logits.detach().argmax(-1)
        return ParaformerOutput(
            logits, guess, ctc_logits, encoded.lengths, heard.counts
        )

    @contract
    def encode(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        feature_lengths: Int[Tensor, " batch"],
    ) -> Encoded:
        """Hidden states, one for `subsampling` frames."""
        return self.encoder(features, feature_lengths)

    @contract
    def recognise(
        self,
        features: Float[Tensor, "batch frames {self.mels}"],
        feature_lengths: Int[Tensor, " batch"],
    ) -> Recognition:
        """As many tokens as the predictor counts, each named by its logits."""
        return self.recognise_encoded(self.encode(features, feature_lengths))

    def recognise_encoded(self, encoded: Encoded) -> Recognition:
        """The same of what the encoder has heard already."""
        ctc_logits = self.ctc_head(encoded.hidden)
        heard = self.predict(encoded, ctc_logits)
        logits = self.decode(heard.embeds, heard.lengths, encoded)
        return Recognition(logits, heard.lengths, heard, encoded, ctc_logits)

    @contract
    def predict(
        self,
        encoded: Encoded,
        ctc_logits: Float[Tensor, "batch time {self.vocab}"],
        tokens: Int[Tensor, "batch tokens"] | None = None,
        token_lengths: Int[Tensor, " batch"] | None = None,
    ) -> CifOutput:
        """One acoustic embedding a token, as many as `tokens` where these are known."""
        if isinstance(self.predictor, CtcPredictor):
            return self.predictor(
                encoded.hidden, ctc_logits, encoded.lengths, tokens, token_lengths
            )
        time_mask = length_mask(encoded.lengths, encoded.hidden.shape[1])
        alphas = self.predictor(encoded.hidden, time_mask)
        size = None if tokens is None else tokens.shape[1]
        return cif(encoded.hidden, alphas, token_lengths, tail=self.tail, size=size)

    @contract
    def decode(
        self,
        embeds: Float[Tensor, "batch tokens d_model"],
        token_lengths: Int[Tensor, " batch"],
        encoded: Encoded,
    ) -> Float[Tensor, "batch tokens {self.vocab}"]:
        """Logits of all tokens in one pass."""
        token_mask = length_mask(token_lengths, embeds.shape[1])
        time_mask = length_mask(encoded.lengths, encoded.hidden.shape[1])
        return self.decoder(embeds, token_mask, encoded.hidden, time_mask)
