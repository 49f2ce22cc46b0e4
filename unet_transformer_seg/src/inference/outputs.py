"""Which files are read and written: no input hidden, no output lost to another."""

import io
import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data.images import SUFFIXES, show, write_png
from ..data.info import DataInfo
from ..data.mask_values import restore_mask
from ..data.pairs import natural
from ..utils.colours import palette
from ..utils.errors import FaultError, InputError
from ..utils.pictures import overlay
from ..utils.plots import new_figure, plain_text, save_figure, write_bytes
from ..utils.run_dir import resolve
from .predictor import Prediction, unit


ENDINGS = (
    ".png",
    "_overlay.png",
    "_probabilities.npz",
    "_entropy.png",
    "_attention.png",
)
OWN = ("legend", "summary")
_BAND = 256  # rows that are wider than a byte at a time


def run_folder(checkpoint: Path) -> Path | None:
    """The run that a checkpoint lies in, if it lies in one."""
    path = resolve(checkpoint)
    run = path.parent.parent
    return (
        run
        if path.parent.name == "checkpoints" and (run / "meta.json").exists()
        else None
    )


def list_inputs(source: Path) -> tuple[list[Path], list[Path]]:
    """The images that `source` names, in natural order, and what else lies there.

    Subfolders and hidden files are left out. Raises InputError if there is no image.
    """
    if not source.is_dir():
        if not os.path.lexists(source):
            raise InputError(f"--input {show(source)}: no such file or folder")
        return [source], []
    try:
        entries = [
            entry for entry in source.iterdir() if not entry.name.startswith(".")
        ]
    except OSError as error:
        raise InputError(f"{show(source)}: cannot be read ({error.strerror})") from None
    entries.sort(key=lambda entry: natural(entry.name))
    images = [e for e in entries if e.suffix.lower() in SUFFIXES and not e.is_dir()]
    if not images:
        there = ", ".join(show(e.name) for e in entries[:5]) or "nothing"
        raise InputError(
            f"--input {show(source)}: no image of type {' '.join(SUFFIXES)} in this "
            f"folder, which holds {there}"
        )
    return images, [entry for entry in entries if entry not in set(images)]


def output_stems(files: Sequence[Path]) -> list[str]:
    """A stem for the outputs of each file, so that no two outputs have one name.

    It is the file's own stem; one that two files share gets their type (`a_png`,
    `a_jpg`). Upper and lower case count as one, as on macOS and Windows.
    """
    counts = Counter(file.stem.casefold() for file in files)
    taken = {f"{name}{end}" for name in OWN for end in ENDINGS}
    stems = []
    for file in files:
        typed = f"{file.stem}_{file.suffix[1:]}"
        stem = file.stem if counts[file.stem.casefold()] == 1 else typed
        number = 1
        while taken & {f"{stem}{end}".casefold() for end in ENDINGS}:
            stem = typed if number == 1 else f"{typed}_{number}"
            number += 1
        taken |= {f"{stem}{end}".casefold() for end in ENDINGS}
        stems.append(stem)
    return stems


def prepare_folder(out: Path, files: Sequence[Path], stems: Sequence[str]) -> None:
    """Make `out`; raises InputError if an output would replace an input."""
    inputs = {os.path.realpath(file) for file in files}  # copes with a loop of links
    names = (out / f"{stem}{end}" for stem in stems for end in ENDINGS)
    for name in names:
        if os.path.realpath(name) in inputs:
            raise InputError(
                f"--out {show(out)}: {show(name.name)} would replace an input image; "
                "choose another folder"
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--out {show(out)} cannot be written: {error.strerror}. Choose another"
        ) from None


def write_prediction(
    out: Path, stem: str, image: Tensor, prediction: Prediction, info: DataInfo
) -> dict[str, str]:
    """Write the mask in the data's own codes, and the rest; gives the paths."""
    paths = {"mask": out / f"{stem}.png", "overlay": out / f"{stem}_overlay.png"}
    try:
        write_png(paths["mask"], mask_pixels(prediction.mask, info))
        write_png(paths["overlay"], overlay_pixels(image, prediction.mask))
        if prediction.probabilities is not None:
            paths["probabilities"] = out / f"{stem}_probabilities.npz"
            buffer = io.BytesIO()
            np.savez_compressed(
                buffer,
                probabilities=prediction.probabilities.numpy(),
                class_names=np.array(info.class_names),
            )
            write_bytes(paths["probabilities"], buffer.getvalue())
        if prediction.entropy is not None:
            paths["entropy"] = out / f"{stem}_entropy.png"
            grey = (prediction.entropy * 255).round().to(torch.uint8)
            write_png(paths["entropy"], grey.numpy())
    except OSError as error:
        raise FaultError(f"cannot write to {show(out)}: {error.strerror}") from None
    return {kind: str(path) for kind, path in paths.items()}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write `to_json(content)` in one step."""
    write_bytes(path, to_json(content).encode() + b"\n")


def to_json(content: dict[str, Any]) -> str:
    """Strict JSON: NaN, an undefined number, becomes null and infinity "inf"."""
    return json.dumps(_strict(content), indent=2, allow_nan=False)


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _strict(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(inner) for inner in value]
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return str(value) if isinstance(value, Path) else value


def mask_pixels(mask: Tensor, info: DataInfo) -> np.ndarray:
    """`restore_mask` some rows at a time: an index takes eight bytes a pixel."""
    return np.concatenate([restore_mask(band, info) for band in mask.split(_BAND)])


def overlay_pixels(image: Tensor, mask: Tensor) -> np.ndarray:
    """`pictures.overlay` at full size, some rows at a time: HWC bytes."""
    pixels = np.empty((*mask.shape, 3), np.uint8)
    for top in range(0, len(mask), _BAND):
        here = slice(top, top + _BAND)
        pixels[here] = overlay(unit(image[:, here]), mask[here].long()).numpy()
    return pixels


def legend(info: DataInfo, path: Path, entropy: bool = False) -> list[dict[str, Any]]:
    """Draw which colour is which class, and give the same as plain values.

    With `entropy` the ends of its grey scale are drawn below.
    """
    from matplotlib.patches import Patch

    colours = palette(len(info.class_names))
    rows = [
        {
            "class": name,
            "mask_value": list(info.mask_values[c]),
            "overlay": None if c == 0 else "#" + bytes(colours[c]).hex(),
        }
        for c, name in enumerate(info.class_names)
    ]
    handles = [
        Patch(
            facecolor=row["overlay"] or "white",
            edgecolor="0.4",
            label=f"{plain_text(row['class'])}  (mask value "
            f"{', '.join(map(str, row['mask_value']))})"
            + ("" if row["overlay"] else ", not tinted"),
        )
        for row in rows
    ]
    if entropy:
        limit = math.log(max(2, len(rows)))
        for colour, meaning in (
            ("black", "entropy 0: certain"),
            ("white", f"entropy ln {len(rows)} = {limit:.2f} nats: a guess"),
        ):
            handles.append(Patch(facecolor=colour, edgecolor="0.4", label=meaning))
    figure = new_figure(4.2, 0.5 + 0.26 * len(handles))
    figure.legend(handles=handles, loc="center", frameon=False, fontsize=10)
    save_figure(figure, path)
    return rows
