"""An image that makes a class or a channel of the network answer as much as it can.

Gradient ascent on the image (Erhan et al. 2009, "Visualizing higher-layer features").
Left free, it finds noise that no camera takes. What holds it to pictures (Olah et al.
2017, "Feature visualization"):
- the image is a sigmoid, so that its values stay in [0, 1];
- its total variation costs, and with `pixel`, where the numbers sought are pixels, a
  blur every few steps takes away what is fine; with `fourier` they are waves, each
  weighted by one over its frequency, so that steps are coarser than they are fine;
- jitter: each step sees it moved by a few pixels, so that a pattern must not depend on
  the grid of strides.
Left out: the decorrelation of colours and random turns and scales of that article.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..data.info import DataInfo
from ..utils.contracts import contract
from ..utils.plots import new_figure, plain_text
from .grids import columns_for, show
from .layers import as_map, capture, evaluating


if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Ascent:
    """How the image is sought."""

    steps: int = 128
    rate: float = 0.1
    """Of Adam."""
    parametrisation: Literal["pixel", "fourier"] = "pixel"
    jitter: int = 2
    """Pixels, up to which the image is moved in each direction."""
    variation: float = 0.5
    """Weight of the mean |difference| of neighbours."""
    blur_every: int = 8
    """Steps between two blurs by the binomial 1-2-1, of `pixel`; 0: none."""
    seed: int = 0


class Maximised(NamedTuple):
    images: Tensor
    """(targets, channel, height, width) in [0, 1]."""
    before: Tensor
    """(targets,): what each answered to the first image, nearly the mean colour."""
    after: Tensor
    """(targets,): to the last one, without jitter."""


def maximise(
    model: nn.Module,
    info: DataInfo,
    targets: Sequence[int],
    layer: str = "",
    ascent: Ascent | None = None,
) -> Maximised:
    """One image for each class in `targets`, or each channel of `layer`.

    The answer of a class is its logit, of a channel the mean of its map. All images
    begin alike and are sought side by side; none depends on the others. The model is
    left as it was, and has no gradients after it.
    """
    ascent = ascent or Ascent()
    random = torch.Generator().manual_seed(ascent.seed)
    device = next(model.parameters()).device
    numbers, paint = _canvas(info, len(targets), ascent, random, device)
    optimiser = torch.optim.Adam([numbers], lr=ascent.rate)
    with evaluating(model), torch.enable_grad():
        before = _answers(model, info, paint(numbers), targets, layer).detach()
        for step in range(ascent.steps):
            image = paint(numbers)
            answers = _answers(
                model, info, jittered(image, ascent.jitter, random), targets, layer
            )
            loss = -answers.sum()
            loss = loss + ascent.variation * total_variation(image).sum()
            (numbers.grad,) = torch.autograd.grad(loss, [numbers])
            optimiser.step()
            if _blurs(ascent, step):
                numbers.data = blurred(numbers.data)
        images = paint(numbers).detach()
        after = _answers(model, info, images, targets, layer).detach()
    return Maximised(images.cpu(), before.cpu(), after.cpu())


@contract
def waves(
    spectrum: Float[Tensor, "batch channel height {width}//2+1 2"], width: int
) -> Float[Tensor, "batch channel height {width}"]:
    """The sum of waves, each weighted by a quarter over its frequency in 1 / pixels.

    The frequency zero, the mean, weighs as much as one wave a side.
    """
    height = spectrum.shape[2]
    like = {"device": spectrum.device, "dtype": spectrum.dtype}
    rows = torch.fft.fftfreq(height, **like)[:, None]
    columns = torch.fft.rfftfreq(width, **like)[None]
    frequency = (rows.square() + columns.square()).sqrt()
    weight = 1 / frequency.clamp_min(1 / max(height, width))
    weighted = torch.view_as_complex(spectrum.contiguous()) * weight / 4
    return torch.fft.irfft2(weighted, s=(height, width), norm="ortho")


@contract
def jittered(
    image: Float[Tensor, "batch channel height width"],
    reach: int,
    random: torch.Generator,
) -> Float[Tensor, "batch channel height width"]:
    """The image moved by up to `reach` pixels, all alike; its border is mirrored."""
    reach = min(reach, min(image.shape[2:]) - 1)
    if reach < 1:
        return image
    top, left = torch.randint(0, 2 * reach + 1, (2,), generator=random).tolist()
    padded = F.pad(image, [reach] * 4, mode="reflect")
    height, width = image.shape[2:]
    return padded[:, :, top : top + height, left : left + width]


@contract
def total_variation(
    image: Float[Tensor, "batch channel height width"],
) -> Float[Tensor, " batch"]:
    """Sum over both directions of |difference| of neighbours, mean over the pixels."""
    down = image.diff(dim=2).abs().sum((1, 2, 3))
    across = image.diff(dim=3).abs().sum((1, 2, 3))
    return (down + across) / image[0].numel()


@contract
def blurred(
    image: Float[Tensor, "batch channel height width"],
) -> Float[Tensor, "batch channel height width"]:
    """Each pixel with its neighbours, 1-2-1 in both directions; edges repeat."""
    padded = F.pad(image, [1] * 4, mode="replicate")
    tall = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    return (tall[..., :-2] + 2 * tall[..., 1:-1] + tall[..., 2:]) / 4


def maximised_figure(found: Maximised, names: Sequence[str], title: str) -> "Figure":
    """A picture for each target, below its name and its answer before and after."""
    count = len(found.images)
    columns = columns_for(count, 2.5)
    rows = -(-count // columns)
    figure = new_figure(max(4.5, 1.7 * columns), 0.3 + 2.05 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis in axes:
        axis.set_axis_off()
    answers = zip(found.before.tolist(), found.after.tolist(), strict=True)
    for axis, image, name, (before, after) in zip(
        axes, found.images, names, answers, strict=False
    ):
        seen = image.expand(3, -1, -1).permute(1, 2, 0)
        show(axis, seen, f"{plain_text(name, 18)}\n{before:.2g} → {after:.2g}")
    figure.suptitle(title, fontsize=11)
    return figure


def _canvas(info: DataInfo, count: int, ascent: Ascent, random, device):
    """The numbers that are sought, and the function that makes images of them."""
    channel, height, width = info.in_channels, info.height, info.width
    fourier = ascent.parametrisation == "fourier"
    shape = (
        (channel, height, width // 2 + 1, 2) if fourier else (channel, height, width)
    )
    start = 0.01 * torch.randn(shape, generator=random)
    numbers = start.repeat(count, *[1] * len(shape)).to(device).requires_grad_()
    mean = torch.tensor(info.mean, device=device)[:, None, None].logit(eps=1e-3)
    if fourier:
        return numbers, lambda n: (mean + waves(n, width)).sigmoid()
    return numbers, lambda n: (mean + n).sigmoid()


def _answers(
    model: nn.Module, info: DataInfo, image: Tensor, targets: Sequence[int], layer: str
) -> Tensor:
    """What target i says to image i."""
    seen = info.normalise(image)
    rows = torch.arange(len(targets), device=image.device)
    picks = torch.tensor(targets, device=image.device)
    if not layer:
        return model(seen)[rows, picks]
    with capture(model, seen, [layer]) as captured:
        grid = as_map(captured.outputs[layer], seen)
        answers = captured.outputs[layer] if grid is None else grid.mean((2, 3))
    return answers[rows, picks]


def _blurs(ascent: Ascent, step: int) -> bool:
    """Whether the image is blurred behind this step; never behind the last ones."""
    if ascent.parametrisation != "pixel" or not ascent.blur_every:
        return False
    last = ascent.steps - ascent.blur_every
    return (step + 1) % ascent.blur_every == 0 and step < last
