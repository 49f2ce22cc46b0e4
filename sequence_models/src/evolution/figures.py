"""The pictures of a bench; in its page they stand as SVG text."""

import io
import re
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..utils.plots import LINES, new_figure, plain_text
from .plan import Plan
from .results import Results, Row, Run


if TYPE_CHECKING:
    from matplotlib.figure import Figure

DASHES = ("-", "--", ":")


def dots(plan: Plan, results: Results, label: Callable[[str], str]) -> "Figure":
    """Each run a dot, each mean a bar: entries from old to new, a colour a recipe."""
    names = [n for n in plan.entries if any(r.entry == n for r in results.rows)]
    figure = new_figure(7.6, 0.42 * len(names) + 1.1)
    axis = figure.subplots()
    kinds = (("of its era", LINES[0], -0.14), (plan.bench.common, LINES[1], 0.14))
    for row in results.rows:
        name, color, shift = kinds[row.recipe == plan.bench.common]
        y = names.index(row.entry) + shift
        axis.plot(row.values, [y] * len(row.values), "o", color=color, ms=4, alpha=0.6)
        axis.plot([row.bpb] * 2, [y - 0.13, y + 0.13], color=color, lw=2.5)
    for name, color, _ in kinds:
        axis.plot([], [], "o", color=color, label=f"recipe {name}")
    axis.set_yticks(range(len(names)), [plain_text(label(n)) for n in names])
    axis.invert_yaxis()
    axis.set_xlabel("bits per byte of the validation text (less is better)")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
    return figure


def curves(plan: Plan, results: Results, label: Callable[[str], str]) -> str:
    """Validation against tokens seen: means over the seeds, bands of one deviation."""
    eras = {name: entry.recipes[0] for name, entry in plan.entries.items()}
    figure = new_figure(9.6, 4.4)
    axes = figure.subplots(1, 2, sharey=True)
    for axis, title, recipe_of in (
        (axes[0], "each with the recipe of its era", eras.get),
        (
            axes[1],
            f"all with the recipe {plan.bench.common}",
            lambda _: plan.bench.common,
        ),
    ):
        for number, name in enumerate(plan.entries):
            runs = [
                run
                for run in results.runs
                if (run.entry, run.recipe) == (name, recipe_of(name))
            ]
            if runs:
                color = LINES[number % len(LINES)]
                style = DASHES[number // len(LINES) % len(DASHES)]
                _curve(axis, runs, plain_text(label(name)), color, style)
        axis.set_title(plain_text(title, 60), fontsize="medium")
        axis.set_xlabel("tokens seen")
        axis.locator_params(axis="x", nbins=5)
        axis.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g}k")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("bits per byte")
    handles: dict[str, object] = {}
    for axis in axes:
        handles |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(
        handles.values(), handles.keys(), fontsize="small", loc="outside right upper"
    )
    return to_svg(figure)


def costs(rows: list[Row], common: str, label: Callable[[str], str]) -> str:
    """What a run took against what it reached."""
    figure = new_figure(7.6, 4.2)
    axis = figure.subplots()
    for recipe_is_common, color, name in (
        (False, LINES[0], "recipe of its era"),
        (True, LINES[1], f"recipe {common}"),
    ):
        chosen = [row for row in rows if (row.recipe == common) == recipe_is_common]
        axis.plot(
            [row.cpu_seconds for row in chosen],
            [row.bpb for row in chosen],
            "o",
            color=color,
            label=name,
        )
        for row in chosen:
            axis.annotate(
                plain_text(label(row.entry)),
                (row.cpu_seconds, row.bpb),
                (4, 3),
                textcoords="offset points",
                fontsize="x-small",
            )
    axis.margins(x=0.15, y=0.1)
    axis.set_xlabel("CPU-seconds of a run, all in")
    axis.set_ylabel("bits per byte")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
    return to_svg(figure)


def to_svg(figure) -> str:
    """The figure as an <svg> element; its letters stay text, in the page's font."""
    import matplotlib

    buffer = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": "bench"}
    with matplotlib.rc_context(settings):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return re.sub(
        r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S
    )


def _curve(axis, runs: list[Run], name: str, color: str, style: str) -> None:
    """Points that all of the runs have."""
    tables = [dict(run.curve) for run in runs]
    places = sorted(set.intersection(*(set(table) for table in tables)))
    means = [statistics.fmean(t[x] for t in tables) for x in places]
    axis.plot(places, means, style, color=color, label=name, marker="o", ms=3)
    if len(runs) > 1:
        spread = [statistics.stdev(t[x] for t in tables) for x in places]
        low = [m - s for m, s in zip(means, spread, strict=True)]
        high = [m + s for m, s in zip(means, spread, strict=True)]
        axis.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)
