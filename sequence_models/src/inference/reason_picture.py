"""The picture of test-time scaling."""

from collections.abc import Sequence
from pathlib import Path

from ..reasoning.scaling import Point
from ..utils.plots import LINES, new_figure, plain_text, save_figure


COLORS = (*LINES[:7], "#777777")  # yellow is hard to see
MARKERS = "osD^vPX*"


def draw_scaling(points: Sequence[Point], title: str, path: Path) -> None:
    """Accuracy against tokens a problem, a line for each method, bands of 95 %."""
    figure = new_figure(7.6, 5.4)
    axis = figure.subplots()
    methods = list(dict.fromkeys(point.method for point in points))
    for number, method in enumerate(methods):
        own = [point for point in points if point.method == method]
        x, color = [point.tokens for point in own], COLORS[number % len(COLORS)]
        y = [point.accuracy for point in own]
        marker = MARKERS[number % len(MARKERS)]
        style = {"color": color, "marker": marker, "ms": 5, "lw": 1.8}
        if len(own) == 1:
            spread = [[max(0, y[0] - own[0].low)], [max(0, own[0].high - y[0])]]
            axis.errorbar(x, y, spread, capsize=3, label=method, **style)
            axis.axhline(y[0], color=color, lw=1, ls=":")
            continue
        axis.plot(x, y, label=method, **style)
        low, high = ([getattr(point, end) for point in own] for end in ("low", "high"))
        axis.fill_between(x, low, high, color=color, alpha=0.12, linewidth=0)
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_xlabel("tokens written for a problem")
    axis.set_ylabel("share of problems answered rightly")
    axis.set_title(plain_text(title, 80))
    axis.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    save_figure(figure, path)
