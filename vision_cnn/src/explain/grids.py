"""Many small pictures in one: the colours of numbers, and a grid of tiles.

Zero is white. Positive is red and negative blue, two colours that people of every
colour vision tell apart; numbers that are nowhere negative run from white to dark blue.
What is not a finite number is black.
"""

import math
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


if TYPE_CHECKING:
    from matplotlib.axes import Axes

Palette = Literal["signed", "positive"]
MAPS = {"signed": "RdBu_r", "positive": "Blues"}
FRAME, GAP = 0.72, 2  # grey of the line around a tile; white pixels between tiles
SMALL = 40  # pixels that a tile has at least, so that lines are thin beside it


@contract
def common_scale(values: Float[Tensor, "..."]) -> float:
    """The largest finite |value|, or 1 where there is none above zero."""
    finite = values.detach()[values.isfinite()].abs()
    largest = float(finite.max()) if len(finite) else 0.0
    return largest or 1.0


@contract
def palette_of(values: Float[Tensor, "..."]) -> Palette:
    """Whether the numbers need colours for both signs."""
    return "signed" if bool((values < 0).any()) else "positive"


@contract
def colours(
    values: Float[Tensor, "*shape"], scale: float, palette: Palette = "signed"
) -> Float[Tensor, "*shape 3"]:
    """The colour of each number, in [0, 1]; `scale` and beyond have the last one."""
    from matplotlib import colormaps

    share = (values.detach().double().cpu() / scale).clamp(-1, 1)
    place = (share + 1) / 2 if palette == "signed" else share.clamp_min(0)
    shades = colormaps[MAPS[palette]](place.nan_to_num(0).numpy())
    picture = torch.as_tensor(shades)[..., :3].float()
    picture[share == 0] = 1.0  # the maps' own middle is a very light grey
    picture[~values.isfinite().cpu()] = 0.0
    return picture


@contract
def tile(
    pictures: Float[Tensor, "count height width 3"], columns: int
) -> Float[Tensor, "tall wide 3"]:
    """The pictures row by row, each with a thin frame, `columns` of them side by side.

    Small ones are enlarged in whole steps, so that each of their pixels stays a square.
    """
    count, height, width, _ = pictures.shape
    if not count or columns < 1:
        raise ValueError(f"tile: {count} pictures in {columns} columns")
    zoom = max(1, math.ceil(SMALL / max(height, width)))
    image = pictures.permute(0, 3, 1, 2).repeat_interleave(zoom, 2)
    image = image.repeat_interleave(zoom, 3)
    image = F.pad(F.pad(image, [1] * 4, value=FRAME), [0, GAP, 0, GAP], value=1.0)
    rows = -(-count // columns)
    missing = image.new_ones(rows * columns - count, *image.shape[1:])
    grid = torch.cat([image, missing]).unflatten(0, (rows, columns))
    grid = grid.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    return grid[:-GAP, :-GAP]


def columns_for(count: int, aspect: float = 1.0) -> int:
    """Columns of a grid of squares, about `aspect` times as wide as tall.

    Near that, the number that leaves the fewest places of the last row empty.
    """
    wanted = max(1.0, math.sqrt(count * aspect))
    near = range(math.ceil(0.75 * wanted), math.floor(1.5 * wanted) + 1)
    return min(count, min(near, key=lambda n: (-count % n, abs(n - wanted))))


def show(axis: "Axes", picture: Tensor, title: str = "") -> None:
    """Draw an RGB picture (height, width, 3) in [0, 1] without ticks."""
    axis.imshow(picture.clamp(0, 1).numpy(), interpolation="nearest")
    axis.set_axis_off()
    if title:
        axis.set_title(title, fontsize=9)


def colour_bar(axis: "Axes", scale: float, palette: Palette = "signed") -> None:
    """What the colours of `axis` mean, in a narrow bar beside it."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low = -scale if palette == "signed" else 0.0
    mappable = ScalarMappable(Normalize(low, scale), MAPS[palette])
    tall, wide = axis.images[0].get_array().shape[:2]
    unit = 0.01 + 0.02 * tall / wide  # of the width of the picture
    place = axis.inset_axes([1 + unit, 0, unit, 1])
    ticks = sorted({low, 0.0, scale})
    bar = axis.figure.colorbar(mappable, cax=place, ticks=ticks)
    place.set_yticklabels([f"{tick:.2g}" for tick in ticks])
    place.tick_params(labelsize=8, length=2)
    bar.outline.set_linewidth(0.4)
