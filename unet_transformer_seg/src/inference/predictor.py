"""A trained model with all it needs to read an image and name its pixels.

Everything comes from one checkpoint: architecture, weights, classes, normalisation.
Floats exist for a row of tiles at a time; of the full size there are the image as it
was read, the mask of one byte a pixel, and what was asked for besides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Num, UInt
from torch import Tensor, nn

from ..data.info import DataInfo
from ..models import ModelConfig, build_model
from ..models.padding import MIN_SIDE
from ..utils.checkpoint import load_checkpoint, load_weights
from ..utils.config import from_dict
from ..utils.contracts import contract
from ..utils.errors import FaultError, InputError
from ..utils.run_dir import resolve
from .tiled import strips
from .tta import with_symmetries


class NonFiniteError(FaultError):
    """The model gave NaN or infinity for an image."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an image is predicted and what is kept of it."""

    tile: int = 512
    """Side of a tile in pixels; an image that fits is done whole, 0: every image."""
    overlap: float = 0.5
    """Share of a tile that its neighbour covers too, 0 to below 1."""
    tta: bool = False
    """Average over the eight flips and quarter turns: eight times the work."""
    probabilities: bool = False
    entropy: bool = False
    attention: bool = False
    """Draw what the middle of the image looks at; of a model that has attention."""

    def __post_init__(self) -> None:
        if self.tile and self.tile < MIN_SIDE:
            raise InputError(
                f"--tile {self.tile}: 0 for the whole image, or {MIN_SIDE} and more"
            )
        if not 0 <= self.overlap < 1:
            raise InputError(
                f"--overlap {self.overlap}: must be from 0 to below 1, such as 0.5"
            )


class Prediction(NamedTuple):
    """What the model sees in one image of height x width."""

    mask: Tensor
    """Class of each pixel, UInt8 (height, width)."""
    shares: tuple[float, ...]
    """Share of the pixels that each class has."""
    probabilities: Tensor | None = None
    """Float16 (classes, height, width)."""
    entropy: Tensor | None = None
    """Float16 (height, width), see `normalised_entropy`."""


@dataclass(frozen=True, slots=True)
class Predictor:
    model: nn.Module
    info: DataInfo
    device: torch.device = torch.device("cpu")
    config: dict[str, Any] | None = None
    """The configuration of the run, as plain values."""

    @contract
    def predict(
        self,
        image: Float[Tensor, "channel height width"]
        | UInt[Tensor, "channel height width"],
        options: Options | None = None,
        name: str = "image",
    ) -> Prediction:
        """Predict an image of any size; `name` is what an error calls it.

        Floats are in [0, 1]; integers are scaled by their type: 255 or 65535 is 1.
        Raises InputError for channels that do not fit, NonFiniteError for NaN logits.
        """
        options = options or Options()
        height, width = image.shape[-2:]
        classes = len(self.info.class_names)
        mask = torch.empty(height, width, dtype=torch.uint8)
        kept = entropy = None
        if options.probabilities:
            kept = torch.empty(classes, height, width, dtype=torch.float16)
        if options.entropy:
            entropy = torch.empty(height, width, dtype=torch.float16)
        for top, rows in self.strips(image, options, name):
            here = slice(top, top + rows.shape[1])
            mask[here] = rows.argmax(0)
            if kept is not None:
                kept[:, here] = rows
            if entropy is not None:
                entropy[here] = normalised_entropy(rows)
        counts = torch.stack([(mask == c).sum() for c in range(classes)])
        return Prediction(mask, tuple((counts / mask.numel()).tolist()), kept, entropy)

    def strips(
        self, image: Tensor, options: Options, name: str = "image"
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield (first row, probabilities (classes, rows, width)), top to bottom."""
        image = fit_channels(image, self.info.in_channels, name)
        if image.is_floating_point() and not bool(torch.isfinite(image.sum())):
            raise InputError(f"{name}: has pixels that are not finite numbers")
        height, width = image.shape[-2:]
        if min(height, width) < MIN_SIDE:  # padded here, the result is cropped again
            missing = (max(0, MIN_SIDE - width), max(0, MIN_SIDE - height))
            image = F.pad(unit(image), (0, missing[0], 0, missing[1]), mode="replicate")

        @torch.inference_mode()
        def probabilities(part: Tensor) -> Tensor:
            logits = self.model(self.info.normalise(unit(part.to(self.device))))
            result = logits.float().softmax(dim=1).cpu()
            if not bool(torch.isfinite(result).all()):
                raise NonFiniteError(
                    f"{name}: the model gives NaN or infinity. Use another checkpoint "
                    "of its run, or train again with a lower optim.lr"
                )
            return result

        predict = with_symmetries(probabilities) if options.tta else probabilities
        try:
            for top, rows in strips(predict, image, options.tile, options.overlap):
                yield top, rows[:, : max(0, height - top), :width]
        except RuntimeError as error:  # as torch.OutOfMemoryError is; the CPU has none
            if "out of memory" not in str(error) and "can't allocate" not in str(error):
                raise
            smaller = max(MIN_SIDE, (options.tile or max(height, width)) // 2)
            raise FaultError(f"{name}: out of memory. Try --tile {smaller}") from None


def load_predictor(
    checkpoint: Path | str, device: torch.device | None = None
) -> Predictor:
    """Build the model of `checkpoint` in evaluation mode; raises InputError."""
    path = resolve(checkpoint)
    content = load_checkpoint(path)
    device = device or torch.device("cpu")
    info = from_dict(DataInfo, content["data"], str(path))
    settings = content["config"]
    if not isinstance(settings, dict) or "model" not in settings:
        raise InputError(f"{path} holds no model configuration. Train again.")
    model_config = from_dict(ModelConfig, settings["model"], str(path))
    model = build_model(model_config, info.in_channels, len(info.class_names))
    load_weights(model, content["model"], path)
    model.to(device).eval()
    if device.type == "cpu":
        model.to(memory_format=torch.channels_last)
    return Predictor(model, info, device, settings)


@contract
def unit(image: Num[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """Bytes over 255, 16-bit integers over 65535; floats as they are."""
    if image.is_floating_point():
        return image
    return image.float() / torch.iinfo(image.dtype).max


@contract
def normalised_entropy(
    probabilities: Float[Tensor, "classes height width"],
) -> Float[Tensor, "height width"]:
    """Entropy of each pixel over its maximum log(classes): 0 certain, 1 a guess."""
    bits = torch.special.entr(probabilities).sum(0)
    return bits / torch.tensor(float(max(2, len(probabilities)))).log()


@contract
def fit_channels(
    image: Num[Tensor, "channel height width"], wanted: int, name: str = "image"
) -> Num[Tensor, "fitted height width"]:
    """`image` with `wanted` channels if nothing is lost; else raises InputError.

    Grey becomes RGB by repetition; RGB becomes grey if its three channels are equal.
    """
    have = len(image)
    if have == wanted:
        return image
    if have == 1:
        return image.expand(wanted, -1, -1)
    if wanted == 1 and all(bool((image[0] == channel).all()) for channel in image[1:]):
        return image[:1]
    raise InputError(
        f"{name}: has {have} channels and colours in them; the model was trained on "
        f"{wanted}. Convert the image first, for example to grey"
        if wanted == 1
        else f"{name}: has {have} channels, the model was trained on {wanted}"
    )
