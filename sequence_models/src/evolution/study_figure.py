"""The picture of a study: a dot a run, means with intervals, curves over the steps."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..metrics.significance import t_quantile
from ..utils.plots import LINES, YELLOW, new_figure, plain_text
from .study_plan import StudyPlan
from .study_scores import Score, read_curve
from .study_verdict import by_seed, names


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = tuple(color for color in LINES if color != YELLOW)
"""Of the arms; yellow is hardly seen on white."""
ACROSS = 3
"""Panels of curves side by side."""
NO_SHARES = ("loss", "length")
"""Metrics that can exceed 1: the intervals of the others end at 0 and 1."""
POINTS = 60
"""Of a curve at most; where there are more, neighbours are averaged."""


def draw(plan: StudyPlan, folder: Path, scores: Sequence[Score]) -> "Figure":
    """Metrics above, the curves of the study below."""
    rows, metrics = names(plan, scores), plan.study.picture
    curves = {
        c: found for c in plan.study.curves if (found := _curves(plan, folder, c))
    }
    high, below = 0.34 * len(rows) + 1.2, -(-len(curves) // ACROSS)
    figure = new_figure(8.0, high + 2.5 * below)
    title = f"{plain_text(plan.title, 90)}\n"
    figure.suptitle(f"{title}a dot a seed; diamond: mean, 95 % interval", fontsize=10)
    ratios = [high, 2.5 * below] if below else [high]
    parts = figure.subfigures(len(ratios), 1, height_ratios=ratios, squeeze=False)
    axes = parts[0, 0].subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for axis, metric in zip(axes, metrics, strict=True):
        _dots(axis, plan, rows, scores, metric)
    axes[0].set_yticks(range(len(rows)), [plain_text(plan.label(n)) for n in rows])
    axes[0].invert_yaxis()
    if below:
        columns = min(ACROSS, len(curves))
        grid = parts[1, 0].subplots(below, columns, squeeze=False).flatten()
        for axis, (column, found) in zip(grid, curves.items(), strict=False):
            _lines(axis, plan, found, column)
        for axis in grid[len(curves) :]:
            axis.set_visible(False)
        handles, shown = grid[0].get_legend_handles_labels()
        place = {"loc": "outside lower center", "ncols": 3, "fontsize": "small"}
        parts[1, 0].legend(handles, shown, **place)
    return figure


def _dots(
    axis: "Axes",
    plan: StudyPlan,
    rows: list[str],
    scores: Sequence[Score],
    metric: str,
) -> None:
    for place, name in enumerate(rows):
        values = list(by_seed(scores, name, metric).values())
        if not values:
            continue
        arm = name.split(".")[0]
        color = COLORS[list(plan.arms).index(arm) % len(COLORS)]
        face = "none" if name != arm else color
        axis.plot(
            values, [place + 0.17] * len(values), "o", color=color, mfc=face, ms=4.5,
            alpha=0.75,
        )  # fmt: skip
        mean, half = interval(values)
        ends = [[half], [half]]
        if metric not in NO_SHARES:
            ends = [[min(half, max(mean, 0.0))], [min(half, max(1 - mean, 0.0))]]
        axis.errorbar(
            mean, place - 0.17, xerr=ends if half else None, fmt="D", color=color,
            mfc=face, ms=5, capsize=3, lw=1.8,
        )  # fmt: skip
    axis.set_xlabel(plain_text(metric))
    axis.locator_params(axis="x", nbins=6)
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.grid(alpha=0.3, axis="x")


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half of its 95 % t interval; 0 for one value."""
    mean, n = statistics.fmean(values), len(values)
    if n < 2:
        return mean, 0.0
    return mean, t_quantile(0.95, n - 1) * statistics.stdev(values) / math.sqrt(n)


def _curves(
    plan: StudyPlan, folder: Path, column: str
) -> dict[str, list[list[tuple[int, float]]]]:
    """Of each arm that has the column, its runs."""
    found: dict[str, list] = {}
    for name in plan.arms:
        for seed in plan.study.seeds:
            run = folder / f"{name}-s{seed}"
            points = read_curve(run, column) if (run / "metrics.csv").exists() else []
            if points:
                found.setdefault(name, []).append(points)
    return found


def _lines(
    axis: "Axes",
    plan: StudyPlan,
    found: dict[str, list[list[tuple[int, float]]]],
    column: str,
) -> None:
    """A thin line a run, a thick one for their mean where all have a point."""
    for number, (name, trained) in enumerate(plan.arms.items()):
        runs = [thinned(points) for points in found.get(name, [])]
        if not runs:
            continue
        color = COLORS[number % len(COLORS)]
        if len(runs) > 1:
            for points in runs:
                axis.plot(*zip(*points, strict=True), color=color, lw=0.7, alpha=0.35)
        tables = [dict(points) for points in runs]
        steps = sorted(set.intersection(*map(set, tables)))
        means = [statistics.fmean(t[x] for t in tables) for x in steps]
        axis.plot(steps, means, color=color, lw=1.8, label=plain_text(trained.label))
    axis.set_title(plain_text(column), fontsize="medium")
    axis.set_xlabel("step")
    axis.locator_params(axis="x", nbins=5)
    axis.grid(alpha=0.3)


def thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Means of neighbours, at the last of their steps; a run of them is no noise."""
    size = -(-len(points) // POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(group[-1][0], statistics.fmean(v for _, v in group)) for group in groups]
