"""The learning rates that a sweep tried, in a table beside the file of the bench."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from ..utils.atomic import write_atomically
from ..utils.errors import InputError


class Tried(NamedTuple):
    entry: str
    recipe: str
    lr: float
    bpb: float
    """On a part of the training text, after a run of another seed than the bench's."""
    share: float
    """Of the tokens of a run of the bench, that this one was trained on."""


def rates_file(path: Path) -> Path:
    """Of the bench at `path`: configs/x.yaml has configs/x.rates.csv."""
    return path.with_suffix(".rates.csv")


def read_rates(path: Path) -> list[Tried]:
    """The rows; none where there is no file. InputError for another table."""
    if not path.exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [
                Tried(
                    row["entry"],
                    row["recipe"],
                    *(float(row[name]) for name in ("lr", "bpb", "share")),
                )
                for row in csv.DictReader(file)
            ]
    except (csv.Error, KeyError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: no table of entry,recipe,lr,bpb,share ({error})"
        ) from None


def write_rates(path: Path, tried: list[Tried]) -> None:
    """Replace the table, sorted."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Tried._fields)
    for row in sorted(tried):
        numbers = f"{row.lr:g}", f"{row.bpb:.4f}", f"{row.share:g}"
        writer.writerow([row.entry, row.recipe, *numbers])
    write_atomically(path, text.getvalue().encode())


def best_rate(tried: list[Tried], entry: str, recipe: str) -> float | None:
    """The rate of the lowest bits per byte; None where none was tried.

    Where runs of different length were made, the longest alone count.
    """
    mine = [row for row in tried if (row.entry, row.recipe) == (entry, recipe)]
    return min(mine, key=lambda row: (-row.share, row.bpb)).lr if mine else None
