"""The checkpoints that the page may use: the one given, a second, and found runs.

A page names a checkpoint by its key here, never by a path of its own choice.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from ..data.images import show
from ..inference.evaluate import sample
from ..inference.outputs import run_folder
from ..inference.predictor import Predictor, load_predictor
from ..inference.sources import open_source
from ..utils.colours import palette
from ..utils.errors import InputError
from ..utils.run_dir import resolve
from ..utils.yaml12 import read_yaml
from .checkpoints import check_finite, find_checkpoints
from .specimens import Specimen, attends, pixels, read_specimen, with_mask
from .uploads import Upload


EXAMPLES, SIDE = 6, 256
"""Images of the checkpoint's own data that a page begins with, and their largest side:
a saved page holds the probability of each class at each pixel of them."""
FOUND = 20
"""Runs listed at most, the newest."""
KEPT = 6
"""Models held in memory at most."""


class Shelf:
    """Checkpoints by key, the first and the second named by the user."""

    def __init__(self, checkpoint: Path, against: Path | None = None) -> None:
        named = [checkpoint] if against is None else [checkpoint, against]
        self.named = [str(path) for path in named]
        runs = run_folder(checkpoint)
        self._paths = {str(path): path for path in named}
        known = {path.resolve() for path in map(resolve, named)}
        for path in find_checkpoints(runs.parent if runs else Path("runs"))[:FOUND]:
            if path.parts[-3] != "latest" and path.resolve() not in known:
                self._paths[str(path)] = path
        self._loaded: dict[str, Loaded] = {}
        for path in named:
            self.get(str(path))

    def get(self, key: str = "") -> "Loaded":
        """The model of a key, "" the first; raises InputError for what cannot be."""
        key = key or self.named[0]
        if key not in self._paths:
            raise InputError(f"{show(key[:200])} is not among the runs of this page")
        if key not in self._loaded:
            found = [k for k in self._loaded if k not in self.named]
            for old in found[: -(KEPT - 3)]:  # the first loaded goes first
                del self._loaded[old]
            self._loaded[key] = Loaded(key, _load(self._paths[key]))
        return self._loaded[key]

    def listed(self) -> list[dict[str, Any]]:
        """Each checkpoint's key, what to call it, and whether the user named it."""
        return [
            {"key": key, "label": _label(path), "named": key in self.named}
            for key, path in self._paths.items()
        ]


@dataclass(frozen=True)
class Loaded:
    """A model, and images of the data that it was trained for."""

    key: str
    predictor: Predictor

    @cached_property
    def _examples(self) -> tuple[dict[str, Specimen], str]:
        try:
            source = open_source(self.predictor)
        except InputError as error:
            return {}, f"No examples: {error}. Choose or drop an image."
        found, cut = {}, ""
        for index in range(min(len(source.dataset), EXAMPLES)):
            image, target, name = sample(source.dataset, index)
            found[name] = Specimen(name, middle(image.clamp(0, 1)), middle(target))
            if found[name].target.shape != target.shape:
                cut = f"Of larger images the middle {SIDE} pixels a side are shown."
        return found, cut

    @property
    def examples(self) -> dict[str, Specimen]:
        """By name: the middle of the first images of the test split, or of val."""
        return self._examples[0]

    def specimen(
        self, example: str = "", image: Upload | None = None, mask: Upload | None = None
    ) -> Specimen:
        """The image that is meant, with its truth if it is known; raises InputError."""
        if image is not None:
            return read_specimen(self.predictor, image, mask)
        if example not in self.examples:
            raise InputError(
                f"{example[:80]!r} is no example of this page; choose an image"
            )
        found = self.examples[example]
        return found if mask is None else with_mask(found, mask, self.predictor.info)

    def described(self) -> dict[str, Any]:
        """What a panel needs to draw its controls."""
        info = self.predictor.info
        named = zip(info.class_names, palette(len(info.class_names)), strict=True)
        return {
            "key": self.key,
            "kind": self.kind,
            "classes": [{"name": name, "colour": colour} for name, colour in named],
            "examples": [
                {"name": name, "image": pixels(found.image)}
                for name, found in self.examples.items()
            ],
            "note": self._examples[1],
        }

    @property
    def kind(self) -> str:
        """As `model.name` of a config has it."""
        return self.predictor.config["model"]["name"]

    @property
    def attends(self) -> bool:
        return attends(self.predictor.model)


def middle(image: Tensor) -> Tensor:
    """The central SIDE pixels of each side that is longer."""
    top, left = (max(0, side - SIDE) // 2 for side in image.shape[-2:])
    return image[..., top : top + SIDE, left : left + SIDE]


def _label(path: Path) -> str:
    """`demo: unet`, or the path where it lies in no run."""
    run = run_folder(path)
    if run is None:
        return show(path)
    name = show(run.resolve().name)
    if path.name != "best.pt":
        name += f"/{show(path.name)}"
    try:
        return f"{name}: {read_yaml(run / 'config.yaml')[0]['model']['name']}"
    except (InputError, OSError, KeyError, TypeError):
        return name


def _load(path: Path) -> Predictor:
    predictor = load_predictor(path)
    check_finite(predictor.model.state_dict(), path)
    return predictor
