"""A text that grows while someone speaks: the whole model as a state machine.

The front end, the encoder and integrate-and-fire each keep a small state and give what
is certain. The decoder sees all tokens at once, so it runs anew over those that have
fired: a later word may still change an earlier one, until `finish` gives the text that
`model.recognise` gives for the whole.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..audio.front_end import FrontEnd
from ..audio.stream import FrontEndStream
from ..models.cif import CifStream
from ..models.ctc_model import CtcModel
from ..models.encoder import Encoded
from ..models.paraformer import Paraformer
from ..models.predictor import AlphaPredictor
from ..tokenizers import Tokenizer
from ..utils.contracts import contract
from ..utils.errors import InputError
from .ctc_search import ctc_greedy
from .greedy import Hypothesis, nar_greedy


class Partial(NamedTuple):
    """What was understood so far."""

    text: str
    tokens: tuple[int, ...]
    confidence: tuple[float, ...]
    """The model's probability of each token, 0 to 1."""
    seconds: float
    """Of sound that the text has heard."""


class Stream:
    """One utterance, at the rate of the front end, in pieces of any size.

    Needs a causal encoder (chunked or not) and features without the mean of the whole
    utterance; InputError, one sentence, for a model that was trained otherwise. The
    hidden states are kept until the end: cut what is longer at silence, as `Recognizer`
    does.
    """

    def __init__(self, model: nn.Module, front_end: FrontEnd, tokenizer: Tokenizer):
        _check(model, front_end)
        self.model, self.tokenizer, self.front_end = model, tokenizer, front_end
        self.features = FrontEndStream(front_end)
        self.memory = model.encoder.new_memory()
        weight = next(model.parameters())
        self.hidden = weight.new_zeros(1, 0, model.encoder.d_model)
        self.embeds = self.hidden
        self.fires = isinstance(getattr(model, "predictor", None), AlphaPredictor)
        if self.fires:
            self.cif = CifStream(model.encoder.d_model, tail=model.tail)
        self.ended = False

    @contract
    def push(self, waveform: Float[Tensor, " samples"]) -> Partial:
        """Hear some more; ValueError after `finish`."""
        if self.ended:
            raise ValueError("the stream has ended: begin another")
        return self._hear(self.features.push(waveform), last=False)

    def finish(self) -> Partial:
        """The text of the whole; ends the stream."""
        if self.ended:
            raise ValueError("the stream has ended: begin another")
        self.ended = True
        return self._hear(self.features.finish(), last=True)

    @torch.inference_mode()
    def _hear(self, features: Tensor, last: bool) -> Partial:
        features = features.to(self.hidden)[None]
        new = self.model.encoder.step(features, self.memory, last)
        if self.fires:
            self._fire(new)
        self.hidden = torch.cat((self.hidden, new), 1)
        if last and self.fires:
            self.embeds = torch.cat((self.embeds, self.cif.finish().embeds), 1)
        best = self._decode()
        frame = self.front_end.frame_seconds * self.model.encoder.subsampling
        return Partial(
            self.tokenizer.decode(best.tokens),
            tuple(best.tokens),
            tuple(best.confidence),
            self.hidden.shape[1] * frame,
        )

    def _fire(self, new: Tensor) -> None:
        """The embeddings of the tokens that the new hidden states complete."""
        # The convolution of the predictor looks back at frames that it has had.
        back = self.model.predictor.kernel - 1
        known = self.hidden[:, max(0, self.hidden.shape[1] - back) :]
        missing = back - known.shape[1]
        seen = F.pad(torch.cat((known, new), 1), (0, 0, missing, 0))
        real = torch.ones(seen.shape[:2], dtype=torch.bool, device=seen.device)
        alphas = self.model.predictor(seen, real)[:, back:]
        self.embeds = torch.cat((self.embeds, self.cif.push(new, alphas).embeds), 1)

    def _decode(self) -> Hypothesis:
        """The likeliest tokens, from all that was heard."""
        lengths = torch.tensor([self.hidden.shape[1]], device=self.hidden.device)
        encoded = Encoded(self.hidden, lengths)
        if self.fires:
            embeds, lengths = self.embeds, lengths.new_tensor([self.embeds.shape[1]])
        else:
            ctc_logits = self.model.ctc_head(self.hidden)
            if isinstance(self.model, CtcModel):
                return ctc_greedy(ctc_logits.log_softmax(-1), encoded.lengths)[0]
            embeds, lengths, *_ = self.model.predict(encoded, ctc_logits)
        logits = self.model.decode(embeds, lengths, encoded)
        return nar_greedy(logits, lengths)[0]


def _check(model: nn.Module, front_end: FrontEnd) -> None:
    if not isinstance(model, (Paraformer, CtcModel)):
        raise InputError(
            "an autoregressive model cannot stream: it attends to the whole utterance. "
            "Use a model with model.name paraformer or ctc"
        )
    if not model.encoder.chunk:
        raise InputError(
            "the encoder of this model hears whole utterances. To stream, train one "
            "with model.causal=true"
        )
    if front_end.config.cmvn == "utterance":
        raise InputError(
            "the features of this model need the mean of the whole utterance. To "
            "stream, train one with features.cmvn=global or none"
        )
