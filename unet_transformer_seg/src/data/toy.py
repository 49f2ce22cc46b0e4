"""What the toy data sets share: images drawn on the fly as a pure function of a key.

The key of an image is (seed, split, epoch, index), where the epoch counts only for the
training split of a `fresh` data set. Nothing is stored, no order matters, and no two
splits share a key.
"""

import argparse
import functools
import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from .augment import augment_rng
from .info import DataInfo


Split = Literal["train", "val", "test"]
Transform = Callable[
    [torch.Tensor, torch.Tensor, np.random.Generator], tuple[torch.Tensor, torch.Tensor]
]
SPLITS = {"train": 0, "val": 1, "test": 2}
INFO_SAMPLES = 64
RENDER_KEY = 0x5E6  # no image is drawn by the numbers that augment another


@dataclass(frozen=True, slots=True)
class ToyConfig:
    variant: Literal["easy", "shape_only", "hard"] = "easy"
    """How hard the task is, see toy_shapes; toy_cue knows easy and hard."""
    size: int = 64
    """Side of the square images in pixels, at least 32 (toy_cue: 64)."""
    n_train: int = 512
    """Training images an epoch, at least 1."""
    n_val: int = 128
    n_test: int = 128
    fresh: bool = False
    """True: each epoch draws new training images; nothing can be learnt by heart."""

    def __post_init__(self) -> None:
        if self.variant not in ("easy", "shape_only", "hard"):
            raise ValueError(f"variant is {self.variant!r}; easy, shape_only or hard")
        if self.size < 32:
            raise ValueError(f"size is {self.size}; at least 32 pixels")
        for name in ("n_train", "n_val", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; at least 1 image")


def image_rng(seed: int, split: Split, epoch: int, index: int) -> np.random.Generator:
    """The generator that draws one image."""
    key = [seed, SPLITS[split], epoch, index, RENDER_KEY]
    return np.random.default_rng(np.random.SeedSequence(key))


@functools.lru_cache(maxsize=16)
def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the pixel centres, float32, as a column and a row vector."""
    centre = np.arange(size, dtype=np.float32)
    return centre[:, None], centre[None, :]


class Toy(Dataset):
    """A toy data set; a subclass says how one image is drawn.

    `dataset[(epoch, index)]` and `dataset[index]` (epoch 0) give {"image", "target",
    "name"}: the image float32 and normalised, the target int64 class index. `transform`
    sees the image in [0, 1] and a generator keyed by (seed, epoch, index).
    """

    class_names: tuple[str, ...]
    mask_values: tuple[tuple[int, ...], ...]
    variants: tuple[str, ...] = ("easy", "shape_only", "hard")

    @staticmethod
    def render(
        config: ToyConfig, seed: int, split: Split, index: int, epoch: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """One image (float32 CHW in [0, 1]) and its classes (int64 HW)."""
        raise NotImplementedError

    def __init__(
        self,
        config: ToyConfig,
        split: Split,
        seed: int,
        transform: Transform | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split is {split!r}; train, val or test")
        if seed < 0:
            raise ValueError(f"seed is {seed}; zero or more")
        self.config, self.split, self.seed = config, split, seed
        self.transform = transform
        self.info = _measure(type(self), config, seed)

    def __len__(self) -> int:
        return getattr(self.config, f"n_{self.split}")

    def __getitem__(self, key: tuple[int, int] | int) -> dict[str, torch.Tensor | str]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        if not 0 <= index < len(self):
            raise IndexError(f"index {index} of {len(self)} {self.split} images")
        fresh = self.config.fresh and self.split == "train"
        drawn = self.render(
            self.config, self.seed, self.split, index, epoch if fresh else 0
        )
        image, target = (torch.from_numpy(array) for array in drawn)
        if self.transform is not None:
            rng = augment_rng(self.seed, epoch, index)
            image, target = self.transform(image, target, rng)
        return {
            "image": self.info.normalise(image),
            "target": target,
            "name": f"{self.split}-{index:05d}",
        }


@functools.lru_cache(maxsize=32)
def _measure(kind: type[Toy], config: ToyConfig, seed: int) -> DataInfo:
    """Mean, spread and class counts of the first training images of epoch 0."""
    count = min(INFO_SAMPLES, config.n_train)
    drawn = [kind.render(config, seed, "train", index) for index in range(count)]
    images = np.stack([image for image, _ in drawn]).astype(np.float64)
    targets = np.stack([target for _, target in drawn])
    parameters = {"data": kind.__name__, "seed": seed, **asdict(config)}
    text = json.dumps(parameters, sort_keys=True)
    return DataInfo(
        in_channels=3,
        class_names=kind.class_names,
        mask_values=kind.mask_values,
        ignore_value=None,
        mean=tuple(float(m) for m in images.mean((0, 2, 3))),
        std=tuple(float(s) for s in images.std((0, 2, 3))),
        class_pixels=tuple(
            int(n)
            for n in np.bincount(targets.ravel(), minlength=len(kind.class_names))
        ),
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
    )


def debug(kind: type[Toy], name: str, arguments: list[str] | None = None) -> int:
    """The command `python -m src.data.<name> --debug`: a contact sheet and figures."""
    parser = argparse.ArgumentParser(
        prog=f"python -m src.data.{name}", description=kind.__doc__.split("\n")[0]
    )
    parser.add_argument("--debug", action="store_true", help="write a contact sheet")
    parser.add_argument("--out", type=Path, default=Path(f"runs/debug/{name}.png"))
    parser.add_argument("--variant", choices=kind.variants, default="easy")
    parser.add_argument("--seed", type=int, default=0, help="zero or more")
    options = parser.parse_args(arguments)
    if not options.debug:
        parser.error("say --debug to write a contact sheet")
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}; zero or more")
    config = ToyConfig(variant=options.variant)
    _write_sheet(kind, config, options.seed, options.out)
    start, count = time.process_time(), 200
    for index in range(count):
        kind.render(config, options.seed, "train", index)
    milliseconds = (time.process_time() - start) * 1000 / count
    pixels = np.array(kind(config, "train", options.seed).info.class_pixels)
    for label, share in zip(kind.class_names, pixels / pixels.sum(), strict=True):
        print(f"{label:<12} {share:7.2%} of the pixels")
    print(f"{milliseconds:.2f} CPU ms an image of {config.size}x{config.size}")
    print(f"contact sheet: {options.out}")
    return 0


def _write_sheet(kind: type[Toy], config: ToyConfig, seed: int, out: Path) -> None:
    from ..utils.pictures import Labelled, contact_sheet

    rows = []
    for index in range(12):
        image, target = map(torch.from_numpy, kind.render(config, seed, "train", index))
        rows.append(Labelled(f"train-{index:05d}", image, target))
    title = f"{kind.__name__} {config.variant} seed {seed}: image, and tinted by class"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        contact_sheet(rows, out, kind.class_names, title)
    except OSError as error:
        print(f"{out} cannot be written: {error}", file=sys.stderr)
        raise SystemExit(2) from None
