"""Errors of an evaluation in one picture: whose, how long, which, how surely."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.plots import LINES, new_figure, plain_text, save_figure


UNITS = {"char": "characters", "word": "words", "bpe": "pieces"}
WRITTEN = 16
"""Tokens of a confusion matrix whose cells have room for a number."""


def draw_errors(result: dict[str, Any], path: Path, title: str) -> None:
    """A panel each for length, speaker, confusions and calibration, where there is one.

    Confusions and calibration are of the first method.
    """
    methods = result["methods"]
    name, first = next(iter(methods.items()))
    unit = UNITS[result["unit"]]
    panels = [("by_length", f"{unit} of the reference")]
    if first["by_speaker"]:
        panels.append(("by_speaker", "speaker"))
    matrix = first.get("confusion_table")
    sure = any(b["tokens"] for b in first["calibration_bins"])
    count = len(panels) + bool(matrix) + sure
    columns = count if count < 4 else 2
    figure = new_figure(5.4 * columns, 4.2 * -(-count // columns))
    axes = iter(figure.subplots(-(-count // columns), columns, squeeze=False).flat)
    for key, label in panels:
        _draw_groups(next(axes), methods, key, label)
    if matrix:
        _draw_confusions(next(axes), matrix["tokens"], matrix["times"])
    if sure:
        _draw_calibration(next(axes), first)
    for axis in axes:
        axis.set_visible(False)
    rate = first["tokens"]["rate"]
    shown = "no tokens" if rate != rate else f"{100 * rate:.2f} % errors"
    place = f"{title} · {result['split']} · {name}: {shown}"
    figure.suptitle(plain_text(place, 90))
    save_figure(figure, path)


def _draw_groups(axis, methods: dict[str, Any], key: str, label: str) -> None:
    """Bars of the error rate with their interval, a colour a method."""
    names = [group["name"] for group in next(iter(methods.values()))[key]]
    places, width = np.arange(len(names)), 0.8 / len(methods)
    for number, (method, one) in enumerate(methods.items()):
        groups = one[key]
        rates = np.array([_percent(group["rate"]) for group in groups])
        ends = np.array([[_percent(e) for e in g["interval_95"]] for g in groups])
        spread = np.abs(ends.T - rates) if len(groups) else np.zeros((2, 0))
        axis.bar(
            places + (number - (len(methods) - 1) / 2) * width,
            rates,
            0.9 * width,
            yerr=spread,
            label=method,
            color=LINES[number % len(LINES)],
            error_kw={"elinewidth": 0.8, "ecolor": "0.3"},
        )
    shown = [plain_text(name or "-", 12) for name in names]
    axis.set_xticks(places, shown, rotation=0 if len(names) <= 8 else 60)
    axis.set_xlabel(label)
    axis.set_ylabel("errors, % of the tokens")
    axis.margins(y=0.2)  # room for the legend
    axis.set_ylim(bottom=0)
    axis.grid(axis="y", alpha=0.3)
    if len(methods) > 1:
        axis.legend(fontsize="small")


def _draw_confusions(axis, tokens: Sequence[str | None], times: list) -> None:
    """Rows are what was said; what is right is left out of the colours."""
    counts = np.array(times, dtype=float)
    wrong = counts.copy()
    np.fill_diagonal(wrong, np.nan)
    most = np.nanmax(wrong) if wrong.size > 1 else 0
    axis.imshow(wrong, cmap="Blues", vmin=0, vmax=max(1, most), aspect="auto")
    names = [plain_text(_shown(token), 8) for token in tokens]
    places = range(len(tokens))
    upright = max(map(len, names)) > 3
    axis.set_xticks(places, names, rotation=90 * upright, fontsize=7)
    axis.set_yticks(places, names, fontsize=7)
    axis.set_xlabel("heard (* nothing)")
    axis.set_ylabel("said (* nothing)")
    if len(tokens) > WRITTEN + 1:
        return
    for row in places:
        for column in places:
            if counts[row, column]:
                dark = row != column and counts[row, column] > 0.6 * most
                axis.text(
                    column, row, f"{counts[row, column]:.0f}", fontsize=6,
                    ha="center", va="center", color="white" if dark else "0.2",
                )  # fmt: skip


def _draw_calibration(axis, one: dict[str, Any]) -> None:
    """Share right against confidence; a dot's area is the number of its tokens."""
    bins = [b for b in one["calibration_bins"] if b["tokens"]]
    most = max(b["tokens"] for b in bins)
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--")
    axis.plot(
        [b["confidence"] for b in bins],
        [b["right"] for b in bins],
        color=LINES[0],
        linewidth=1,
    )
    axis.scatter(
        [b["confidence"] for b in bins],
        [b["right"] for b in bins],
        [10 + 190 * b["tokens"] / most for b in bins],
        color=LINES[0],
    )
    axis.set_xlim(-0.03, 1.05)
    axis.set_ylim(-0.03, 1.05)
    axis.set_xlabel("confidence of a token that was heard")
    axis.set_ylabel("share that is right")
    apart = 100 * one["calibration_error"]
    title = f"confidence against accuracy, {apart:.1f} points apart"
    axis.set_title(title, fontsize=9)
    axis.grid(alpha=0.3)


def _percent(share: float) -> float:
    """A rate of an empty reference is drawn as nothing."""
    return 100 * share if abs(share) < float("inf") else 0.0


def _shown(token: str | None) -> str:
    return {None: "*", " ": "space"}.get(token, str(token))
