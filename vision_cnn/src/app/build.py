"""All panels of the page, and what a saved page holds of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..utils.errors import InputError
from .attribution import Attribution
from .augment import Laboratory
from .checkpoints import newest_checkpoint
from .look import Look
from .mistakes import Mistakes
from .opened import Opened
from .page import Page, Question
from .runs import Runs
from .surgery import Surgery
from .training import Training


INSIDE = {
    "look": Look,
    "attribution": Attribution,
    "surgery": Surgery,
    "mistakes": Mistakes,
    "augment": Laboratory,
}
"""Panels of a trained network: each is made of the opened checkpoint."""
BESIDE = {"training": Training, "runs": Runs}
"""Panels that can do without one."""
ASKED = {
    "look": ("start", "drop", "picture", "predict", "layer"),
    "attribution": ("start", "map"),
    "surgery": ("start", "without"),
    "mistakes": ("start",),
    "augment": ("start", "drop", "draws"),
    "training": ("start", "subjects", "frame"),
    "runs": ("start", "stopping"),
}
STREAMED = {"mistakes": ("score",), "runs": ("compare",)}


def build(checkpoint: Path | None = None) -> Page:
    """The page of a checkpoint, by default the newest; raises InputError."""
    checkpoint = checkpoint or newest_checkpoint()
    opened = Opened(checkpoint) if checkpoint else None
    panels: dict[str, Any] = {}
    if opened:
        panels |= {name: made(opened) for name, made in INSIDE.items()}
    panels |= {name: made(opened) for name, made in BESIDE.items()}

    def exported() -> Iterator[Question]:
        for panel in panels.values():
            yield from panel.exported()

    return Page(
        title="Convolutional networks from inside",
        subtitle=_subtitle(opened) if opened else "no checkpoint",
        calls=_named(panels, ASKED),
        streams=_named(panels, STREAMED),
        exported=exported,
    )


def _named(
    panels: dict[str, Any], asked: dict[str, tuple[str, ...]]
) -> dict[str, Callable]:
    return {
        f"{panel}/{name}": getattr(panels.get(panel), name, _untrained)
        for panel, names in asked.items()
        for name in names
    }


def _subtitle(opened: Opened) -> str:
    classes = len(opened.info.class_names)
    return f"{opened.config.model.name} · {classes} classes · {opened.path}"


def _untrained(**_: Any) -> Callable:
    raise InputError(
        "there is no trained network yet. Type: python scripts/train.py --config "
        "configs/toy_patterns.yaml"
    )
