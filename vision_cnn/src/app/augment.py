"""What the panel `augment` asks: one image as the training would show it in 16 epochs.

The draws are those of `src/data`: an image of the training part is what a run with
these settings and this seed sees of it in its first epochs, mixing included.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..data import AugmentConfig
from ..data.augment import RANGES, Augment
from ..data.mixing import Mixing, make_mixing
from ..utils.config import from_dict
from ..utils.errors import InputError
from .opened import Opened, in_turn
from .page import Question
from .scored import small
from .uploads import Upload


DRAWS = 16
EXAMPLES = 8
RECORDED = 2
"""Images whose draws a saved page holds; of images above 32 pixels, one."""
REACH = {
    "degrees": 180, "translate": 0.5, "scale": 1, "shear": 45, "brightness": 1,
    "contrast": 1, "saturation": 1, "hue": 0.5, "erasing": 1, "mixup": 2, "cutmix": 2,
}  # fmt: skip
"""Where a slider ends; what RANGES allows beyond it is of no use."""
COLOURED = ("saturation", "hue")
PRESETS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "small images (CIFAR)": {"flip": "random", "crop": 4},
    "photographs": {
        "flip": "random", "crop": 4, "brightness": 0.3, "contrast": 0.3,
        "saturation": 0.3, "erasing": 0.25,
    },
    "digits": {"degrees": 10, "translate": 0.1, "scale": 0.1},
    "flip": {"flip": "random"},
    "alternating flip": {"flip": "alternating"},
    "crop, reflected": {"crop": 6},
    "crop, black": {"crop": 6, "crop_fill": "zero"},
    "turn": {"degrees": 30},
    "move": {"translate": 0.2},
    "scale": {"scale": 0.4},
    "lean": {"shear": 30},
    "brightness": {"brightness": 0.5},
    "contrast": {"contrast": 0.5},
    "saturation": {"saturation": 1},
    "hue": {"hue": 0.5},
    "TrivialAugment": {"trivial": True},
    "cut-out": {"cutout": 12},
    "random erasing": {"erasing": 1},
    "mixup": {"mixup": 1},
    "CutMix": {"cutmix": 1},
}  # fmt: skip


class Source(NamedTuple):
    """Where the image stands among those of the training."""

    pixels: Tensor
    """UInt8 (1, channel, height, width)."""
    index: int
    n: int


class Laboratory:
    """The questions of the panel; each is a pure function of its parameters."""

    def __init__(self, opened: Opened):
        self.opened, self.info = opened, opened.info

    def start(self) -> dict[str, Any]:
        """A control for each augmentation, some images and some settings."""
        return {
            "controls": [self._control(field) for field in fields(AugmentConfig)],
            "presets": [[n, self._fitting(p)] for n, p in PRESETS.items()],
            "trained": asdict(self.opened.config.augment),
            "images": [self._picture(image) for image in self._examples()],
            "draws": DRAWS,
        }

    def drop(self, upload: Upload) -> dict[str, Any]:
        """An image file, cut and scaled to the size of the training's."""
        return self._picture(self.opened.drop(upload.shown, upload.content()))

    def draws(
        self, image: str, config: dict[str, Any], seed: int = 0
    ) -> dict[str, Any]:
        """The image in the epochs 1 to 16 of a training with this seed."""
        settings = from_dict(AugmentConfig, config, "augment")
        if not 0 <= seed < 2**32:
            raise InputError(f"seed = {seed}: must be between 0 and {2**32 - 1}")
        source = self._source(image)
        mixing = make_mixing(settings, seed, source.n)

        def augment(pixels: Tensor, epoch: int, index: Tensor) -> Tensor:
            # The draws of an epoch begin alike, however many images follow this one.
            short = Augment(settings, self.info, seed, int(index) + 1)
            return short(pixels, epoch, index)

        shown = [self._draw(source, augment, mixing, epoch) for epoch in range(DRAWS)]
        default = AugmentConfig()
        changed = {
            name: value
            for name, value in asdict(settings).items()
            if value != getattr(default, name)
        }
        return {
            "draws": shown,
            "overrides": [f"augment.{name}={_yaml(v)}" for name, v in changed.items()],
        }

    def exported(self) -> Iterable[Question]:
        """Each setting of some images."""
        yield "augment/start", {}
        large = max(self.info.height, self.info.width) > 32
        for image in self._examples()[: 1 if large else RECORDED]:
            for preset in PRESETS.values():
                given = {"image": image, "config": self._fitting(preset), "seed": 0}
                yield "augment/draws", given

    def _draw(
        self,
        source: Source,
        augment: Callable[[Tensor, int, Tensor], Tensor],
        mixing: Mixing | None,
        epoch: int,
    ) -> dict[str, Any]:
        """One epoch: the image, and of a mixed one the other and its share."""
        index = torch.tensor([source.index])
        image, about = augment(source.pixels, epoch, index), {}
        if mixing:
            plan, train = mixing.plan(epoch, index), self.opened.splits["train"]
            other = augment(train.images[plan.partners], epoch, plan.partners)
            image, share = plan.blend(image, other)
            label = int(train.labels[plan.partners])
            about = {
                "partner": int(plan.partners),
                "class": self.info.class_names[label],
                "share": float(share),
            }
        pixels = (self.info.restore(image) * 255).round().clamp(0, 255)
        return {"epoch": epoch + 1, "image": small(pixels.to(torch.uint8))[0], **about}

    def _source(self, image: str) -> Source:
        pixels = self.opened.subject(image).pixels[None]
        try:
            n = len(self.opened.splits["train"])
        except InputError:  # a dropped image needs no data, unless it is mixed
            n = 1
        split, _, index = image.partition(":")
        return Source(pixels, int(index) if split == "train" else 0, n)

    def _examples(self) -> list[str]:
        try:
            labels = self.opened.splits["train"].labels
        except InputError:
            return []
        return [f"train:{i}" for i in in_turn(labels, EXAMPLES)]

    def _picture(self, image: str) -> dict[str, Any]:
        subject = self.opened.subject(image)
        true = subject.true
        return {
            "id": image,
            "name": subject.name,
            "image": small(subject.pixels[None])[0],
            "caption": "" if true is None else self.info.class_names[true],
        }

    def _control(self, field: Any) -> dict[str, Any]:
        """What the page needs to draw a slider, a switch or a choice."""
        name, value = field.name, field.default
        about = {"name": name, "value": value, "kind": type(value).__name__}
        about["used"] = self.info.in_channels == 3 or name not in COLOURED
        if isinstance(value, str):
            return about | {"choices": list(field.type.__args__)}
        if isinstance(value, bool):
            return about
        side = min(self.info.height, self.info.width)
        most = REACH.get(name, side // 2)
        step = 1 if isinstance(value, int) or most > 2 else 0.05
        return about | {"min": 0, "max": min(most, RANGES[name]), "step": step}

    def _fitting(self, preset: dict[str, Any]) -> dict[str, Any]:
        """Without what grey images have not."""
        grey = self.info.in_channels == 1
        return {k: v for k, v in preset.items() if not (grey and k in COLOURED)}


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
