"""All panels of the page, and what a saved page holds of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..utils.errors import InputError
from .attribution import Attribution
from .checkpoints import newest_checkpoint
from .look import Look
from .opened import Opened
from .page import Page, Question
from .surgery import Surgery


INSIDE = {"look": Look, "attribution": Attribution, "surgery": Surgery}
"""Panels of a trained network: each is made of the opened checkpoint."""
ASKED = {
    "look": ("start", "drop", "predict", "layer"),
    "attribution": ("start", "map"),
    "surgery": ("start", "without"),
}


def build(checkpoint: Path | None = None) -> Page:
    """The page of a checkpoint, by default the newest; raises InputError."""
    checkpoint = checkpoint or newest_checkpoint()
    panels: dict[str, Any] = {}
    if checkpoint:
        opened = Opened(checkpoint)
        panels |= {name: made(opened) for name, made in INSIDE.items()}

    def exported() -> Iterator[Question]:
        for panel in panels.values():
            yield from panel.exported()

    return Page(
        title="Convolutional networks from inside",
        subtitle=_subtitle(opened) if checkpoint else "no checkpoint",
        calls={
            f"{panel}/{name}": getattr(panels[panel], name) if panels else _untrained
            for panel, names in ASKED.items()
            for name in names
        },
        exported=exported,
    )


def _subtitle(opened: Opened) -> str:
    classes = len(opened.info.class_names)
    return f"{opened.config.model.name} · {classes} classes · {opened.path}"


def _untrained(**_: Any) -> Callable:
    raise InputError(
        "there is no trained network yet. Type: python scripts/train.py --config "
        "configs/toy_patterns.yaml"
    )
