"""A network that learns CIFAR-10 in minutes on one thread.

In the spirit of airbench (Jordan 2024, arXiv 2404.00498, sections 3.1 to 3.3):
- the first layer is computed, not learned: 2 x 2 filters that whiten the patches of the
  training images, each with both signs, because a GELU would lose one half;
- every 3 x 3 kernel starts as the identity, so that the image itself reaches the head;
- a batch norm without scale follows each kernel, which leaves the kernel no length to
  learn: `training/muon.py` holds it fixed.

Ours: the maximum over what is left of the picture, so that any size fits; a head that
begins small where the paper divides the logits; and no bias in the first layer, whose
gradient costs 7 % of a step.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..utils.contracts import contract
from .classifier import Classifier


class FastCNN(Classifier):
    """Whitening, a group of two convolutions per width, the global maximum, a head."""

    # Read by build_muon. A kernel moves by a share of itself, a shift by units of what
    # it shifts, though the gradient of either is one of a mean over the batch.
    scale_free_kernels = True
    sgd_rates = {"head": 0.04, "bias": 20.0}

    def __init__(
        self,
        in_channels: int,
        classes: int,
        widths: tuple[int, ...] = (64, 256, 256),
    ):
        super().__init__(in_channels, classes)
        self.least_side = 1 + 2 ** len(widths)
        filters = 2 * in_channels * 4
        self.whiten = nn.Conv2d(in_channels, filters, 2, bias=False)
        self.whiten.weight.requires_grad_(False)
        pairs = zip((filters, *widths), widths, strict=False)
        self.groups = nn.Sequential(*(ConvGroup(cin, cout) for cin, cout in pairs))
        self.head = nn.Linear(widths[-1], classes, bias=False)
        nn.init.normal_(self.head.weight, std=1 / widths[-1])

    @contract
    def initialise_from(
        self, images: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> None:
        """Whiten the patches of `images`, which are normalised training images."""
        filters = whitening_filters(images)
        self.whiten.weight.data.copy_(torch.cat([filters, -filters]))

    def _embed(self, image: Tensor) -> Tensor:
        x = self.groups(F.gelu(self.whiten(image)))
        return F.max_pool2d(x, x.shape[-2:]).flatten(1)


class ConvGroup(nn.Module):
    """Halves the sides: convolve, pool, norm, GELU; then convolve, norm, GELU."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.in_channels = in_channels
        self.conv1 = _kernel(in_channels, out_channels)
        self.norm1 = _norm(out_channels)
        self.conv2 = _kernel(out_channels, out_channels)
        self.norm2 = _norm(out_channels)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch channel height//2 width//2"]:
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


@contract
def whitening_filters(
    images: Float[Tensor, "batch channel height width"],
    side: int = 2,
    eps: float = 5e-4,
) -> Float[Tensor, "channel*{side}**2 channel {side} {side}"]:
    """Filters whose answers to patches of `images` are uncorrelated, of variance one.

    v / sqrt(l + eps) for each eigenvector v, with eigenvalue l, of the covariance of
    all patches of side x side pixels; eps quiets directions that hardly occur. The
    largest eigenvalue comes first.
    """
    channels = images.shape[1]
    patches = images.unfold(2, side, 1).unfold(3, side, 1)  # (n, c, h', w', side, side)
    patches = patches.movedim(1, 3).reshape(-1, channels * side**2)
    patches = patches.double() - patches.double().mean(0)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + eps).sqrt()).T.flip(0)
    return filters.to(images.dtype).view(-1, channels, side, side)


def _kernel(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A convolution whose first filters hand on their channel unchanged."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding="same", bias=False)
    nn.init.dirac_(conv.weight.data[:in_channels])
    return conv


def _norm(channels: int) -> nn.BatchNorm2d:
    """Shifts but does not scale; its statistics follow the last few batches."""
    norm = nn.BatchNorm2d(channels, momentum=0.4)
    norm.weight.requires_grad_(False)
    return norm
