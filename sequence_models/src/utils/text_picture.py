"""Text as a picture, each piece coloured by a number."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .plots import ORANGE, new_figure, plain_text, save_figure


COLUMNS = 96
HEAD, FOOT = 0.6, 0.1  # inches


class Piece(NamedTuple):
    text: str
    surprise: float = 0.0
    """0: no colour, 1: the full colour; in between its share."""


def draw_text(
    paragraphs: Sequence[Sequence[Piece]], path: Path, title: str, legend: str
) -> None:
    """Each paragraph on lines of its own, in letters of one width, wrapped."""
    lines = [line for pieces in paragraphs for line in wrap(pieces)]
    rows = 0.19 * len(lines)  # inches
    height = rows + HEAD + FOOT
    figure = new_figure(COLUMNS * 0.088, height)
    figure.set_layout_engine("none")  # a grid of letters, placed by hand
    axis = figure.add_axes((0.01, FOOT / height, 0.98, rows / height))
    axis.set_axis_off()
    axis.set_xlim(0, COLUMNS)
    axis.set_ylim(len(lines), 0)
    for row, line in enumerate(lines):
        column = 0
        for text, surprise in line:
            if surprise > 0:
                axis.axvspan(
                    column,
                    column + len(text),
                    1 - (row + 1) / len(lines),
                    1 - row / len(lines),
                    facecolor=ORANGE,
                    alpha=min(surprise, 1.0),
                    linewidth=0,
                )
            for offset, letter in enumerate(text):
                axis.text(
                    column + offset + 0.5,
                    row + 0.5,
                    plain_text(letter),
                    family="monospace",
                    size=8.5,
                    ha="center",
                    va="center",
                )
            column += len(text)
    figure.text(0.01, 1 - 0.2 / height, plain_text(title, 110), size=9)
    figure.text(0.01, 1 - 0.42 / height, plain_text(legend, 140), size=7.5)
    save_figure(figure, path)


def wrap(pieces: Sequence[Piece], columns: int = COLUMNS) -> list[list[Piece]]:
    """Lines of at most `columns` letters; a newline ends one, and is shown as ↵.

    Characters that no font shows stand as a middle dot.
    """
    lines: list[list[Piece]] = [[]]
    used = 0
    for text, surprise in pieces:
        for letter in text:
            if used == columns:
                lines.append([])
                used = 0
            shown = "↵" if letter == "\n" else letter
            shown = shown if shown.isprintable() else "·"
            last = lines[-1][-1] if lines[-1] else None
            if last and last.surprise == surprise and len(text) > 1:
                lines[-1][-1] = Piece(last.text + shown, surprise)
            else:
                lines[-1].append(Piece(shown, surprise))
            used += 1
            if letter == "\n":
                lines.append([])
                used = 0
    return lines if lines[-1] or len(lines) == 1 else lines[:-1]
