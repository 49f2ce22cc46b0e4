# pattern: utils/plots.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/plots.py --from <sub-project>
"""Figures drawn without a display, and the training curves of a run.

matplotlib is imported inside the functions: it costs half a second that `--help` saves.
"""

import csv
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
OKABE_ITO = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE)
"""Eight colours that people of every colour vision tell apart (Okabe & Ito 2008)."""

LINES = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK, YELLOW)


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches, that draws into memory without global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: "Figure", path: Path, dpi: int = 120) -> None:
    """Write `figure` as PNG; a reader sees the old file or the whole new one."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    write_bytes(path, buffer.getvalue())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file at `path` in one step; a reader never sees half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # mkstemp gives 0600, which a colleague cannot read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def plain_text(text: str, limit: int = 32) -> str:
    """`text` for a title: one line, known glyphs, `limit` characters, no mathtext."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    shown = "".join(
        c if c.isprintable() and font.get_char_index(ord(c)) else "?" for c in text
    )
    if len(shown) > limit:
        half = (limit - 1) // 2
        shown = f"{shown[:half]}…{shown[-half:]}"
    return shown.replace("$", r"\$")


def curves(metrics_csv: Path, path: Path, title: str = "") -> None:
    """Draw losses, metrics and the learning rate of `metrics.csv` against the step.

    Columns: step, epoch, split, loss, lr, grad_norm and any metrics; a cell may
    be empty. `iou/cell` and `iou/membrane` share a panel.
    """
    from matplotlib.ticker import MaxNLocator

    with open(metrics_csv, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if _number(row.get("step"))]
    fixed = ("step", "epoch", "split", "lr", "grad_norm")
    names = [name for name in (rows[0] if rows else {}) if name and name not in fixed]
    panels: dict[str, list[str]] = {}
    for name in [*names, "lr"]:
        if any(_number(row.get(name)) is not None for row in rows):
            panels.setdefault(name.split("/")[0], []).append(name)
    columns = min(3, max(1, len(panels)))
    lines = -(-max(1, len(panels)) // columns)
    figure = new_figure(4.4 * columns, 3.2 * lines)
    axes = figure.subplots(lines, columns, squeeze=False).flatten()
    for axis, (panel, members) in zip(axes, panels.items(), strict=False):
        _draw_panel(axis, panel, members, rows)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.set_xlim(0, 1.04 * max(1.0, *(_number(row["step"]) for row in rows)))
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    if not panels:
        axes[0].set_visible(True)
        axes[0].set_title("no finite values recorded")
    if title:
        figure.suptitle(plain_text(title, 80))
    save_figure(figure, path)


def _draw_panel(axis: "Axes", panel: str, members: list[str], rows: list[dict]) -> None:
    """Split by colour where the panel has one column; else column by colour.

    Then the splits differ by their dashes, where there is more than one.
    """
    every = sorted({row.get("split") or "" for row in rows}, key=_split_order)
    there = {
        row.get("split") or ""
        for row in rows
        if any(_number(row.get(member)) is not None for member in members)
    }
    splits = [split for split in every if split in there]
    styles = dict(zip(splits, ("-", "--", ":", "-.") * len(splits), strict=False))
    shown: list[float] = []
    for number, member in enumerate(members):
        for split in splits:
            points = [
                (_number(row["step"]), value)
                for row in rows
                if (row.get("split") or "") == split
                and (value := _number(row.get(member))) is not None
            ]
            if not points:
                continue
            shown += [value for _, value in points]
            alone = len(members) == 1
            axis.plot(
                *zip(*points, strict=True),
                color=LINES[(every.index(split) if alone else number) % len(LINES)],
                linestyle="-" if alone else styles[split],
                label=f"{split} {'' if alone else member.rpartition('/')[2]}".strip(),
                marker="o" if len(points) <= 40 else "",
                markersize=3,
            )
    axis.set_title(plain_text(panel))
    axis.set_xlabel("step")
    axis.set_ylim(_flat_range(shown))
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize="small")


def _flat_range(values: list[float]) -> tuple[float, float] | tuple[None, None]:
    """Limits from zero for a line without height; else None, left to matplotlib."""
    low, high = min(values), max(values)
    if high - low > 1e-4 * max(abs(low), abs(high)):
        return None, None
    if high == 0:
        return -1.0, 1.0
    far = 1.05 if 0.5 < high <= 1 else 2 * high  # a share ends at one
    return min(0.0, far), max(0.0, far)


def _split_order(split: str) -> tuple[int, str]:
    order = {"train": 0, "val": 1, "test": 2}
    return order.get(split, 3), split


def _number(cell: str | None) -> float | None:
    """The finite number in a cell of the table, or None."""
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
