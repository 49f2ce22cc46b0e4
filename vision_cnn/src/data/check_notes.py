"""What does not forbid a training but should be known before it."""

from collections.abc import Mapping, Sequence

from .duplicates import Group, Pixels
from .info import DataInfo
from .names import show
from .survey import Survey


FEW = 10
"""A class with fewer training images is worth a note."""
UNEVEN = 10
"""So is a largest class with that many times the images of the smallest."""
MOST_NAMED = 4


def find_notes(
    info: DataInfo,
    counts: Mapping[str, Sequence[int]],
    pixels: Pixels,
    survey: Survey,
    size: int,
) -> list[str]:
    """`counts`: images of each class in each split. `size`: side that is scaled to."""
    return [
        *_balance(info.class_names, counts),
        *_copies(pixels),
        *_pictures(info, pixels),
        *_files(survey, size),
    ]


def _balance(names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> list[str]:
    notes = []
    train = counts["train"]
    for part, found in counts.items():
        empty = [name for name, count in zip(names, found, strict=True) if not count]
        if empty:
            notes.append(f"no image in {part} of {_named(empty)}")
    few = [f"{n} ({c})" for n, c in zip(names, train, strict=True) if 0 < c < FEW]
    if few:
        notes.append(f"fewer than {FEW} training images of {_named(few)}")
    present = [count for count in train if count]
    if max(present) >= UNEVEN * min(present):
        most, least = names[train.index(max(present))], names[train.index(min(present))]
        notes.append(
            f"{show(most)} has {max(present) / min(present):.0f} times the training "
            f"images of {show(least)}: accuracy will say little of the rare classes; "
            "read the recall of each class in the evaluation"
        )
    return notes


def _copies(pixels: Pixels) -> list[str]:
    notes = []
    for (one, other), count in pixels.shared().items():
        example = next(g for g in pixels.groups if {one, other} <= set(g.parts))
        reason = (
            "the score will be too good" if one == "train" else "they are not apart"
        )
        notes.append(
            f"{_images(count)} of {other} {_are(count)} equal to one of {one}, so that "
            f"{reason} ({_example(example)})"
        )
    for part, count in pixels.copies().items():
        example = next(g for g in pixels.groups if g.parts.count(part) > 1)
        notes.append(
            f"{_images(count)} of {part} {_are(count)} a copy of another of {part} "
            f"({_example(example)})"
        )
    wrong = pixels.contradictions()
    if wrong:
        notes.append(
            f"{_images(len(wrong))} {_are(len(wrong))} there under different classes, "
            f"of which at most one is right ({_example(wrong[0])})"
        )
    return notes


def _pictures(info: DataInfo, pixels: Pixels) -> list[str]:
    notes = []
    if pixels.constant:
        count = len(pixels.constant)
        notes.append(
            f"{_images(count)} {_are(count)} of one colour: {_named(pixels.constant)}"
        )
    if info.in_channels == 3 and not pixels.colourful:
        notes.append(
            "all images are grey: one channel (data.channels=1 of an image_folder) "
            "holds the same"
        )
    return notes


def _files(survey: Survey, size: int) -> list[str]:
    notes = []
    if survey.outside:
        count = len(survey.outside)
        notes.append(
            f"{count} image file{'s' if count > 1 else ''} in no folder of a class "
            f"{'are' if count > 1 else 'is'} left out: {_named(survey.outside)}"
        )
    sides = {kind: min(map(int, kind.split()[0].split("x"))) for kind in survey.kinds}
    small = sum(survey.kinds[kind] for kind, side in sides.items() if side < size)
    if small:
        notes.append(
            f"{_images(small)} {_are(small)} smaller than data.size = {size} and "
            f"scaled up (the smallest side is {min(sides.values())})"
        )
    return notes


def _example(group: Group) -> str:
    return _named(
        [f"{part}: {name}" for part, name in zip(group.parts, group.names, strict=True)]
    )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(map(show, names[:MOST_NAMED])) + more


def _images(count: int) -> str:
    return f"{count:,} image{'s' if count != 1 else ''}"


def _are(count: int) -> str:
    return "are" if count != 1 else "is"
