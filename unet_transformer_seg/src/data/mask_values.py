"""From the values in mask files to classes 0..C-1, and back, bit for bit."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from ..utils.errors import InputError
from .info import IGNORE_INDEX, DataInfo


Value = tuple[int, ...]
"""What a class looks like in a mask file: `(v,)` grey or `(r, g, b)`."""
MAX_VALUES = 32
"""More values than this in one mask mean that it is not a mask of classes."""
MAX_BETWEEN = 2
"""More values than this that only lie between others mean blurred borders."""


def count_values(mask: np.ndarray) -> Counter[Value]:
    """How many pixels of a mask (HW, or HWC in RGB) have each value."""
    codes = _codes(mask)
    if mask.ndim == 2 and codes.max(initial=0) < 65536:
        table = np.bincount(codes.ravel())  # ten times as fast as sorting
        codes = np.flatnonzero(table)
        pixels = table[codes]
    else:
        codes, pixels = np.unique(codes, return_counts=True)
    width = 1 if mask.ndim == 2 else 3
    values = (_value(int(code), width) for code in codes)
    return Counter(dict(zip(values, pixels.tolist(), strict=True)))


def widen(value: Value, width: int) -> Value:
    """A grey value as RGB where other masks are coded in RGB."""
    return value * 3 if len(value) < width else value


def texture(
    mask: np.ndarray, counts: Mapping[Value, int]
) -> tuple[list[Value], list[Value]]:
    """Values that look like blurred borders, and values that fill 3x3 pixels somewhere.

    A value looks blurred where 95 % of its pixels lie strictly between lowest and
    highest of their 8 neighbours, as after resizing. Both lists are empty where there
    are more than MAX_VALUES, too many to be classes.
    """
    if len(counts) <= 2:
        return [], sorted(counts)
    if len(counts) > MAX_VALUES:
        return [], []
    planes = mask.astype(np.int64).reshape(*mask.shape[:2], -1)
    padded = np.pad(planes, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = mask.shape[:2]
    around = [
        padded[y : y + height, x : x + width]
        for y in range(3)
        for x in range(3)
        if (y, x) != (1, 1)
    ]
    low, high = np.minimum.reduce(around), np.maximum.reduce(around)
    inside = ((low <= planes) & (planes <= high)).all(-1)
    between = inside & ((low < planes) & (planes < high)).any(-1)
    filled = inside & (low == high).all(-1)
    found = count_values(mask[between][None]) if between.any() else Counter()
    solid = count_values(mask[filled][None]) if filled.any() else Counter()
    blurred = sorted(v for v, pixels in found.items() if pixels >= 0.95 * counts[v])
    return blurred, sorted(solid)


def parse_mask_values(config: Mapping[str, str]) -> dict[Value, str]:
    """`{"0": "ground", "255,0,0": "road"}` as values and class names, in that order.

    Raises ValueError that begins with `mask_values`, for the loader to add file and
    line.
    """
    parsed: dict[Value, str] = {}
    for key, name in config.items():
        parts = key.replace(" ", "").strip("()[]").split(",")
        if len(parts) not in (1, 3) or not all(
            p.isdecimal() and p.isascii() for p in parts
        ):
            raise ValueError(
                f"mask_values has the key {key!r}; write a grey value such as 255 or a "
                "colour such as 255,0,0"
            )
        parsed[tuple(int(p) for p in parts)] = name
    if len(set(parsed.values())) < len(config):
        raise ValueError(
            f"mask_values names a class or a value twice in {dict(config)}; each class "
            "has one value, so that masks can be written back"
        )
    if len({len(value) for value in parsed}) > 1:
        raise ValueError(f"mask_values mixes grey values and colours in {dict(config)}")
    return parsed


def to_classes(
    mask: np.ndarray, values: Sequence[Value], ignore: Value | None = None
) -> np.ndarray:
    """The class of each pixel as uint8, IGNORE_INDEX where it has the value `ignore`.

    Raises InputError that lists the values that are no class, without a file's name.
    """
    width = len(values[0]) if values else 1
    if mask.ndim == 2 and width == 3:
        mask = np.repeat(mask[..., None], 3, axis=-1)
    if mask.ndim == 3 and width == 1:
        raise InputError("is coded in RGB, but the classes are grey values")
    codes = _codes(mask)
    known = [_code(value) for value in values]
    classes = list(range(len(values)))
    if ignore is not None:
        known, classes = [*known, _code(widen(ignore, width))], [*classes, IGNORE_INDEX]
    order = np.argsort(known)
    known, classes = np.array(known)[order], np.array(classes, np.uint8)[order]
    place = np.searchsorted(known, codes).clip(max=len(known) - 1)
    if (unknown := known[place] != codes).any():
        counts = count_values(mask[unknown][None])
        raise InputError(
            f"has the values {format_values(counts)}, which are no class; allowed are "
            f"{format_values([*values, *([ignore] if ignore else [])])}"
        )
    return classes[place]


def restore_mask(mask: Tensor | np.ndarray, info: DataInfo) -> np.ndarray:
    """Classes (HW) as the values of the data's own masks: HW, or HWC if coded in RGB.

    IGNORE_INDEX becomes the ignore value. uint8, or uint16 where a value exceeds 255.
    """
    classes = np.asarray(mask)
    width = len(info.mask_values[0])
    table = np.zeros((IGNORE_INDEX + 1, width), np.int64)
    table[: len(info.mask_values)] = info.mask_values
    if info.ignore_value is not None:
        table[IGNORE_INDEX] = widen(info.ignore_value, width)
    elif (classes == IGNORE_INDEX).any():
        raise ValueError(
            "the mask has ignored pixels, but the data has no ignore value"
        )
    if classes.min(initial=0) < 0 or (
        classes[classes != IGNORE_INDEX].max(initial=0) >= len(info.mask_values)
    ):
        raise ValueError(
            f"the mask holds classes {np.unique(classes).tolist()}; there are "
            f"{len(info.mask_values)}"
        )
    if table.max() > 65535:
        raise ValueError(f"mask value {table.max()} does not fit a 16-bit PNG")
    restored = table.astype(np.uint8 if table.max() < 256 else np.uint16)[classes]
    return restored[..., 0] if width == 1 else restored


def format_value(value: Value) -> str:
    """`255` or `255,0,0`."""
    return ",".join(map(str, value))


def name_value(value: Value) -> str:
    """What a class is called that nobody has named: `value_255`, `value_255_0_0`."""
    return f"value_{'_'.join(map(str, value))}"


def format_values(values: Sequence[Value] | Mapping[Value, int], limit: int = 8) -> str:
    """A few values for a message, with their pixels where they are counted."""
    shown = [
        format_value(v)
        + (f" ({values[v]:,} px)" if isinstance(values, Mapping) else "")
        for v in list(values)[:limit]
    ]
    more = f" and {len(values) - limit} more" if len(values) > limit else ""
    return "; ".join(shown) + more


def _codes(mask: np.ndarray) -> np.ndarray:
    """One integer a pixel."""
    if mask.ndim == 2:
        return mask.astype(np.int64)
    return mask.astype(np.int64) @ np.array([65536, 256, 1])


def _code(value: Value) -> int:
    return value[0] if len(value) == 1 else value[0] * 65536 + value[1] * 256 + value[2]


def _value(code: int, width: int) -> Value:
    return (code,) if width == 1 else (code >> 16, code >> 8 & 255, code & 255)
