"""All panels of the page, and what a saved page holds of them."""

from collections.abc import Iterator
from pathlib import Path

from .attention import Attention
from .choices import Choices
from .evolution import Evolution
from .gates import Gates
from .page import Page, Question
from .sampler import Sampler
from .scaling import Scaling
from .tokenizers import Tokenizers


def build(checkpoint: Path | None = None) -> Page:
    """The page of a checkpoint, by default the newest; raises InputError."""
    choices = Choices(checkpoint)
    sampler, attention, gates = Sampler(choices), Attention(choices), Gates(choices)
    first = choices.get(choices.first) if choices.first else None
    tokenizers = Tokenizers(first.tokenizer if first else None)
    evolution = Evolution(choices.runs)
    own = choices.checkpoint if first and first.kind == "reason" else None
    scaling = Scaling(own, choices.runs)

    def exported() -> Iterator[Question]:
        yield from sampler.exported()
        yield from attention.exported()
        yield from gates.exported()
        yield from tokenizers.exported()
        yield from evolution.exported()
        yield from scaling.exported()

    return Page(
        title="Sequence models",
        subtitle=_subtitle(choices),
        calls={
            "sampler/start": sampler.start,
            "sampler/vocabulary": sampler.vocabulary,
            "sampler/next": sampler.next,
            "sampler/draw": sampler.draw,
            "attention/start": attention.start,
            "attention/read": attention.read,
            "attention/map": attention.map,
            "gates/start": gates.start,
            "gates/read": gates.read,
            "tokens/start": tokenizers.start,
            "tokens/learn": tokenizers.learn,
            "evolution/start": evolution.start,
            "evolution/table": evolution.table,
            "scaling/start": scaling.start,
            "scaling/result": scaling.result,
            "scaling/problems": scaling.problems,
            "scaling/answers": scaling.answers,
        },
        streams={"gates/train": gates.train, "scaling/measure": scaling.measure},
        exported=exported,
    )


def _subtitle(choices: Choices) -> str:
    if choices.checkpoint is None:
        return "no checkpoint"
    name = choices.get(choices.first).config.model.name
    return f"{name} · {choices.checkpoint}"
