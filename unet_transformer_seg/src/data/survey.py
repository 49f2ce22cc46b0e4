"""One pass over a folder of images and masks: what is there and all that is wrong."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..utils.errors import InputError
from .images import read_mask, read_pixels, show
from .mask_values import (
    MAX_BETWEEN,
    MAX_VALUES,
    Value,
    count_values,
    format_values,
    name_value,
    texture,
    to_classes,
    widen,
)
from .pairs import Pair, find_pairs
from .value_faults import Odd, blurred_faults, unknown_faults


CACHE_BYTES = 2 << 30
"""Decoded images and masks are kept in memory up to this, then read again on demand."""
MAX_CLASSES = 255
SPECKS = 0.1
"""Values that nowhere fill 3x3 pixels are noise if they share at most this."""


@dataclass(slots=True)
class Scan:
    """What one readable pair holds."""

    pair: Pair
    shape: tuple[int, ...]
    """Height, width and, in colour, 3."""
    dtype: str
    digests: tuple[str, str]
    """sha256 of the files of image and mask."""
    counts: Counter[Value]
    """Mask pixels of each value."""
    between: list[Value]
    """Mask values that look like blurred borders."""
    solid: list[Value]
    """Mask values that fill 3x3 pixels somewhere."""
    moments: np.ndarray
    """Sum and sum of squares of each channel in [0, 1]: 2 x channels, float64."""
    pixels: np.ndarray | None
    mask: np.ndarray | None
    """Both None where the cache is full."""

    @property
    def blurred(self) -> bool:
        """Whether the mask's values look like more than classes."""
        return len(self.between) > MAX_BETWEEN or len(self.counts) > MAX_VALUES


@dataclass(slots=True)
class Survey:
    """A whole folder: its readable pairs, and a sentence for each fault."""

    scans: list[Scan] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    values: dict[Value, int] = field(default_factory=dict)
    """Pixels of each value over all masks, ascending; grey as RGB if mixed."""
    classes: dict[Value, str] = field(default_factory=dict)
    """The value and name of class 0, 1, ..."""
    ignore: Value | None = None
    unclear: bool = False
    """Blurred masks are among the faults, so most values are no classes."""

    @property
    def channels(self) -> int:
        return 3 if any(len(scan.shape) == 3 for scan in self.scans) else 1

    def require_no_fault(self) -> None:
        """Raise InputError with the first fault and the number of the others."""
        if self.faults:
            more = len(self.faults) - 1
            tail = f" [{more} more: scripts/check_data.py lists all]" if more else ""
            raise InputError(self.faults[0] + tail)


def survey_folder(
    images: Path,
    masks: Path,
    suffix: str = "",
    named: Mapping[Value, str] | None = None,
    class_names: tuple[str, ...] = (),
    ignore: Value | None = None,
) -> Survey:
    """Read every pair once; never raises for bad data, but lists its faults.

    `named` fixes the classes by mask value; else they are the values found, in
    ascending order, named by `class_names`.
    """
    survey = Survey(ignore=ignore)
    pairs, survey.faults = find_pairs(images, masks, suffix)
    room = CACHE_BYTES
    for pair in pairs:
        scan = _scan(pair, survey.faults)
        if scan is None:
            continue
        room -= scan.pixels.nbytes + scan.mask.nbytes
        survey.scans.append(scan)
        if room < 0:
            scan.pixels = scan.mask = None
    given = [*(named or ()), *([ignore] if ignore else [])]
    found = [value for scan in survey.scans for value in scan.counts]
    width = max(map(len, [*given, *found]), default=1)
    total: Counter[Value] = Counter()
    for scan in survey.scans:
        total.update({widen(v, width): n for v, n in scan.counts.items()})
    survey.values = dict(sorted(total.items()))
    if not named:
        _refuse_blurred(survey, _blurred(survey))
    if ignore is not None:
        survey.ignore = widen(ignore, width)
    if survey.scans:
        _name_classes(survey, named, class_names)
    return survey


def classes_of(
    path: Path, mask: np.ndarray, values: Sequence[Value], ignore: Value | None
) -> np.ndarray:
    """`to_classes` whose InputError names the file."""
    try:
        return to_classes(mask, values, ignore)
    except InputError as error:
        raise InputError(f"{show(path)}: {error}") from None


def _scan(pair: Pair, faults: list[str]) -> Scan | None:
    """Read one pair; None and a fault or two where it is unusable."""
    found = []
    for path, read in ((pair.image, read_pixels), (pair.mask, read_mask)):
        try:
            found.append(read(path))
        except InputError as error:
            faults.append(str(error))
    if len(found) < 2:
        return None
    pixels, mask = found
    if pixels.shape[:2] != mask.shape[:2]:
        (h, w), (mask_h, mask_w) = pixels.shape[:2], mask.shape[:2]
        faults.append(
            f"{show(pair.image)}: is {w}x{h} (width x height) but its mask "
            f"{show(pair.mask)} is {mask_w}x{mask_h}; export the mask at the size of "
            "its image"
        )
        return None
    counts = count_values(mask)
    planes = pixels.reshape(pixels.shape[0] * pixels.shape[1], -1) / float(
        np.iinfo(pixels.dtype).max
    )
    return Scan(
        pair,
        pixels.shape,
        pixels.dtype.name,
        (_digest(pair.image), _digest(pair.mask)),
        counts,
        *texture(mask, counts),
        np.stack([planes.sum(0), (planes**2).sum(0)]),
        pixels,
        mask,
    )


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_blurred(survey: Survey, masks: list[Odd]) -> None:
    survey.faults += blurred_faults(masks)
    survey.unclear |= bool(masks)


def _blurred(survey: Survey) -> list[Odd]:
    """Masks with blurred borders, else those with values that are specks in all.

    Specks, as JPEG leaves them, are looked for only where there is no other fault.
    """
    masks = [Odd(s.pair.mask, s.counts, s.between) for s in survey.scans if s.blurred]
    if masks or survey.faults:
        return masks
    width = max(map(len, survey.values), default=1)
    solid = {widen(v, width) for scan in survey.scans for v in scan.solid}
    specks = {v: n for v, n in survey.values.items() if v not in solid}
    if len(specks) <= MAX_BETWEEN or sum(specks.values()) > SPECKS * sum(
        survey.values.values()
    ):
        return []
    return [
        Odd(scan.pair.mask, scan.counts, found)
        for scan in survey.scans
        if (found := [v for v in scan.counts if widen(v, width) in specks])
    ]


def _name_classes(
    survey: Survey, named: Mapping[Value, str] | None, class_names: tuple[str, ...]
) -> None:
    """Fill `survey.classes`, adding a fault where values and names do not fit."""
    if named:
        width = max(len(value) for value in survey.values)
        survey.classes = {widen(value, width): name for value, name in named.items()}
        _find_unknown(survey)
    else:
        values = [value for value in survey.values if value != survey.ignore]
        names = class_names or tuple(map(name_value, values))
        if len(names) != len(values):
            survey.faults.append(
                f"class_names has {len(names)} names, but the masks have {len(values)} "
                f"values: {format_values({v: survey.values[v] for v in values})}; name "
                "each, or set mask_values or ignore"
            )
        survey.classes = dict(zip(values, names, strict=False))
    if len(survey.values.keys() & survey.classes.keys()) < 2 and not survey.faults:
        survey.faults.append(
            f"the masks hold one class only: {format_values(survey.values)}; there is "
            "nothing to learn; are these the right masks?"
        )
    if len(survey.classes) > MAX_CLASSES and not survey.unclear:
        survey.faults.append(
            f"the masks hold {len(survey.classes)} values; at most {MAX_CLASSES} "
            "classes are possible"
        )


def _find_unknown(survey: Survey) -> None:
    """Faults for the masks with values that the configuration does not name."""
    allowed = [*survey.classes, *([survey.ignore] if survey.ignore else [])]
    width = max(len(value) for value in allowed)
    blurred, unknown = [], []
    for scan in survey.scans:
        counts = {widen(value, width): n for value, n in sorted(scan.counts.items())}
        if odd := [value for value in counts if value not in allowed]:
            masks = blurred if scan.blurred else unknown
            masks.append(Odd(scan.pair.mask, counts, odd))
    _refuse_blurred(survey, blurred)
    found = {v: name for v, name in survey.classes.items() if v in survey.values}
    found |= {v: name_value(v) for v in survey.values if v not in allowed}
    survey.faults += unknown_faults(unknown, allowed, found)
