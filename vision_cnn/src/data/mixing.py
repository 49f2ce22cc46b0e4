"""Two images in one: mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019).

The loss is share * CE(target) + (1 - share) * CE(partner's target). A partner is drawn
from the whole split and not from the batch, so that batches may be cut in any way.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ..utils.contracts import contract
from .augment import AugmentConfig
from .draws import Draws
from .erasing import box_mask


@dataclass(frozen=True)
class Plan:
    """What to mix with each image of a batch, and how."""

    partners: Int[Tensor, " batch"]
    """Numbers of the second images."""
    share: Float64[Tensor, " batch"]
    """lambda, the wanted weight of the first image."""
    patch: Bool[Tensor, " batch"]
    """CutMix where set, else mixup."""
    centre: Float64[Tensor, "batch 2"]
    """Of the patch: (down, right) as shares of the sides."""

    @contract
    def blend(
        self,
        images: Float[Tensor, "batch channel height width"],
        partners: Float[Tensor, "batch channel height width"],
    ) -> tuple[Float[Tensor, "batch channel height width"], Float[Tensor, " batch"]]:
        """The mixed images, and the exact weight of the first label of each."""
        size = (images.shape[2], images.shape[3])
        inside = box_mask(patch_boxes(self.share, self.centre, size), size)
        area = inside.double().mean((1, 2))
        share = torch.where(self.patch, 1 - area, self.share).to(images.dtype)
        flat = share[:, None, None].expand(inside.shape)
        weight = torch.where(self.patch[:, None, None], (~inside).to(flat.dtype), flat)
        return torch.lerp(partners, images, weight[:, None]), share


def make_mixing(config: AugmentConfig, seed: int, n: int) -> "Mixing | None":
    """What `config` asks for; None where it mixes nothing."""
    return Mixing(config, seed, n) if config.mixup or config.cutmix else None


class Mixing:
    """Plans that are a function of (seed, epoch, image)."""

    def __init__(self, config: AugmentConfig, seed: int, n: int):
        if not (config.mixup or config.cutmix):
            raise ValueError("mixup and cutmix are both 0: there is nothing to mix")
        self.config, self.seed, self.n = config, seed, n

    @contract
    def plan(self, epoch: int, indices: Int[Tensor, " batch"]) -> Plan:
        """Partners from the whole split, perhaps the image itself."""
        config, draws = self.config, Draws(self.seed, epoch, self.n, indices)
        chance = 0.5 if config.mixup and config.cutmix else float(config.cutmix > 0)
        patch = draws.chance("mix_patch", chance)
        faded, pasted = (
            draws.beta(f"mix_{alpha}", alpha) if alpha else torch.ones(len(indices))
            for alpha in (config.mixup, config.cutmix)
        )
        return Plan(
            draws.integers("mix_partner", self.n),
            torch.where(patch, pasted.double(), faded.double()),
            patch,
            torch.stack([draws.uniform(f"mix_{d}") for d in "yx"], 1),
        )


@contract
def patch_boxes(
    share: Float64[Tensor, " batch"],
    centre: Float64[Tensor, "batch 2"],
    size: tuple[int, int],
) -> Int[Tensor, "batch 4"]:
    """Sides of sqrt(1 - share) of the image's about `centre`, beyond the border too."""
    half, sides = (1 - share).sqrt()[:, None] / 2, torch.tensor([*size, *size])
    corners = torch.cat([centre - half, centre + half], 1)
    return (corners * sides).round().long()
