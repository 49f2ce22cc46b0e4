"""Predictions that need no learning, to be scored like those of the model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..data.sampling import smooth
from ..utils.contracts import contract


_LEVELS = 256


@contract
def all_background(
    image: Float[Tensor, "batch channel height width"],
) -> Int[Tensor, "batch height width"]:
    """Class 0 everywhere."""
    batch, _, height, width = image.shape
    return torch.zeros(batch, height, width, dtype=torch.int64, device=image.device)


@dataclass(frozen=True, slots=True)
class BlurThreshold:
    """Class 1 where the blurred mean of the channels is on one side of a threshold."""

    sigma: float
    """Of the Gaussian, in pixels; 0 leaves the image as it is."""
    threshold: float
    above: bool
    """Whether class 1 is brighter than the threshold, else it is at most as bright."""

    @contract
    def predict(
        self, image: Float[Tensor, "batch channel height width"]
    ) -> Int[Tensor, "batch height width"]:
        """Class 0 or 1 of each pixel."""
        bright = smooth(image.mean(1), self.sigma) > self.threshold
        return (bright == self.above).long()


def fit_blur_threshold(
    images: Iterable[
        tuple[Float[Tensor, "channel height width"], Int[Tensor, "height width"]]
    ],
    sigmas: Sequence[float] = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0),
    ignore_index: int = IGNORE_INDEX,
) -> BlurThreshold:
    """Sigma, threshold and direction of the best pooled Dice of class 1 in training.

    `images` are pairs of image (channel, height, width) and target (height, width),
    each read once. 256 thresholds are spread over the range of the pixels; one
    histogram a class and sigma gives the Dice of all of them in both directions.
    """
    pairs = [(image.mean(0, keepdim=True), target) for image, target in images]
    if not pairs:
        raise ValueError("blur and threshold needs at least one training image")
    low = min(grey.min().item() for grey, _ in pairs)
    high = max(grey.max().item() for grey, _ in pairs)
    cuts = torch.linspace(low, high, _LEVELS, dtype=torch.float64)
    best = (-1.0, BlurThreshold(0.0, low, True))
    for sigma in sigmas:
        counts = torch.zeros(2, _LEVELS + 1, dtype=torch.int64)
        for grey, target in pairs:
            counts += _histogram(smooth(grey, sigma)[0], target, cuts, ignore_index)
        for above in (True, False):
            dice = _dice_of_cuts(counts, above)
            top = int(dice.argmax())
            if dice[top] > best[0]:
                found = BlurThreshold(float(sigma), cuts[top].item(), above)
                best = (dice[top].item(), found)
    return best[1]


def _histogram(grey: Tensor, target: Tensor, cuts: Tensor, ignore: int) -> Tensor:
    """Pixels of class 1 and of the others by the number of cuts below their value."""
    level = torch.bucketize(grey.double().cpu(), cuts)
    target = target.cpu()
    counted = target != ignore
    labels = (counted & (target == 1), counted & (target != 1))
    return torch.stack([level[at].bincount(minlength=_LEVELS + 1) for at in labels])


def _dice_of_cuts(counts: Tensor, above: bool) -> Tensor:
    """Dice of class 1 for each cut, predicting levels beyond it (or up to it)."""
    counts = counts.double()
    at_most = counts.cumsum(1)[:, :-1]
    tp, fp = (counts.sum(1, keepdim=True) - at_most) if above else at_most
    return (2 * tp / (tp + fp + counts[0].sum())).nan_to_num()
