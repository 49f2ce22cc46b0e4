"""Every way in which a model can say what it has heard, behind one call."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..decoding.autoregressive import ar_beam, ar_greedy
from ..decoding.context_graph import ContextGraph
from ..decoding.ctc_search import ctc_greedy, ctc_prefix_beam
from ..decoding.greedy import Hypothesis, nar_beam, nar_greedy
from ..decoding.ngram import TokenLm
from ..decoding.timestamps import TokenTime, token_times
from ..models.encoder import Encoded
from ..tokenizers import Tokenizer, has_text
from ..training.load import Loaded
from ..training.task import Config
from ..utils.contracts import contract
from ..utils.errors import FaultError, InputError


METHODS = {
    "nar": "all tokens at once, as many as the predictor counts",
    "nar_beam": "the same with other tokens weighed against a language model",
    "ctc": "the likeliest path of the CTC head",
    "ctc_beam": "the likeliest text of the CTC head, by prefix beam search",
    "ar": "the likeliest next token until the end of the sentence",
    "ar_beam": "the same with several texts side by side",
}
BEAMS = ("ctc_beam", "nar_beam", "ar_beam")
"""Those that language models and hot words have a say in, the best first."""


class Helps(NamedTuple):
    """What has a say in a beam search beside the model."""

    lm: TokenLm | None = None
    context: ContextGraph | None = None


ALONE = Helps()


class Heard(NamedTuple):
    """One utterance: its ids without the special ones, and when each was said."""

    tokens: list[int]
    times: tuple[TokenTime, ...]


def methods_of(config: Config) -> tuple[str, ...]:
    """What a model of this config can do, its own method first.

    The CTC head of one that was trained without its loss knows nothing.
    """
    own = {"paraformer": ("nar", "nar_beam"), "transformer": ("ar", "ar_beam")}
    heard = own.get(config.model.name, ())
    by_ctc = ("ctc", "ctc_beam") if config.loss.ctc or not heard else ()
    return (*heard, *by_ctc)


def choose_method(
    method: str, known: Sequence[str], helped: bool, more: Sequence[str] = ()
) -> str:
    """What `auto` means, of the methods that a model knows; raises InputError.

    It names those, and `more` that the caller understands.
    """
    able = [beam for beam in BEAMS if beam in known]
    if method == "auto":
        return able[0] if helped else known[0]
    if method not in known:
        raise InputError(
            f"--method {method}: this model has {', '.join(('auto', *known, *more))}"
        )
    if helped and method not in BEAMS:
        raise InputError(
            f"--method {method} cannot heed hot words or a language model; choose "
            f"{' or '.join(able)}"
        )
    return method


@contract
@torch.no_grad()
def search(
    loaded: Loaded,
    features: Float[Tensor, "batch frames mels"],
    feature_lengths: Int[Tensor, " batch"],
    method: str,
    helps: Helps = ALONE,
) -> list[Heard]:
    """What each utterance says; one without frames says nothing.

    Raises FaultError where the model's numbers are none.
    """
    there = feature_lengths > 0
    if not bool(there.all()):
        rest = iter(
            search(loaded, features[there], feature_lengths[there], method, helps)
            if bool(there.any())
            else ()
        )
        return [next(rest) if one else Heard([], ()) for one in there.tolist()]
    encoded = loaded.model.encoder(features, feature_lengths)
    return search_encoded(loaded, encoded, method, helps)


@torch.no_grad()
def search_encoded(
    loaded: Loaded, encoded: Encoded, method: str, helps: Helps = ALONE, width: int = 0
) -> list[Heard]:
    """The same of what the encoder heard, of a frame at least in each utterance.

    `width` is that of the beams; 0: each one's own. Raises as `search`.
    """
    try:
        return _search(loaded, encoded, method, helps, width)
    except ValueError as error:
        if "no likeliest" not in str(error):
            raise
        raise FaultError(NOT_FINITE) from None


NOT_FINITE = (
    "the model gives NaN or infinity. Use another checkpoint of its run, or train "
    "again with a lower optim.lr"
)


def _search(
    loaded: Loaded, encoded: Encoded, method: str, helps: Helps, width: int
) -> list[Heard]:
    model = loaded.model
    seconds = loaded.front_end.frame_seconds * model.encoder.subsampling
    options = {"lm": helps.lm, "context": helps.context}
    options |= {"width": width} if width else {}
    if method in ("nar", "nar_beam"):
        return _search_nar(loaded, encoded, seconds, method, options)
    if method in ("ctc", "ctc_beam"):
        log_probs = _ctc(model, encoded)
        if method == "ctc":
            found = ctc_greedy(log_probs, encoded.lengths)
        else:
            found = _best(ctc_prefix_beam(log_probs, encoded.lengths, **options))
        return [
            _heard(loaded.tokenizer, best, _ctc_spans(best, int(end), seconds))
            for best, end in zip(found, encoded.lengths, strict=True)
        ]
    given = (model.decoder, encoded.hidden, encoded.lengths)
    found = ar_greedy(*given) if method == "ar" else _best(ar_beam(*given, **options))
    return [
        _heard(loaded.tokenizer, best, [(0.0, int(end) * seconds)] * len(best.tokens))
        for best, end in zip(found, encoded.lengths, strict=True)
    ]


def _search_nar(
    loaded: Loaded,
    encoded: Encoded,
    seconds: float,
    method: str,
    options: dict[str, Any],
) -> list[Heard]:
    said = loaded.model.recognise_encoded(encoded)
    if method == "nar":
        found = nar_greedy(said.logits, said.lengths)
    else:
        found = _best(nar_beam(said.logits, said.lengths, **options))
    heard = []
    for row, best in enumerate(found):
        count, time = len(best.tokens), int(said.encoded.lengths[row])
        times = token_times(
            [loaded.tokenizer.pieces[token] for token in best.tokens],
            said.cif.boundaries[row, :count].float().cpu(),
            said.cif.alphas[row, :time].float().cpu(),
            seconds,
            best.confidence,
        )
        heard.append(_without_specials(best.tokens, times))
    return heard


@contract
def ctc_log_probs(
    model: torch.nn.Module,
    features: Float[Tensor, "batch frames mels"],
    feature_lengths: Int[Tensor, " batch"],
) -> tuple[Float[Tensor, "batch time vocab"], Int[Tensor, " batch"]]:
    """Of the CTC head, which every model has, and the encoder's lengths."""
    encoded = model.encoder(features, feature_lengths)
    return _ctc(model, encoded), encoded.lengths


def _ctc(model: torch.nn.Module, encoded: Encoded) -> Tensor:
    return model.ctc_head(encoded.hidden).float().log_softmax(-1)


def _best(beams: Sequence[Sequence[Hypothesis]]) -> list[Hypothesis]:
    return [beam[0] for beam in beams]


def _ctc_spans(best: Hypothesis, end: int, seconds: float) -> list[tuple[float, float]]:
    """From the frame of a token to that of the next: CTC knows no more."""
    frames = [*best.frames, end]
    return [
        (frames[i] * seconds, frames[i + 1] * seconds) for i in range(len(frames) - 1)
    ]


def _heard(
    tokenizer: Tokenizer, best: Hypothesis, spans: Sequence[tuple[float, float]]
) -> Heard:
    rows = zip(best.tokens, spans, best.confidence, strict=True)
    times = [
        TokenTime(tokenizer.pieces[token], start, end, sure)
        for token, (start, end), sure in rows
    ]
    return _without_specials(best.tokens, times)


def _without_specials(tokens: Sequence[int], times: Sequence[TokenTime]) -> Heard:
    """Blanks and ends have no text; what is not known is shown as such."""
    kept = [i for i, token in enumerate(tokens) if has_text(token)]
    return Heard([tokens[i] for i in kept], tuple(times[i] for i in kept))
