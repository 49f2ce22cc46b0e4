"""CSV tables: read strictly, standardised by the training rows, split fairly.

Every refusal names the file and the line.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..utils.errors import InputError
from .text import read_text


WHOLE = re.compile(r"-?[0-9]+")


class Table(NamedTuple):
    """A CSV file in numbers."""

    features: np.ndarray
    """float64 (rows, columns)."""
    labels: np.ndarray
    """int64, the place in `classes`; empty where there is no target."""
    columns: list[str]
    classes: list[str]


def read_table(
    path: str | Path, target: str | None, columns: Sequence[str] | None = None
) -> Table:
    """A CSV file with a header; the column `target` holds the class of each row.

    Features are `columns`, or all but the target. Classes are sorted, as numbers where
    all are whole numbers. Raises InputError for a missing value, what is no finite
    number, a row of another length, a repeated or an unknown column.
    """
    path = Path(path)
    rows = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    values, names = [], []
    try:
        header = [name.strip() for name in next(rows, [])]
        _check_header(path, header, target, columns)
        columns = [n for n in header if n != target] if columns is None else columns
        places = [header.index(name) for name in columns]
        for row in rows:
            if not row:
                continue
            where = f"{path}:{rows.line_num}"
            if len(row) != len(header):
                raise InputError(
                    f"{where}: has {len(row)} values, but the header {len(header)} "
                    "columns"
                )
            values.append([_number(where, header[i], row[i]) for i in places])
            if target is not None:
                names.append(_label(where, target, row[header.index(target)].strip()))
    except csv.Error as error:
        raise InputError(f"{path}:{rows.line_num}: is not CSV ({error})") from None
    if not values:
        raise InputError(f"{path}: has a header but no rows")
    classes = sort_classes(names)
    codes = {name: code for code, name in enumerate(classes)}
    labels = np.array([codes[name] for name in names], np.int64)
    return Table(np.array(values, np.float64), labels, list(columns), classes)


def sort_classes(names: Sequence[str]) -> list[str]:
    """The different names, in the order of numbers where all are whole numbers."""
    whole = all(WHOLE.fullmatch(name) for name in names)
    return sorted(set(names), key=(lambda name: (int(name), name)) if whole else None)


def fit_standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (of the population) of each column; give the training rows.

    The deviation of a constant column is 1, so that it can be divided by.
    """
    mean, std = features.mean(0), features.std(0)
    constant = std <= 1e-12 * np.maximum(np.abs(mean), 1e-300)
    return mean, np.where(constant, 1.0, std)


def standardise(
    features: np.ndarray, mean: Sequence[float], std: Sequence[float]
) -> np.ndarray:
    """(features - mean) / std as float32, computed in float64."""
    mean, std = np.asarray(mean, np.float64), np.asarray(std, np.float64)
    return ((features - mean) / std).astype(np.float32)


def stratified_folds(labels: np.ndarray, folds: int, seed: int) -> list[np.ndarray]:
    """Disjoint ascending places, together all rows.

    The rows of each class are dealt out in a random order, each class beginning where
    the last one ended: no class and no fold differs by more than one between folds.
    """
    if not 2 <= folds <= len(labels):
        raise ValueError(
            f"stratified_folds: folds is {folds}; 2 to {len(labels)}, the rows"
        )
    rng = np.random.default_rng([seed, FOLD_KEY])
    order = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    fold_of = np.empty(len(labels), np.int64)
    fold_of[np.concatenate(order)] = np.arange(len(labels)) % folds
    return [np.flatnonzero(fold_of == fold) for fold in range(folds)]


FOLD_KEY = 0xF01D  # no other use of the seed draws these numbers


def _check_header(
    path: Path, header: list[str], target: str | None, columns: Sequence[str] | None
) -> None:
    if not header or not all(name and name.isprintable() for name in header):
        raise InputError(
            f"{path}:1: needs a header with a name for each column, has {header}"
        )
    double = next((name for name in header if header.count(name) > 1), None)
    if double is not None:
        raise InputError(f"{path}:1: has the column {double!r} twice; rename one")
    if all(_is_float(name) for name in header):
        raise InputError(
            f"{path}:1: holds only numbers; the first line must name the columns"
        )
    wanted = [target] if target is not None else []
    for name in [*wanted, *(columns or [])]:
        if name not in header:
            hint = " (data.target)" if name == target else ""
            raise InputError(
                f"{path}:1: has no column {name!r}{hint}; it has {', '.join(header)}"
            )
    if header == wanted:
        raise InputError(f"{path}:1: has no column beside the target {target!r}")


def _number(where: str, column: str, text: str) -> float:
    if not text.strip():
        raise InputError(
            f"{where}: {column} is missing; fill the gap or leave the row out"
        )
    number = float(text) if _is_float(text) else math.nan
    if not math.isfinite(number):
        raise InputError(
            f"{where}: {column} is {text!r}, not a finite number; correct it or leave "
            "the row out"
        )
    return number


def _label(where: str, column: str, name: str) -> str:
    if not name:
        raise InputError(f"{where}: {column} is missing; every row needs a class")
    if _is_float(name) and not WHOLE.fullmatch(name):
        raise InputError(
            f"{where}: {column} is {name!r}, a measured number; a class is a whole "
            "number or a name"
        )
    return name


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # Python reads 1_000, other programs do not
