"""Labelled texts from CSV (columns text, label) or JSONL ({"text": ..., "label": ...}).

Every fault is named with its file and line.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..utils.errors import InputError
from ..utils.seed import keyed_rng
from .text import read_text


class LabelledRows(NamedTuple):
    """One part of the data; `places` are file:line."""

    texts: list[str]
    labels: list[str]
    places: list[str]

    def choose(self, indices: np.ndarray) -> "LabelledRows":
        """These samples, in this order."""
        return LabelledRows(*([values[i] for i in indices] for values in self))


def read_labelled(path: str | Path) -> LabelledRows:
    """The rows of a .csv or .jsonl file; more columns are passed over."""
    path = Path(path)
    readers = {".csv": _csv_rows, ".jsonl": _json_rows}
    if path.suffix.lower() not in readers:
        raise InputError(
            f"{path}: ends in {path.suffix or 'nothing'}; labelled texts are read from "
            ".csv or .jsonl"
        )
    rows = list(readers[path.suffix.lower()](read_text(path), path))
    if not rows:
        raise InputError(f"{path}: has no rows; give at least one text with its label")
    return LabelledRows(*map(list, zip(*rows, strict=True)))


def class_names(labels: list[str]) -> tuple[str, ...]:
    """The different labels, numbers by size, others by alphabet; InputError for one."""
    names = sorted(set(labels))
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    if len(names) < 2:
        raise InputError(f"the only label is {names[0]!r}; two classes are needed")
    return tuple(names)


def class_numbers(labelled: LabelledRows, names: tuple[str, ...]) -> np.ndarray:
    """The class of each text, int64; InputError for a label that `names` lacks."""
    known = {name: number for number, name in enumerate(names)}
    for label, place in zip(labelled.labels, labelled.places, strict=True):
        if label not in known:
            raise InputError(
                f"{place}: the label {label!r} is none of the training labels "
                f"{', '.join(names)}"
            )
    return np.array([known[label] for label in labelled.labels], np.int64)


def hold_out(
    labelled: LabelledRows, share: float, seed: int
) -> tuple[LabelledRows, LabelledRows]:
    """The texts without and those in a part of `share` of each class.

    Each class is in both parts.
    """
    labels = np.array(labelled.labels)
    held = []
    for number, name in enumerate(class_names(labelled.labels)):
        members = keyed_rng(seed, number).permutation(np.flatnonzero(labels == name))
        if len(members) < 2:
            raise InputError(
                f"{labelled.places[members[0]]}: the only text labelled {name!r}, so "
                "none can be held out for validation; add another or drop this one"
            )
        count = min(max(1, round(share * len(members))), len(members) - 1)
        held.append(members[:count])
    chosen = np.zeros(len(labels), bool)
    chosen[np.concatenate(held)] = True
    kept, held_out = (np.flatnonzero(part) for part in (~chosen, chosen))
    return labelled.choose(kept), labelled.choose(held_out)


def survey(parts: dict[str, LabelledRows]) -> list[str]:
    """Lines for a person: texts of each class in each part, and texts in two parts."""
    lines = []
    for part, labelled in parts.items():
        counts = Counter(labelled.labels)
        told = ", ".join(f"{name} {counts[name]}" for name in sorted(counts))
        lines.append(f"{part}: {len(labelled.texts)} texts ({told})")
    for (first, second), places in shared_texts(parts).items():
        told = f"{len(places)} texts of {second} are in {first} too"
        lines.append(f"{told}; the first: {places[0]}")
    return lines


def shared_texts(parts: dict[str, LabelledRows]) -> dict[tuple[str, str], list[str]]:
    """For two parts, places of the texts of the second that the first has too."""
    names, found = list(parts), {}
    for number, first in enumerate(names):
        known = set(parts[first].texts)
        for second in names[number + 1 :]:
            rows = zip(parts[second].texts, parts[second].places, strict=True)
            places = [place for text, place in rows if text in known]
            if places:
                found[first, second] = places
    return found


Row = tuple[str, str, str]
"""Text, label, place."""


def _csv_rows(text: str, path: Path) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    line = 1
    try:
        for row in reader:
            place, line = f"{path}:{line}", reader.line_num + 1
            if not header:
                header = [name.strip().lower() for name in row]
                _check_header(header, place)
            elif row:
                if len(row) != len(header):
                    raise InputError(
                        f"{place}: {len(row)} fields, the header has {len(header)}; "
                        "put texts with commas between double quotes"
                    )
                values = dict(zip(header, row, strict=True))
                yield _checked(values["text"], values["label"], place)
    except csv.Error as error:
        raise InputError(f"{path}:{line}: is not CSV ({error})") from None


def _check_header(header: list[str], place: str) -> None:
    for name in ("text", "label"):
        if header.count(name) != 1:
            raise InputError(
                f"{place}: the header is {','.join(header)!r}; it needs one column "
                f"{name!r}, as in text,label"
            )


def _json_rows(text: str, path: Path) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: is not JSON ({error})") from None
        if not isinstance(row, dict) or not {"text", "label"} <= row.keys():
            raise InputError(f'{place}: must be {{"text": ..., "label": ...}}')
        if type(row["label"]) is int:
            row["label"] = str(row["label"])
        yield _checked(row["text"], row["label"], place)


def _checked(text: object, label: object, place: str) -> Row:
    for name, value in (("text", text), ("label", label)):
        if not isinstance(value, str):
            raise InputError(f"{place}: the {name} is {value!r}; it must be a string")
        if not value.strip():
            raise InputError(f"{place}: the {name} is empty; fill it or drop the line")
    return text, label.strip(), place
