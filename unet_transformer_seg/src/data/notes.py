"""What is legal in a data set but likely to disappoint: leaks, blur, rare classes."""

import math
from collections import defaultdict

from .mask_values import format_value, widen
from .pairs import some
from .survey import Scan, Survey


RARE = 0.01
"""A class with a smaller share of the pixels is called rare."""
MAX_ALIKE = 4
"""Notes of one kind on single classes."""


def find_notes(survey: Survey, splits: dict[str, list[int]]) -> list[str]:
    """A sentence for each thing worth knowing before training."""
    return [
        *_note_sizes(survey.scans),
        *_note_duplicates(survey.scans, splits),
        *_note_borders(survey.scans),
        *_note_coding(survey),
        *_note_classes(survey, splits),
    ]


def _note_sizes(scans: list[Scan]) -> list[str]:
    sizes = {scan.shape[:2] for scan in scans}
    if len(sizes) < 2:
        return []
    low = min(min(size) for size in sizes)
    return [
        f"images have {len(sizes)} sizes: set augment.crop for training (the smallest "
        f"side is {low})"
    ]


def _note_duplicates(scans: list[Scan], splits: dict[str, list[int]]) -> list[str]:
    """Equal image files; in two splits they make validation look better than it is."""
    split_of = {i: name for name, indices in splits.items() for i in indices}
    groups = defaultdict(list)
    for i, scan in enumerate(scans):
        groups[scan.digests[0]].append(i)
    notes = []
    for group in (group for group in groups.values() if len(group) > 1):
        names = some(scans[i].pair.image for i in group)
        where = {split_of[i] for i in group if i in split_of}
        leak = (
            f", in the splits {', '.join(sorted(where))}: what is trained on is also "
            "judged; keep one"
            if len(where) > 1
            else ""
        )
        masks = {scans[i].digests[1] for i in group}
        differ = "; their masks differ" if len(masks) > 1 else ""
        notes.append(f"same image file: {names}{leak}{differ}")
    return notes


def _note_borders(scans: list[Scan]) -> list[str]:
    """One or two values between others may be a true border class, or blur."""
    hits = [scan for scan in scans if scan.between and not scan.blurred]
    if not hits:
        return []
    values = sorted({value for scan in hits for value in scan.between})[:6]
    return [
        f"{some((s.pair.mask for s in hits), 3)}: the values "
        f"{', '.join(format_value(v) for v in values)} lie only between other values; "
        "blurred borders, or a border class?"
    ]


def _note_coding(survey: Survey) -> list[str]:
    """Some masks use 1 and others 255 for what may be one class."""
    ones = [scan for scan in survey.scans if (1,) in scan.counts]
    whites = [scan for scan in survey.scans if (255,) in scan.counts]
    if not ones or not whites or any((1,) in scan.counts for scan in whites):
        return []
    return [
        f"{some((s.pair.mask for s in ones), 3)} use the value 1, but "
        f"{some((s.pair.mask for s in whites), 3)} use 255; is it the same class?"
    ]


def _note_classes(survey: Survey, splits: dict[str, list[int]]) -> list[str]:
    """Absent and rare classes; none where blur has made classes out of borders."""
    notes = []
    if not survey.unclear:
        notes += _cap(_note_shares(survey, absent=True), "in no mask")
        notes += _cap(_note_shares(survey, absent=False), f"below {RARE:.0%}")
        for split, indices in splits.items():
            found = {
                widen(value, max(map(len, survey.values)))
                for i in indices
                for value in survey.scans[i].counts
            }
            missing = [
                f"class {name} does not occur in the split {split}"
                for value, name in survey.classes.items()
                if value in survey.values and value not in found
            ]
            notes += _cap(missing, f"not in the split {split}")
    if survey.ignore is not None and survey.ignore not in survey.values:
        notes.append(f"the ignore value {format_value(survey.ignore)} is in no mask")
    return notes


def _note_shares(survey: Survey, absent: bool) -> list[str]:
    """The absent classes, or the rare ones."""
    total = sum(survey.values.get(value, 0) for value in survey.classes)
    notes = []
    for value, name in survey.classes.items():
        share = survey.values.get(value, 0) / max(1, total)
        if absent and not share:
            notes.append(f"class {name} (value {format_value(value)}) is in no mask")
        elif not absent and 0 < share < RARE:
            notes.append(
                f"class {name} has only {share:.2%} of the pixels (1 in "
                f"{math.ceil(1 / share):,}): consider loss.class_weights=inverse and "
                "augment.balanced_crop"
            )
    return notes


def _cap(notes: list[str], what: str) -> list[str]:
    """The first MAX_ALIKE notes of a kind, then how many more classes are `what`."""
    if len(notes) <= MAX_ALIKE:
        return notes
    return [*notes[:MAX_ALIKE], f"{len(notes) - MAX_ALIKE} more classes are {what}"]
