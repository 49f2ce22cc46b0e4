"""Sentences on masks whose values cannot be classes: one for all masks alike."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .commands import mask_values_option
from .images import show
from .mask_values import MAX_VALUES, Value, format_value, format_values
from .pairs import some


MAX_TYPED = 8
"""A mapping of more values is not written into a sentence."""


class Odd(NamedTuple):
    """A mask with values that cannot be classes."""

    mask: Path
    counts: Mapping[Value, int]
    """Pixels of each of its values."""
    odd: Sequence[Value]


def blurred_faults(masks: Iterable[Odd]) -> list[str]:
    """Masks whose values look like blurred borders, or are too many for classes."""
    alike: dict[tuple[Value, ...], list[Odd]] = defaultdict(list)
    for mask in masks:
        alike[tuple(true_values(mask.counts, mask.odd))].append(mask)
    return [
        f"{show(group[0].mask)}: {_blurred(group[0], values)}{_others(group)}"
        for values, group in alike.items()
    ]


def unknown_faults(
    masks: Sequence[Odd], allowed: Sequence[Value], classes: Mapping[Value, str]
) -> list[str]:
    """Masks with values that `mask_values` does not name; `classes` would name all."""
    if not masks:
        return []
    counts = {value: masks[0].counts[value] for value in masks[0].odd}
    typed = (
        f", or name each, as in {mask_values_option(classes)}"
        if len(classes) <= MAX_TYPED
        else ""
    )
    return [
        f"{show(masks[0].mask)}: has the values {format_values(counts)}, which are no "
        f"class; mask_values and ignore allow {format_values(allowed)}; give train.py "
        "data.folder.mask_values={} to make every value found a class"
        f"{typed}{_others(masks)}"
    ]


def true_values(counts: Mapping[Value, int], odd: Sequence[Value]) -> list[Value]:
    """The 2 to 8 values that a blurred mask had, ascending; empty if that is unclear.

    A true value has 10 times the pixels of the median value and 0.2 % of all; what lies
    within a sixteenth of the range from it is JPEG noise. Both hold 60 % of the pixels.
    """
    dropped = set(odd)
    total, median = sum(counts.values()), statistics.median(counts.values())
    near = max(max(c) - min(c) for c in zip(*counts, strict=True)) // 16
    found: list[Value] = []
    covered = 0
    for value, pixels in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if any(_distance(value, other) <= near for other in found):
            covered += pixels
        elif value not in dropped and pixels >= max(0.002 * total, 10 * median):
            found.append(value)
            covered += pixels
    clear = 2 <= len(found) <= 8 and covered >= 0.6 * total
    return sorted(found) if clear else []


def _blurred(mask: Odd, values: Sequence[Value]) -> str:
    size = len(mask.counts)
    if_true = f"if all {size} are classes, list them in data.folder.mask_values"
    if not values:
        common = dict(sorted(mask.counts.items(), key=lambda item: -item[1])[:3])
        return (
            f"has {size} values, most often {format_values(common)}, too many for a "
            "mask with one value a class; is it a mask? Save masks as PNG without "
            f"smoothing or scaling; {if_true}"
        )
    *first, last = map(format_value, values)
    number = "two" if len(values) == 2 else len(values)
    tail = f"; {if_true}" if size <= MAX_VALUES else ""
    return (
        f"looks like a mask of the {number} values {'; '.join(first)} and {last} with "
        f"blurred borders ({size} values in all); save masks as PNG without smoothing "
        f"or scaling{tail}"
    )


def _others(masks: Sequence[Odd]) -> str:
    """`; and 9 more masks alike (b.png, c.png, d.png and 6 more)`."""
    if len(masks) == 1:
        return ""
    names = some((mask.mask.name for mask in masks[1:]), 3)
    plural = "s" if len(masks) > 2 else ""
    return f"; and {len(masks) - 1} more mask{plural} alike ({names})"


def _distance(a: Value, b: Value) -> int:
    return max(abs(x - y) for x, y in zip(a, b, strict=True))
