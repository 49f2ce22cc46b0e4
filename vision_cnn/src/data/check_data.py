"""What a data set holds and what is wrong with it, before training."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..utils.config import from_dict, load_config
from ..utils.errors import InputError
from . import AugmentConfig, DataConfig, ImageSet, build_datasets
from .check_notes import find_notes
from .duplicates import look_at_pixels
from .names import show
from .survey import Survey, find_faults, look_at_files


START = "configs/my_images.yaml"
"""The training that is proposed where no config was given."""
FORMATS = ("idx", "cifar", "image_folder", "npz")
CIFAR = {"data_batch_1", "data_batch_1.bin", "fine_label_names.txt", "meta"}
CIFAR |= {"cifar-10-python", "cifar-10-binary", "cifar-100-python", "cifar-100-binary"}
CIFAR |= {"cifar-10-batches-py", "cifar-10-batches-bin"}
"""Files, folders and downloads that only CIFAR has."""
PARTS = ("train", "val", "test")
MOST_CLASSES = 40
"""Classes that are printed; the JSON has all."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    name: str
    images: dict[str, int]
    """Of each split."""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings; `faults` forbid training, `notes` are worth knowing."""

    root: str
    format: str
    faults: list[str]
    notes: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    """Images of each split, as training would have them."""
    shape: tuple[int, ...] = ()
    """Channels, height, width."""
    files: dict[str, int] = field(default_factory=dict)
    """ "32x32 RGB" -> files of an image folder before they are scaled."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    classes: list[ClassRow] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_config(
    kind: type, path: Path | None, root: str, name: str, overrides: Sequence[str]
) -> tuple[DataConfig, int]:
    """The data to check and the seed of its split: of the `kind` at `path`, or `root`.

    `name` is one of FORMATS, or "auto".
    """
    if path is not None:
        if root:
            raise InputError(f"--config {path} names the data; leave out --root")
        config = load_config(kind, path, overrides)
        return config.data, config.seed
    if not root:
        raise InputError("name the data: --root FOLDER, or --config of a training")
    name = guess_format(Path(root)) if name == "auto" else name
    values = {"data": {"name": name, "root": root}}
    config = from_dict(kind, values, "--root", overrides)
    return config.data, config.seed


def guess_format(root: Path) -> str:
    """One of FORMATS, by the names of files."""
    if root.suffix == ".npz":
        return "npz"
    inside = {path.name for path in root.iterdir()} if root.is_dir() else set()
    if any("idx3-ubyte" in name for name in inside) or root.name.startswith("emnist-"):
        return "idx"
    if CIFAR & {root.name.removesuffix(".tar.gz"), *inside}:
        return "cifar"
    return "image_folder"


def check_data(config: DataConfig, seed: int = 0) -> tuple[Report, dict[str, ImageSet]]:
    """Build the datasets as training does, and report every fault and what is odd.

    Where they cannot be built, there are none, and an image folder is searched for more
    faults than the first.
    """
    folder = config.name == "image_folder"
    try:
        datasets = build_datasets(config, AugmentConfig(), seed)
    except InputError as error:
        survey = Survey()
        if folder and Path(config.root).exists():
            survey = find_faults(Path(config.root), config.size, config.channels)
        faults = survey.faults or [str(error)]
        report = Report(config.root, config.name, faults, files=survey.kinds)
        return report, {}
    datasets = {part: datasets[part] for part in PARTS if part in datasets}
    survey = look_at_files(Path(config.root)) if folder else Survey()
    info = datasets["train"].info
    pixels = look_at_pixels(datasets)
    counts = {
        part: torch.bincount(data.labels, minlength=len(info.class_names)).tolist()
        for part, data in datasets.items()
    }
    classes = [
        ClassRow(name, {part: count[i] for part, count in counts.items()})
        for i, name in enumerate(info.class_names)
    ]
    report = Report(
        config.root,
        config.name,
        [],
        find_notes(info, counts, pixels, survey, config.size),
        {part: len(data.labels) for part, data in datasets.items()},
        (info.in_channels, info.height, info.width),
        survey.kinds,
        info.mean,
        info.std,
        classes,
    )
    return report, datasets


def next_command(
    config: DataConfig, path: Path | None, overrides: Sequence[str]
) -> str:
    """The training of what was checked."""
    words = ["python", "scripts/train.py", "--config", str(path or START)]
    if path is None:
        words += [f"data.name={config.name}", f"data.root={config.root}"]
        if config.name == "idx":  # digits, letters: their mirror image is none
            words.append("augment.flip=none")
    return " ".join(shlex.quote(word) for word in [*words, *overrides])


def format_report(report: Report) -> str:
    """The report as text for a terminal, faults left out."""
    lines = [f"data    {report.format} {show(report.root)}".rstrip()]
    if report.splits:
        channels, height, width = report.shape
        splits = "  ".join(f"{part} {count:,}" for part, count in report.splits.items())
        lines += [
            f"images  {splits}",
            f"shape   {channels} x {height} x {width} (channels, height, width)",
            f"mean    {_numbers(report.mean)}",
            f"std     {_numbers(report.std)}",
        ]
    if report.files:
        kinds = [f"{kind or 'unreadable'} ({n:,})" for kind, n in report.files.items()]
        more = f", and {len(kinds) - 6} more kinds" if len(kinds) > 6 else ""
        lines.append(f"files   {', '.join(kinds[:6])}{more}")
    if report.classes:
        lines += ["", *_class_table(report)]
    return "\n".join([*lines, *(f"\nnote: {note}" for note in report.notes)])


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def _class_table(report: Report) -> list[str]:
    parts = list(report.splits)
    rows = report.classes[:MOST_CLASSES]
    names = [show(row.name)[:24] for row in rows]
    width = max(5, *map(len, names))
    most = max(row.images["train"] for row in rows)
    lines = [f"{'class':<{width}}" + "".join(f"{part:>8}" for part in parts)]
    for name, row in zip(names, rows, strict=True):
        bar = "#" * round(20 * row.images["train"] / max(1, most))
        cells = "".join(f"{row.images[part]:>8,}" for part in parts)
        lines.append(f"{name:<{width}}{cells}  {bar}".rstrip())
    if len(report.classes) > MOST_CLASSES:
        lines.append(f"... and {len(report.classes) - MOST_CLASSES} more classes")
    return lines
