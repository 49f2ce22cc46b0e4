"""A comparison as one picture: every value, the means, and the differences."""

from pathlib import Path

import numpy as np

from tools.compare_text import settings_in_words, shown
from tools.comparison import Comparison
from tools.files import replace_whole
from tools.projects import WorkspaceError


KINDS = ("png", "svg", "pdf")
DOTS = 60  # values of a group up to which each is drawn
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe & Ito (2008): told apart by colour-blind people too."""


def draw(found: Comparison, path: Path) -> None:
    """Left: values by group, pairs joined. Right: differences with their intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = max(len(found.groups), len(shown(found)))
    figure = Figure(figsize=(11, 1.6 + 0.55 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    _draw_groups(left, found)
    _draw_differences(right, found)
    kind = picture_kind(path)
    replace_whole(path, lambda part: figure.savefig(part, format=kind, dpi=110))


def picture_kind(path: Path) -> str:
    """As the name says; WorkspaceError for what cannot be drawn."""
    if (kind := path.suffix[1:].lower() or "png") not in KINDS:
        raise WorkspaceError(
            f"--plot {path}: give a name that ends in .{', .'.join(KINDS)}"
        )
    return kind


def _draw_groups(axis, found: Comparison) -> None:
    places = {group.label: -i for i, group in enumerate(found.groups)}
    dots = all(len(group.values) <= DOTS for group in found.groups)
    if dots:
        for one, two in zip(found.groups, found.groups[1:], strict=False):
            theirs = dict(zip(two.units, two.values, strict=True))
            for unit, value in zip(one.units, one.values, strict=True):
                if unit in theirs and one.folds == two.folds:
                    ends = places[one.label], places[two.label]
                    axis.plot((value, theirs[unit]), ends, color="0.8", lw=1, zorder=1)
    for i, group in enumerate(found.groups):
        colour, y = COLOURS[i % len(COLOURS)], places[group.label]
        if dots:
            axis.scatter(
                group.values, np.full(len(group.values), y), s=28, color=colour,
                alpha=0.6, linewidths=0, zorder=2,
            )  # fmt: skip
        axis.plot((group.low, group.high), (y - 0.2, y - 0.2), color=colour, lw=2)
        axis.plot(group.mean, y - 0.2, "D", color=colour, ms=6)
    names = [f"{g.label}  {settings_in_words(g)}" for g in found.groups]
    axis.set_yticks([places[g.label] for g in found.groups], names, fontsize=8)
    axis.set_ylim(0.6 - len(found.groups) - 0.2, 0.5)
    one = found.groups[0]
    unit = "run" if len(one.runs) == len(one.units) else "sample"
    what = f"each {unit} a dot, " if dots else ""
    axis.locator_params(axis="x", nbins=5)
    axis.set_xlabel(found.metric)
    axis.set_title(f"{what}diamond and line: mean, 95 % interval", fontsize=9)


def _draw_differences(axis, found: Comparison) -> None:
    chosen = shown(found)
    axis.axvline(0, color="0.4", lw=1)
    for i, one in enumerate(chosen):
        colour = "black" if one.verdict.endswith("is better") else "0.55"
        axis.plot((one.low, one.high), (-i, -i), color=colour, lw=2)
        axis.plot(one.difference, -i, "D", color=colour, ms=6)
    places = range(0, -len(chosen), -1)
    axis.set_yticks(places, [f"{one.second} - {one.first}" for one in chosen])
    axis.set_ylim(0.5 - max(1, len(places)), 0.5)
    verdicts = [one.verdict.partition(";")[0] for one in chosen]
    right = axis.secondary_yaxis("right")
    right.set_yticks(places, verdicts, fontsize=8)
    right.tick_params(length=0)
    axis.locator_params(axis="x", nbins=5)
    axis.margins(x=0.1)
    axis.set_xlabel(f"difference ({found.better} is better)")
    axis.set_title("differences, 95 % interval", fontsize=9)
