"""What labels must be, whichever file they come from: 0, 1, 2... without a gap."""

from collections.abc import Sequence

import numpy as np

from ..utils.errors import InputError
from .names import show


def count_classes(where: str, labels: np.ndarray) -> tuple[str, ...]:
    """Names "0", "1"... up to the highest label; a gap is more likely a fault."""
    present = np.unique(labels)
    check_range(where, labels, None)
    gaps = np.flatnonzero(present != np.arange(len(present)))
    if len(gaps):
        raise InputError(
            f"{where}: has labels up to {present[-1]} but none is {gaps[0]}; labels "
            "count the classes from 0 (name all classes in data.class_names if some "
            "have no image)"
        )
    return tuple(str(label) for label in present)


def check_range(where: str, labels: np.ndarray, classes: int | None) -> None:
    """Raise InputError with the first label below 0 or not below `classes`."""
    most = np.iinfo(np.int64).max if classes is None else classes - 1
    wrong = np.flatnonzero((labels < 0) | (labels > most))
    if len(wrong):
        allowed = "classes count from 0"
        if classes is not None:
            allowed = f"there are {classes} classes, 0 to {classes - 1}"
        raise InputError(
            f"{where}: label {wrong[0]} is {labels[wrong[0]]}, but {allowed}"
        )


def check_names(where: str, names: Sequence[str]) -> None:
    """Raise InputError unless there are two classes or more, each with its own name."""
    if len(names) < 2:
        found = ", ".join(map(show, names)) or "none"
        raise InputError(f"{where}: has one class ({found}); a classifier needs two")
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen or not name.strip():
            shown = f"as {show(name)}, which another has" if name.strip() else "with ''"
            raise InputError(
                f"{where}: class {number} is named {shown}; give each class a name of "
                "its own"
            )
        seen.add(name)
