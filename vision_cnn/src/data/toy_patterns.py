"""Stripes, checks, blobs and rings, drawn when they are asked for.

    python -m src.data.toy_patterns --debug

An image is a function of (seed, split, index). Place, turn, period, colours, contrast
and sign are random, so that all classes have the same mean image: no linear model can
tell them apart, a small convolutional network can.
"""

import argparse
import hashlib
import json
import math
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from ..utils.contracts import contract
from ..utils.seed import keyed_rng
from .source import Labelled, Source
from .toy_config import PATTERNS, ToyConfig


SPLITS = ("train", "val", "test")
BLOBS = 8
TAPE = 1 << 18
"""Numbers of the strip of noise from which each image takes a piece."""


def open_toy(config: ToyConfig, seed: int) -> Source:
    """The three parts, all of whose classes are even."""
    parts = {}
    for split, n in zip(
        SPLITS, (config.n_train, config.n_val, config.n_test), strict=True
    ):
        names = [f"{split}-{index:05d}" for index in range(n)]
        labels = torch.arange(n) % len(config.patterns)
        parts[split] = Labelled(ToyPatterns(config, split, seed), labels, names)
    text = json.dumps({"toy": asdict(config), "seed": seed}, sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    return Source(parts, config.patterns, fingerprint)


class ToyPatterns:
    """The images of one split; image i is of class i modulo the number of classes."""

    def __init__(self, config: ToyConfig, split: str, seed: int):
        self.config, self.channels, self.size = config, config.channels, config.size
        self.n = getattr(config, f"n_{split}")
        self.key = (seed, SPLITS.index(split))
        shortest = max(config.size / 5, 4.0)
        edge = math.log(max(config.size / 2, 5.0) / shortest)
        self.looks = {
            "angle": 2 * math.pi * self._draw("angle"),
            "period": shortest * (edge * self._draw("period")).exp(),
            "phase": 2 * math.pi * self._draw("phase", 2),
            "centre": (0.2 + 0.6 * self._draw("centre", 2)) * config.size,
            "blobs": self._draw("blobs", BLOBS, 2) * config.size,
            "level": 0.4 + 0.2 * self._draw("level", config.channels),
            "swing": self._swing(),
        }
        length = config.channels * config.size**2
        rng = keyed_rng(*self.key, zlib.crc32(b"tape"))
        tape = config.noise * rng.standard_normal(TAPE + length, "float32")
        self.noise = torch.from_numpy(tape).unfold(0, length, 1)
        self.piece = (TAPE * self._draw("piece")).long()

    def __len__(self) -> int:
        return self.n

    @contract
    def __getitem__(
        self, indices: Int[Tensor, " batch"]
    ) -> UInt8[Tensor, "batch {self.channels} {self.size} {self.size}"]:
        """Draw the images of these numbers."""
        classes = indices % len(self.config.patterns)
        field = torch.empty(len(indices), self.size, self.size)
        for label, name in enumerate(self.config.patterns):
            chosen = (classes == label).nonzero()[:, 0]
            looks = {key: values[indices[chosen]] for key, values in self.looks.items()}
            field[chosen] = (3 * _FIELDS[name](_plane(self.size, looks), looks)).clamp(
                -1, 1
            )
        level, swing = (self.looks[k][indices] for k in ("level", "swing"))
        images = level[:, :, None, None] + swing[:, :, None, None] * field[:, None]
        images += self.noise[self.piece[indices]].view_as(images)
        return (255 * images.clamp(0, 1)).round().to(torch.uint8)

    def _draw(self, name: str, *shape: int) -> Float[Tensor, "..."]:
        """Numbers in [0, 1), the first of which do not depend on how many there are."""
        rng = keyed_rng(*self.key, zlib.crc32(name.encode()))
        return torch.from_numpy(rng.random((self.n, *shape))).float()

    def _swing(self) -> Float[Tensor, "images channel"]:
        """Half the difference of the two colours: contrast times a direction."""
        direction = 2 * self._draw("swing", self.config.channels) - 1
        direction /= direction.abs().amax(1, keepdim=True)
        return direction * (0.15 + 0.25 * self._draw("contrast", 1))


Looks = dict[str, Tensor]


def _plane(size: int, looks: Looks) -> tuple[Tensor, Tensor]:
    """Coordinates along and across the direction of each image, in radians."""
    side = torch.arange(size, dtype=torch.float32)
    turn = looks["angle"][:, None, None]
    scale = (2 * math.pi / looks["period"])[:, None, None]
    along = (turn.cos() * side + turn.sin() * side[:, None]) * scale
    across = (turn.cos() * side[:, None] - turn.sin() * side) * scale
    return along, across


def _stripes(plane: tuple[Tensor, Tensor], looks: Looks) -> Tensor:
    return (plane[0] + looks["phase"][:, 0, None, None]).sin()


def _checks(plane: tuple[Tensor, Tensor], looks: Looks) -> Tensor:
    first, second = (
        (p + looks["phase"][:, i, None, None]).sin() for i, p in enumerate(plane)
    )
    return first * second


def _blobs(plane: tuple[Tensor, Tensor], looks: Looks) -> Tensor:
    """Discs at random places, of a third to a half of a period."""
    nearest = torch.full_like(plane[0], math.inf)
    for number in range(BLOBS):
        nearest = torch.minimum(nearest, _radius(nearest, looks["blobs"][:, number]))
    reach = nearest / looks["period"][:, None, None]
    return 2 * (-4 * reach.square()).exp() - 1


def _rings(plane: tuple[Tensor, Tensor], looks: Looks) -> Tensor:
    distance = _radius(plane[0], looks["centre"]) / looks["period"][:, None, None]
    return (2 * math.pi * distance + looks["phase"][:, 0, None, None]).sin()


def _spirals(plane: tuple[Tensor, Tensor], looks: Looks) -> Tensor:
    """Rings that do not close: the phase grows by 2 pi on the way round."""
    side = torch.arange(plane[0].shape[-1], dtype=torch.float32)
    down, right = (side - looks["centre"][:, i, None] for i in (0, 1))
    way = torch.atan2(down[:, :, None], right[:, None, :])
    hand = looks["angle"].sub(math.pi).sign()[:, None, None]
    distance = _radius(plane[0], looks["centre"]) / looks["period"][:, None, None]
    phase = looks["phase"][:, 0, None, None]
    return (2 * math.pi * distance + hand * way + phase).sin()


def _radius(like: Tensor, centre: Tensor) -> Tensor:
    """Distance in pixels of each pixel from the point (down, right) of its image."""
    side = torch.arange(like.shape[-1], dtype=torch.float32)
    down, right = ((side - centre[:, i, None]).square() for i in (0, 1))
    return (down[:, :, None] + right[:, None, :]).sqrt()


_FIELDS: dict[str, Callable[[tuple[Tensor, Tensor], Looks], Tensor]] = {
    "stripes": _stripes,
    "checks": _checks,
    "blobs": _blobs,
    "rings": _rings,
    "spirals": _spirals,
}


def main(arguments: list[str] | None = None) -> int:
    """The command line: figures, and with --debug a contact sheet."""
    parser = argparse.ArgumentParser(
        prog="python -m src.data.toy_patterns", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--debug", action="store_true", help="write a contact sheet")
    parser.add_argument("--out", type=Path, default=Path("runs/debug/toy_patterns.png"))
    parser.add_argument("--size", type=int, default=32, help="side in pixels")
    parser.add_argument("--seed", type=int, default=0, help="zero or more")
    options = parser.parse_args(arguments)
    if not options.debug:
        parser.error("say --debug to write a contact sheet")
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}; zero or more")
    try:
        config = ToyConfig(size=options.size, patterns=PATTERNS)
    except ValueError as error:
        parser.error(str(error))
    source = open_toy(config, options.seed)
    for split, (images, labels, names) in source.parts.items():
        counts = torch.bincount(labels).tolist()
        shape = tuple(images[torch.arange(1)].shape[1:])
        told = ", ".join(map("{} {}".format, counts, config.patterns))
        print(f"{split:<6} {len(names)} images {shape}: {told}")
    images, start = source.parts["train"].images, time.process_time()
    images[torch.arange(1000) % len(images)]
    print(f"{1000 / (time.process_time() - start):.0f} images per CPU second")
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        _write_sheet(source, options.out)
    except OSError as error:
        print(f"{options.out} cannot be written: {error}", file=sys.stderr)
        return 2
    print(f"contact sheet: {options.out}")
    return 0


def _write_sheet(source: Source, out: Path, columns: int = 12) -> None:
    """A row of training images for each class."""
    from ..utils.plots import new_figure, save_figure

    rows = len(source.class_names)
    figure = new_figure(columns, 1.15 * rows)
    images = source.parts["train"].images[torch.arange(rows * columns)]
    for place, image in enumerate(images):
        row, column = place % rows, place // rows
        axis = figure.add_subplot(rows, columns, row * columns + column + 1)
        axis.imshow(image.permute(1, 2, 0).numpy(), interpolation="nearest")
        axis.set(xticks=[], yticks=[])
        if column == 0:
            axis.set_ylabel(source.class_names[row])
    figure.suptitle("Toy patterns: every image has its own place, turn and colours")
    save_figure(figure, out)


if __name__ == "__main__":
    sys.exit(main())
