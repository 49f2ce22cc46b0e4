"""The page of this sub-project: its panels, and what a saved page remembers."""

from collections.abc import Iterator
from pathlib import Path

from ..data.images import show
from ..utils.errors import InputError
from .attend import MOST_WEIGHTS, Attention
from .checkpoints import newest_checkpoint
from .compare import Compare
from .page import Page, Question
from .segment import Segment
from .shelf import Loaded, Shelf


ROOM = 10 * 2**20
"""Bytes that answers may take in a saved page, before base64: its panels share them."""
UNTRAINED = (
    "no trained model in runs/ yet. Type: python scripts/train.py --config "
    "configs/unet_baseline.yaml (a minute), or name one: --checkpoint FILE"
)


def build(checkpoint: Path | None = None, against: Path | None = None) -> Page:
    """The page of a checkpoint, beside a second one if it is given.

    Without a checkpoint that of runs/latest, else the last trained. Raises InputError.
    """
    checkpoint = checkpoint or newest_checkpoint()
    if checkpoint is None:
        raise InputError(UNTRAINED)
    shelf = Shelf(checkpoint, against)
    segment, attention, compare = Segment(shelf), Attention(shelf), Compare(shelf)
    first = shelf.get()
    beside = f" beside {shelf.named[1]}" if against else ""
    return Page(
        title="Segmentation",
        subtitle=show(f"{first.kind} · {first.key}{beside}"),
        calls={
            "segment/start": segment.start,
            "segment/run": segment.run,
            "attention/start": attention.start,
            "attention/maps": attention.maps,
            "compare/start": compare.start,
            "compare/run": compare.run,
        },
        exported=lambda: _exported(shelf),
    )


def _exported(shelf: Shelf) -> Iterator[Question]:
    """Every example of each panel, as many as there is room for."""
    first, named = shelf.get(), [shelf.get(key) for key in shelf.named]
    room = ROOM // (len(named) + sum(loaded.attends for loaded in named))
    classes = len(first.predictor.info.class_names)
    yield "segment/start", {}
    for name in _affordable(first, room, 4 * classes + 4):
        yield "segment/run", {"example": name}
    yield "attention/start", {}
    for loaded in named:
        yield "attention/start", {"model": loaded.key}
        if loaded.attends:
            for name in _affordable(loaded, room, 4, _weights(loaded)):
                yield "attention/maps", {"model": loaded.key, "example": name}
    yield "compare/start", {}
    for other in named[1:]:
        for name in _affordable(first, room, 6):
            yield "compare/run", {"other": other.key, "example": name}


def _affordable(
    loaded: Loaded, room: int, per_pixel: int, more: int = 0
) -> Iterator[str]:
    """Names of the first examples, one at least, whose answers fit into `room`."""
    used = 0
    for name, specimen in loaded.examples.items():
        used += specimen.image[0].numel() * per_pixel + more
        if used > room and name != next(iter(loaded.examples)):
            return
        yield name


def _weights(loaded: Loaded) -> int:
    """Bytes of the attention of the first example."""
    net = loaded.predictor.model
    for specimen in loaded.examples.values():
        rows, columns = net.token_grid(*specimen.image.shape[1:])
        return min(MOST_WEIGHTS, net.layers * net.heads * (rows * columns) ** 2)
    return 0
