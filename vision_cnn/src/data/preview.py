"""See what an augmentation does before training with it: several draws of each.

python -m src.data.preview [--image photo.png] [--out runs/debug/augment.png]
"""

from pathlib import Path
from typing import Annotated

import torch
from jaxtyping import UInt8
from torch import Tensor
from typer import Option

from ..utils.cli import run
from ..utils.errors import InputError
from .augment import Augment, AugmentConfig
from .info import DataInfo
from .mixing import Mixing
from .toy_config import ToyConfig


DRAWS = 10
SHOWN = {
    "as it is": AugmentConfig(),
    "flip: random": AugmentConfig(flip="random"),
    "flip: alternating": AugmentConfig(flip="alternating"),
    "crop: 4, reflect": AugmentConfig(crop=4),
    "crop: 4, zero": AugmentConfig(crop=4, crop_fill="zero"),
    "degrees: 30": AugmentConfig(degrees=30),
    "translate: 0.2": AugmentConfig(translate=0.2),
    "scale: 0.4": AugmentConfig(scale=0.4),
    "shear: 30": AugmentConfig(shear=30),
    "brightness: 0.5": AugmentConfig(brightness=0.5),
    "contrast: 0.5": AugmentConfig(contrast=0.5),
    "saturation: 1": AugmentConfig(saturation=1),
    "hue: 0.5": AugmentConfig(hue=0.5),
    "trivial": AugmentConfig(trivial=True),
    "cutout: 12": AugmentConfig(cutout=12),
    "erasing: 1": AugmentConfig(erasing=1),
    "mixup: 1": AugmentConfig(mixup=1),
    "cutmix: 1": AugmentConfig(cutmix=1),
}


def show(pixels: UInt8[Tensor, "two channel height width"], out: Path) -> None:
    """A row for each augmentation of `pixels[0]`; the second is mixed in."""
    from ..utils.plots import new_figure, save_figure

    two, channels, height, width = pixels.shape
    info = DataInfo(
        channels, height, width, (), (0.5,) * channels, (0.25,) * channels, (), ""
    )
    figure = new_figure(DRAWS + 1.4, 1.03 * len(SHOWN) + 0.4)
    axes = figure.subplots(len(SHOWN), DRAWS, squeeze=False)
    for row, (title, config) in zip(axes, SHOWN.items(), strict=True):
        images = info.restore(_draw(pixels, config, info)).clamp(0, 1)
        for axis, image in zip(row, images, strict=True):
            axis.imshow(
                image.permute(1, 2, 0).squeeze(-1).numpy(),
                cmap="gray",
                vmin=0,
                vmax=1,
                interpolation="nearest",
            )
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(
            title, rotation=0, horizontalalignment="right", verticalalignment="center"
        )
    figure.suptitle("One image in ten epochs, by augmentation")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_figure(figure, out)


def _draw(pixels: Tensor, config: AugmentConfig, info: DataInfo) -> Tensor:
    """The first image in the first epochs."""
    augment, first = Augment(config, info, 0, 2), torch.tensor([0])
    epochs = [augment(pixels[:1], epoch, first) for epoch in range(DRAWS)]
    if config.mixup or config.cutmix:
        mixing, second = Mixing(config, 0, 2), augment(pixels[1:], 0, first)
        epochs = [
            mixing.plan(epoch, first).blend(image, second)[0]
            for epoch, image in enumerate(epochs)
        ]
    return torch.cat(epochs)


def preview(
    image: Annotated[
        Path | None, Option(help="Image file; else a toy pattern.")
    ] = None,
    out: Annotated[Path, Option(help="PNG to write.")] = Path("runs/debug/augment.png"),
    size: Annotated[int, Option(help="Side in pixels, 8 to 256.")] = 64,
) -> None:
    """Draw each augmentation of one image several times."""
    from .images import read_image
    from .toy_patterns import ToyPatterns

    try:
        config = ToyConfig(size=size, noise=0.03)
    except ValueError as error:
        raise InputError(f"--size: {error}") from None
    pixels = ToyPatterns(config, "train", 0)[torch.tensor([2, 3])]
    if image is not None:
        pixels[0] = read_image(image, 3, size)
    try:
        show(pixels, out)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error}") from None
    print(f"{len(SHOWN)} augmentations: {out}")


if __name__ == "__main__":
    run(preview)
