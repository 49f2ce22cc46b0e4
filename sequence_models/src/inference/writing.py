"""A language model writes: drawn, greedy, by beam search or with a draft model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from ..generation.beam import beam_search
from ..generation.generate import generate, stream, window_start
from ..generation.pieces import text_pieces
from ..generation.sampling import PLAIN, Sampling
from ..generation.speculative import MOST_GUESSES, speculate, speculative
from ..utils.errors import InputError
from ..utils.logging import log
from .predictor import Predictor, load_predictor


@dataclass(frozen=True, slots=True)
class Writing:
    """How texts are written."""

    count: int = 1
    """Texts."""
    length: int = 300
    """Tokens of each, at most."""
    temperature: float | None = None
    """None: 0.8 for texts, 0 for answers."""
    sampling: Sampling = PLAIN
    """The other settings."""
    seed: int = 0
    beam: int = 0
    """Texts that beam search keeps; 0: draw."""
    draft: Path | None = None
    """The checkpoint of a smaller model that guesses for this one."""
    guesses: int = 4

    def __post_init__(self):
        for name, least in (("count", 1), ("length", 1), ("beam", 0), ("seed", 0)):
            if getattr(self, name) < least:
                value = getattr(self, name)
                raise InputError(f"--{name} {value}: must be {least} or more")
        if not 1 <= self.guesses <= MOST_GUESSES:
            raise InputError(f"--guesses {self.guesses}: must be 1 to {MOST_GUESSES}")
        if self.beam and self.draft:
            raise InputError("--beam and --draft: give one of them")
        if self.beam and self.count > self.beam:
            raise InputError(
                f"--count {self.count}: a beam of {self.beam} finds {self.beam} texts"
            )
        filters = replace(self.sampling, repetition_penalty=1.0, no_repeat_ngram=0)
        if self.beam and (self.temperature is not None or filters != PLAIN):
            raise InputError(
                "--beam draws nothing: leave out --temperature, --top-k, --top-p, "
                "--min-p"
            )

    def settled(self, kind: str) -> "Writing":
        """With the temperature in its place; a beam has none."""
        if self.beam:
            return self
        default = 0.8 if kind == "lm" else 0.0
        temperature = default if self.temperature is None else self.temperature
        sampling = replace(self.sampling, temperature=temperature)
        return replace(self, temperature=temperature, sampling=sampling)


def prompt_ids(predictor: Predictor, text: str, place: str = "--prompt") -> list[int]:
    """The ids of a prompt; of none the beginning of a text. Raises InputError.

    Of a prompt longer than the context the model sees what it would see of such a text
    of its own: its last tokens. A warning says how many.
    """
    try:
        ids = predictor.tokenizer.encode(text)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    context = predictor.model.context
    if context is not None and len(ids) > context:
        seen = len(ids) - window_start(len(ids), context)
        log.warning(
            f"{place}: {len(ids)} tokens are more than the context of {context}; the "
            f"model sees the last {seen}"
        )
    return ids or predictor.beginning


def write(predictor: Predictor, ids: list[int], how: Writing) -> list[dict[str, Any]]:
    """Texts that follow `ids`: each with its "text", what it begins with left out."""
    if how.beam:
        return _beams(predictor, ids, how)
    if how.draft:
        return list(_speculated(predictor, ids, how))
    model, ends = predictor.model, predictor.ends
    prompt = predictor.tensor(ids).expand(how.count, -1)
    tokens = generate(
        model, prompt, how.length, how.sampling, seed=how.seed, stop=ends
    ).tolist()
    return [_described(predictor, cut(row, ends)) for row in tokens]


def write_pieces(predictor: Predictor, ids: list[int], how: Writing) -> Iterator[str]:
    """Yield one text piece by piece, each of whole characters, as it is written."""
    if how.beam:
        raise InputError("--stream: a beam knows its text only when it ends")
    if how.count > 1:
        raise InputError(f"--count {how.count}: --stream writes one text")
    prompt, ends = predictor.tensor(ids), predictor.ends
    if how.draft:
        model = load_draft(predictor, how.draft)
        options = {"guesses": how.guesses, "seed": how.seed, "stop": ends}
        rounds = speculate(
            predictor.model, model, prompt, how.length, how.sampling, **options
        )
        tokens = (token for one in rounds for token in one.tokens)
    else:
        tokens = stream(
            predictor.model, prompt, how.length, how.sampling,
            seed=how.seed, stop=ends,
        )  # fmt: skip
    return text_pieces(tokens, predictor.tokenizer.token_bytes())


def cut(tokens: list[int], ends: set[int]) -> list[int]:
    """The tokens up to the first that ends a text, without it."""
    end = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[:end]


def load_draft(predictor: Predictor, checkpoint: Path) -> nn.Module:
    """A model that guesses for another; raises InputError if they cannot talk."""
    draft = load_predictor(checkpoint, predictor.device)
    if draft.kind != "lm":
        raise InputError(
            f"--draft {checkpoint}: is no language model, but {draft.kind}"
        )
    if draft.tokenizer.to_dict() != predictor.tokenizer.to_dict():
        raise InputError(
            f"--draft {checkpoint}: has another tokenizer. Train both on the same data"
        )
    return draft.model


def _described(predictor: Predictor, tokens: list[int], **more: Any) -> dict[str, Any]:
    return {"text": predictor.text(tokens), "tokens": len(tokens), **more}


def _beams(predictor: Predictor, ids: list[int], how: Writing) -> list[dict[str, Any]]:
    beams = beam_search(
        predictor.model,
        predictor.tensor(ids),
        how.length,
        how.beam,
        stop=predictor.ends,
        penalties=how.sampling,
    )
    return [
        _described(
            predictor,
            cut(beam.tokens, predictor.ends),
            log_probability=beam.log_probability,
            score=beam.score,
        )
        for beam in beams[: how.count]
    ]


def _speculated(
    predictor: Predictor, ids: list[int], how: Writing
) -> Iterator[dict[str, Any]]:
    """Text i is drawn with the seed + i."""
    draft, prompt = load_draft(predictor, how.draft), predictor.tensor(ids)
    for seed in range(how.seed, how.seed + how.count):
        done = speculative(
            predictor.model,
            draft,
            prompt,
            how.length,
            how.sampling,
            guesses=how.guesses,
            seed=seed,
            stop=predictor.ends,
        )
        yield _described(
            predictor,
            cut(done.tokens.tolist(), predictor.ends),
            acceptance=done.acceptance,
            tokens_per_call=done.tokens_per_call,
        )
