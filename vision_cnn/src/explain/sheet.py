"""One page that shows what a network sees in one image."""

import textwrap
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..utils.plots import BLUE, GREEN, ORANGE, VERMILLION, new_figure, plain_text
from .attributions import METHODS
from .explanation import Explanation
from .feature_maps import draw_feature_maps, feature_maps, layers_across
from .grids import colours, show
from .kernels import convolutions, draw_kernels, first_kernels


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHARE = 0.99
"""Of the pixels of a map that lie within its colours; the others have the last one."""
GREY = "0.35"


def draw_sheet(
    explanation: Explanation, model: nn.Module, class_names: tuple[str, ...], run: str
) -> "Figure":
    """The image and its classes, all maps on one scale, what the layers make of it."""
    height, width = explanation.picture.shape[1:]
    tall = min(3.0, max(0.8, 2.2 * height / width))  # of one map, in inches
    heights = [2.9, 2 * (tall + 0.8), 2.7]
    figure = new_figure(10, sum(heights))
    top, maps, inside = figure.subfigures(3, 1, height_ratios=heights)
    _draw_top(top, explanation, class_names)
    _draw_maps(maps, explanation)
    _draw_inside(inside, explanation, model)
    figure.suptitle(_title(explanation, class_names, run), fontsize=12)
    return figure


def _title(explanation: Explanation, class_names: tuple[str, ...], run: str) -> str:
    said, true = explanation.predicted, explanation.subject.true
    sure = float(explanation.probabilities[said])
    verdict = "" if true is None else ", right" if true == said else ", wrong"
    text = f"{plain_text(run, 40)} says {plain_text(class_names[said])} ({sure:.1%})"
    if explanation.target != said:
        return f"{text}{verdict}; the maps are of {_target(explanation, class_names)}"
    return f"{text}{verdict}: why?"


def _target(explanation: Explanation, class_names: tuple[str, ...]) -> str:
    return plain_text(class_names[explanation.target], 24)


def _draw_top(part: "Figure", e: Explanation, class_names: tuple[str, ...]) -> None:
    image, bars, overlay, check = part.subplots(1, 4, width_ratios=[1, 1.1, 1, 1.25])
    show(image, _rgb(e.picture), plain_text(e.subject.name, 30))
    if e.subject.true is not None:
        true = plain_text(class_names[e.subject.true], 24)
        _below(image, [f"true class: {true}"])
    _draw_bars(bars, e, class_names)
    _draw_overlay(overlay, e, _target(e, class_names))
    _draw_checks(check, e)


def _draw_bars(axis: "Axes", e: Explanation, class_names: tuple[str, ...]) -> None:
    shares, order = e.probabilities.topk(min(5, len(class_names)))
    if e.target not in order:
        shares[-1], order[-1] = e.probabilities[e.target], e.target
    colour = [BLUE if c == e.target else "0.75" for c in order.tolist()]
    axis.barh(range(len(order)), shares.tolist(), color=colour, height=0.62)
    axis.invert_yaxis()
    axis.set_ylim(len(order) - 0.5, -0.5)
    axis.set_xlim(0, 1.0)
    for place, (share, number) in enumerate(zip(shares, order.tolist(), strict=True)):
        name = plain_text(class_names[number], 18)
        text = f"{name}{' (true)' if number == e.subject.true else ''}  {share:.1%}"
        axis.text(0.01, place - 0.34, text, fontsize=8.5, va="bottom")
    axis.set_ylim(len(order) - 0.5, -0.9)
    axis.set_axis_off()
    axis.set_title("likeliest classes; blue: explained", fontsize=9)


def _draw_overlay(axis: "Axes", e: Explanation, target: str) -> None:
    """Grad-CAM in orange over the image in grey."""
    grey = 0.25 + 0.75 * e.picture.mean(0, keepdim=True).expand(3, -1, -1)
    cam = e.found.maps.get("grad_cam")
    if cam is None:
        return _say(axis, "Grad-CAM", e.found.undefined["grad_cam"])
    strength = cam[0].cpu() / (cam.max().item() or 1.0)
    orange = torch.tensor([213.0, 94, 0])[:, None, None] / 255  # plots.VERMILLION
    mixed = grey + 0.8 * strength * (orange - grey)
    show(axis, mixed.permute(1, 2, 0), f"Grad-CAM of {target}")
    layer = plain_text(e.found.layer, 24)
    _below(axis, [f"layer {layer}" if cam.any() else f"none in layer {layer}"])


def _draw_checks(axis: "Axes", e: Explanation) -> None:
    """Similarity of each map to the trained one as the layers forget."""
    styles = dict(
        zip(e.checks, ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^")), strict=False)
    )
    for name, stages in e.checks.items():
        colour, marker = styles[name]
        x = [i / (len(stages) - 1) for i in range(len(stages))]
        y = [stage.similarity for stage in stages]
        label = METHODS[name].title.replace("Guided back-propagation", "guided")
        axis.plot(x, y, color=colour, marker=marker, markersize=3.5, label=label)
    axis.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    axis.set_ylim(-0.85, 1.08)
    axis.set_xticks([0, 0.5, 1], ["none", "upper half", "all"])
    axis.set_yticks([0, 0.5, 1])
    axis.tick_params(labelsize=8)
    axis.set_xlabel("layers that forgot their weights", fontsize=8)
    axis.set_title("likeness to these maps (1: same)", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    look = {"frameon": False, "handlelength": 1.2, "columnspacing": 0.8}
    if e.checks:
        axis.legend(fontsize=7, loc="lower center", ncols=3, **look)


def _draw_maps(part: "Figure", e: Explanation) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    axes = part.subplots(2, 4)
    for axis, (name, method) in zip(axes.flatten(), METHODS.items(), strict=True):
        if name in e.found.undefined:
            _say(axis, method.title, e.found.undefined[name])
            axis.set_box_aspect(e.picture.shape[1] / e.picture.shape[2])
            continue
        map = e.found.maps[name][0].cpu()
        show(axis, colours(map, colour_scale(map), "signed"), method.title)
        _frame(axis)
        low, high = float(map.min()), float(map.max())
        lines = [f"raw {low:.2g} to {high:.2g}" if map.any() else "0: no evidence"]
        if name == "integrated_gradients":
            lines[0] += f" · sum {e.total:.3g} of {float(e.found.gained):.3g}"
        _below(axis, [*lines, method.paper])
    scale = ScalarMappable(Normalize(-1, 1), "RdBu_r")
    bar = part.colorbar(scale, ax=axes, fraction=0.02, pad=0.01, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["against", "0", "for, or\nstrong"], fontsize=8)
    bar.set_label("share of each map's 99th percentile", fontsize=8, color=GREY)
    bar.outline.set_linewidth(0.4)


def colour_scale(map: Tensor) -> float:
    """The |value| of the last colour, which a few pixels exceed, or the largest."""
    values = map.abs().flatten().double()
    return float(values.quantile(SHARE)) or float(values.max()) or 1.0


def _draw_inside(part: "Figure", e: Explanation, model: nn.Module) -> None:
    names = layers_across(model, e.image, 3)[:2]
    axes = part.subplots(1, 1 + len(names), squeeze=False)[0]
    if convolutions(model):
        kernels = first_kernels(model)
        draw_kernels(axes[0], kernels, 32)
        size = "×".join(map(str, kernels.weight.shape[2:]))
        name = plain_text(kernels.name, 20)
        axes[0].set_title(f"{name}: first kernels, {size}", fontsize=9)
    else:
        _say(axes[0], "kernels", "The model has no convolution.")
    for axis, maps in zip(
        axes[1:], feature_maps(model, e.image, names, 12), strict=True
    ):
        draw_feature_maps(axis, maps, 4)


def _rgb(picture: Tensor) -> Tensor:
    """(channel height width) with one or three channels as (height width 3)."""
    return picture.expand(3, -1, -1).permute(1, 2, 0)


def _frame(axis: "Axes") -> None:
    axis.set_axis_on()
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set(color="0.75", linewidth=0.6)


def _below(axis: "Axes", lines: list[str]) -> None:
    axis.set_axis_on()
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_xlabel("\n".join(lines), fontsize=8, color=GREY)


def _say(axis: "Axes", title: str, text: str) -> None:
    """A sentence where a picture would be."""
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()
    wrapped = textwrap.fill(plain_text(text, 200), 26)
    where = {"transform": axis.transAxes, "ha": "center", "va": "center"}
    axis.text(0.5, 0.5, wrapped, fontsize=8, color=VERMILLION, **where)
