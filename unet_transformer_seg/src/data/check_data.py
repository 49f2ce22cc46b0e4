"""What a folder of images and masks holds and what is wrong, before training."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..utils.config import load_config
from ..utils.errors import InputError
from ..utils.pictures import Labelled, contact_sheet
from .commands import shell_quote, train_command
from .folder import FolderConfig, split_config, survey_config
from .images import read_mask, read_pixels, show, to_unit
from .info import IGNORE_INDEX
from .mask_values import Value, format_value, widen
from .notes import find_notes
from .survey import Scan, Survey, classes_of


SHEET_IMAGES = 12


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One line of the mask-value table."""

    value: str
    meaning: str
    """Name of the class, "ignored", or "unknown"."""
    pixels: int
    share: float
    images: int
    """Masks in which the value occurs."""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings; `faults` forbid training, `notes` are worth knowing."""

    pairs: int
    sizes: dict[str, int]
    """Width x height -> images."""
    types: dict[str, int]
    splits: dict[str, int]
    """Images of each split."""
    values: list[ValueRow]
    notes: list[str]
    faults: list[str]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def check_folder(config: FolderConfig, seed: int = 0) -> tuple[Report, Survey]:
    """Read all images and masks and report every fault found, not only the first."""
    survey = survey_config(config)
    faults = list(survey.faults)
    splits: dict[str, list[int]] = {}
    if survey.scans:
        try:
            splits = split_config(config, len(survey.scans), seed)
        except InputError as error:
            faults.append(str(error))
    report = Report(
        pairs=len(survey.scans),
        sizes=_tally(f"{scan.shape[1]}x{scan.shape[0]}" for scan in survey.scans),
        types=_tally(_type_of(scan) for scan in survey.scans),
        splits={name: len(indices) for name, indices in splits.items()},
        values=_value_rows(survey),
        notes=find_notes(survey, splits),
        faults=faults,
    )
    return report, survey


def read_config(
    kind: type, path: Path | None, images: str, masks: str, mask_suffix: str
) -> tuple[FolderConfig, int]:
    """The folders to check and the seed of the split.

    From the training config at `path`, a `kind`, or from the folders given.
    """
    if path is None:
        return FolderConfig(images, masks, mask_suffix), 0
    if images or masks or mask_suffix:
        raise InputError(
            f"--config {path} names the folders; leave out --images, --masks"
        )
    config = load_config(kind, path)
    if config.data.name != "folder":
        raise InputError(
            f"{path}: data.name is {config.data.name}, which is made on the fly; only "
            "data.name=folder has files to check"
        )
    return config.data.folder, config.seed


def next_command(config: FolderConfig, survey: Survey, path: Path | None) -> str:
    """The training of what was checked: with the config at `path`, or the folders."""
    if path is not None:
        return f"python scripts/train.py --config {shell_quote(str(path))}"
    return train_command(
        config.images, config.masks, config.mask_suffix, survey.classes
    )


def format_report(report: Report) -> str:
    """The report as text for a terminal, faults left out."""
    lines = [f"pairs   {report.pairs}"]
    for title in ("sizes", "types", "splits"):
        items = list(getattr(report, title).items())
        more = f", and {len(items) - 6} more" if len(items) > 6 else ""
        shown = ", ".join(f"{name} ({count})" for name, count in items[:6])
        lines.append(f"{title:<7} {shown or '-'}{more}")
    if not report.pairs:
        return lines[0]
    if report.values:
        width = max(5, *(len(row.meaning) for row in report.values))
        rows = 12 if len(report.values) > 40 else 40
        lines += [
            "",
            f"{'mask value':<12} {'class':<{width}}  share      pixels  images",
        ]
        lines += [
            f"{row.value:<12} {row.meaning:<{width}} "
            f"{row.share:>6.2%} {row.pixels:>11,} {row.images:>7}"
            for row in report.values[:rows]
        ]
        if len(report.values) > rows:
            lines.append(f"... and {len(report.values) - rows} more values")
    return "\n".join([*lines, *(f"\nnote: {note}" for note in report.notes)])


def draw_sheet(survey: Survey, path: Path, title: str) -> None:
    """A contact sheet of up to 12 pairs, spread evenly over the folder.

    Raises InputError where it cannot be written.
    """
    count = min(SHEET_IMAGES, len(survey.scans))
    chosen = np.linspace(0, len(survey.scans) - 1, count).round().astype(int)
    rows = []
    for scan in (survey.scans[i] for i in chosen):
        pixels, mask = scan.pixels, scan.mask
        if pixels is None or mask is None:
            pixels, mask = read_pixels(scan.pair.image), read_mask(scan.pair.mask)
        try:
            classes = classes_of(
                scan.pair.mask, mask, list(survey.classes), survey.ignore
            )
        except InputError:  # among the faults; the image is shown without a mask
            classes = np.full(mask.shape[:2], IGNORE_INDEX)
        target = torch.from_numpy(classes).long()
        rows.append(Labelled(scan.pair.name, to_unit(pixels), target))
    try:
        contact_sheet(rows, path, list(survey.classes.values()), title)
    except OSError as error:
        raise InputError(
            f"--out {show(path.parent)}: cannot be written ({error.strerror}); choose "
            "another folder"
        ) from None


def _tally(names: Any) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _type_of(scan: Scan) -> str:
    depth = {"uint8": "8-bit", "uint16": "16-bit"}[scan.dtype]
    return f"{depth} {'RGB' if len(scan.shape) == 3 else 'grey'}"


def _value_rows(survey: Survey) -> list[ValueRow]:
    total = sum(survey.values.values())
    width = max((len(value) for value in survey.values), default=1)
    images: Counter[Value] = Counter()
    for scan in survey.scans:
        images.update({widen(value, width) for value in scan.counts})
    meaning = dict(survey.classes)
    if survey.ignore is not None:
        meaning[survey.ignore] = "ignored"
    return [
        ValueRow(
            format_value(value),
            meaning.get(value, "unknown"),
            survey.values.get(value, 0),
            survey.values.get(value, 0) / total,
            images[value],
        )
        for value in sorted({*survey.values, *meaning})
    ]
