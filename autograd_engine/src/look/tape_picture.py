"""The memory tape as a picture, and checkpointing before and after.

python -m src.look.tape_picture            # docs/pictures/memory_tape.png
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..engine.recompute import checkpoint
from ..engine.tensor import Tensor, tensor
from ..utils.plots import BLUE, GREEN, ORANGE, VERMILLION, new_figure, save_figure
from .tape import Span, Tape


KINDS = {"kept for the backward": BLUE, "not kept": GREEN, "gradients": ORANGE}


def draw_tapes(tapes: dict[str, Tape], path: str | Path) -> None:
    """A column for each tape: its arrays as bars over time, and the bytes alive.

    The columns share the scale of bytes, so that before and after can be compared.
    """
    if not tapes or not all(tape.spans for tape in tapes.values()):
        raise ValueError("draw_tapes: a tape has no array on it; run something in it")
    figure = new_figure(5.2 * len(tapes) + 0.6, 6.4)
    axes = figure.subplots(2, len(tapes), squeeze=False, height_ratios=[2, 1])
    unit, name = _unit(max(tape.peak for tape in tapes.values()))
    highest = 1.15 * max(tape.peak for tape in tapes.values()) / unit
    for column, (title, tape) in enumerate(tapes.items()):
        _bars(axes[0, column], tape)
        axes[0, column].set_title(f"{title}: peak {tape.peak / unit:.3g} {name}")
        _curve(axes[1, column], tape, unit, highest)
    axes[0, 0].set_ylabel("arrays, oldest at the top")
    axes[1, 0].set_ylabel(f"{name} alive")
    labels = [axes[0, 0].barh([0], [0], color=c, label=k) for k, c in KINDS.items()]
    figure.legend(handles=labels, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, Path(path))


def _bars(axis, tape: Tape) -> None:
    """One bar a span; the thickness tells the size beside the largest."""
    largest = max(span.bytes for span in tape.spans)
    for row, span in enumerate(tape.spans):
        end = tape.time + 1 if span.died is None else max(span.died, span.born + 0.6)
        axis.barh(
            row,
            end - span.born,
            left=span.born,
            height=0.15 + 0.8 * span.bytes / largest,
            color=KINDS[_kind(span)],
        )
    axis.invert_yaxis()
    axis.set_xlim(0, tape.time + 1)
    _mark_notes(axis, tape)


def _curve(axis, tape: Tape, unit: float, highest: float) -> None:
    times, totals = zip((0, 0), *tape.totals, strict=True)
    sizes = np.array(totals) / unit
    axis.fill_between(times, sizes, step="post", color=BLUE, alpha=0.25)
    axis.step(times, sizes, where="post", color=BLUE, linewidth=1.2)
    top = int(sizes.argmax())
    axis.plot(times[top], sizes[top], "v", color=VERMILLION)
    axis.set_ylim(0, highest)
    axis.set_xlim(0, tape.time + 1)
    axis.set_xlabel("arrays made so far")
    _mark_notes(axis, tape)


def _mark_notes(axis, tape: Tape) -> None:
    for time, text in tape.notes[1:]:
        axis.axvline(time + 0.5, color="#5D6D7E", linewidth=0.8, linestyle=":")
        axis.annotate(
            text,
            (time + 0.5, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -11),
            textcoords="offset points",
            fontsize="small",
            color="#5D6D7E",
        )


def _kind(span: Span) -> str:
    if "gradient" in span.maker:
        return "gradients"
    return "kept for the backward" if span.holders else "not kept"


def _unit(size: int) -> tuple[float, str]:
    for power, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            return float(1 << power), name
    return 1.0, "bytes"


def example(save: bool, blocks: int = 4, layers: int = 3) -> Tape:
    """Forward and backward of a tanh network, its blocks checkpointed if `save`."""
    rng = np.random.default_rng(0)
    shape = (blocks, layers, 64, 64)
    weights = [
        [tensor(w, requires_grad=True) for w in part]
        for part in rng.normal(size=shape) / 8
    ]

    def block(x: Tensor, *parts: Tensor) -> Tensor:
        for w in parts:
            x = (x @ w).tanh()
        return x

    run: Callable = checkpoint if save else lambda fn, *args: fn(*args)
    x = tensor(rng.normal(size=(512, 64)))
    with Tape() as tape:
        for parts in weights:
            x = run(block, x, *parts)
        loss = (x * x).mean()
        tape.note("backward")
        del x  # as it is in a model: only the graph holds it
        loss.backward()
    return tape


def main() -> int:
    """Print the tape of the example and draw it before and after checkpointing."""
    tapes = {"plain": example(False), "checkpoint": example(True)}
    for title, tape in tapes.items():
        print(f"{title}\n{tape.table(8)}\n")
    path = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "memory_tape.png"
    draw_tapes(tapes, path)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
