"""Name the class of image files: a table, CSV, JSON and a contact sheet."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..data.listing import list_inputs
from ..data.names import show
from ..training.load import run_folder, run_name
from ..utils.device import pick_device
from ..utils.errors import FaultError, InputError
from ..utils.folders import make_folder
from ..utils.logging import table
from ..utils.pictures import Guessed, contact_sheet
from .outputs import leave_out_own, write_csv, write_json
from .predictor import NOT_FINITE, Predictor, load_predictor
from .reading import Picture, read_picture
from .tta import check_tta


BATCH = 64
SHEET = "contact_sheet.png"
TILES = 48
"""Images on the contact sheet."""
_NAMED = 5  # files of no image type that are named one by one


def infer(
    checkpoint: Path,
    sources: Sequence[Path],
    out: Path | None = None,
    *,
    top: int = 3,
    tta: str = "none",
    device: str = "auto",
    quiet: bool = False,
) -> dict[str, Any]:
    """Name the class of each image of `sources`; gives what predictions.json holds.

    A file that cannot be predicted is listed under "failures" with the reason, and the
    others are done. Raises InputError if nothing can start, FaultError if nothing can
    be written.
    """
    check_tta(tta)
    if top < 1:
        raise InputError(f"--top {top}: must be 1 or more")
    predictor = load_predictor(checkpoint, pick_device(device))
    inputs = list_inputs(sources)
    out = out or (run_folder(checkpoint) or Path()) / "predictions"
    make_folder(out)
    files = leave_out_own(inputs.files, out / SHEET)
    summary = {
        "checkpoint": str(checkpoint),
        "out": str(out),
        "trained_on": [predictor.info.height, predictor.info.width],
        "tta": tta,
        "class_names": list(predictor.info.class_names),
        "images": [],
        "failures": [_failure(*item, "input") for item in inputs.unreadable.items()],
        "not_images": [str(path) for path in inputs.others],
    }
    tiles = _predict_all(predictor, files, summary, top, quiet)
    summary["notes"] = _notes(summary["images"], predictor)
    _write(out, summary, tiles)
    return summary


def text(summary: dict[str, Any]) -> str:
    """A line an image: the likeliest classes with their probabilities in per cent."""
    count = max((len(image["top"]) for image in summary["images"]), default=0)
    rows = []
    for image in summary["images"]:
        cells = [f"{g['class']} {100 * g['probability']:.1f} %" for g in image["top"]]
        rows.append((show(image["input"]), *map(show, cells)))
    names = ("class", "second", "third", *(f"{i}th" for i in range(4, count + 1)))
    return table(rows, ("image", *names[:count])) if rows else ""


def verdict(summary: dict[str, Any]) -> str:
    """One line for a person, then what was left out, and what to type next."""
    done, failed = len(summary["images"]), len(summary["failures"])
    others = summary["not_images"]
    head = f"{done} of {done + failed} done"
    head += f", {failed} failed" if failed else ""
    head += f", {len(others)} not an image" if others else ""
    lines = [head, *(f"note   {note}" for note in summary["notes"])]
    lines += [f"  {show(f['input'])}: {f['reason']}" for f in summary["failures"]]
    lines += [f"  {show(path)}: not an image, left out" for path in others[:_NAMED]]
    if len(others) > _NAMED:
        lines.append(f"  ... and {len(others) - _NAMED} more; see predictions.json")
    lines.append("saved  " + "\n       ".join(summary["files"].values()))
    if done:
        lines.append(
            "next   python scripts/explain.py --checkpoint "
            f"{shlex.quote(summary['checkpoint'])} --input "
            f"{shlex.quote(show(summary['images'][0]['input']))}"
        )
    return "\n".join(lines)


def exit_code(summary: dict[str, Any], skip_bad: bool = False) -> int:
    """0 if all were done or `skip_bad`, 1 after a fault of the model, else 2."""
    if not summary["failures"] or (skip_bad and summary["images"]):
        return 0
    return 1 if any(f["kind"] == "fault" for f in summary["failures"]) else 2


def _predict_all(
    predictor: Predictor,
    files: Sequence[Path],
    summary: dict[str, Any],
    top: int,
    quiet: bool,
) -> list[Guessed]:
    """Fill "images" and "failures" of `summary`; gives the tiles for the sheet."""
    tiles: list[Guessed] = []
    hidden = True if quiet else None  # None: hidden where stderr is not a terminal
    with tqdm(total=len(files), desc="infer", disable=hidden, leave=False) as bar:
        for start in range(0, len(files), BATCH):
            pictures = []
            for file in files[start : start + BATCH]:
                try:
                    pictures.append(read_picture(file, predictor.info))
                except InputError as error:
                    summary["failures"].append(_failure(file, str(error), "input"))
                bar.update()
            for picture, guesses in _predict(predictor, pictures, summary["tta"], top):
                if guesses is None:
                    failure = _failure(picture.file, NOT_FINITE, "fault")
                    summary["failures"].append(failure)
                    continue
                summary["images"].append(_describe(picture, guesses))
                if len(tiles) < TILES:
                    image = picture.pixels.float() / 255
                    tiles.append(Guessed(picture.file.name, image, guesses[:3]))
    return tiles


def _predict(
    predictor: Predictor, pictures: Sequence[Picture], tta: str, top: int
) -> list[tuple[Picture, list[tuple[str, float]] | None]]:
    """The likeliest classes of each picture; None where the logits are no numbers."""
    if not pictures:
        return []
    info = predictor.info
    images = torch.stack([picture.pixels for picture in pictures]).float() / 255
    logits = predictor.logits(info.normalise(images), tta)
    finite = logits.isfinite().all(1).tolist()
    count = min(top, len(info.class_names))
    shares, classes = logits.double().softmax(1).topk(count)
    found = []
    for i, picture in enumerate(pictures):
        pairs = zip(classes[i].tolist(), shares[i].tolist(), strict=True)
        guesses = [(info.class_names[c], share) for c, share in pairs]
        found.append((picture, guesses if finite[i] else None))
    return found


def _describe(picture: Picture, guesses: list[tuple[str, float]]) -> dict[str, Any]:
    return {
        "input": str(picture.file),
        "height": picture.height,
        "width": picture.width,
        "loses_colour": picture.loses_colour,
        "top": [{"class": name, "probability": share} for name, share in guesses],
    }


def _failure(file: Path | str, reason: str, kind: str) -> dict[str, str]:
    reason = reason.removeprefix(f"{show(file)}: ")
    return {"input": str(file), "reason": reason, "kind": kind}


def _notes(images: Sequence[dict[str, Any]], predictor: Predictor) -> list[str]:
    """What was done to the images that a person might not expect."""
    height, width = predictor.info.height, predictor.info.width
    scaled = sum((i["height"], i["width"]) != (height, width) for i in images)
    grey = sum(image["loses_colour"] for image in images)
    notes = []
    if scaled:
        notes.append(
            f"{scaled} of {len(images)} images were cut to the centre and scaled to "
            f"{width}x{height}, the size that the model was trained on"
        )
    if grey:
        notes.append(
            f"warning: {grey} of {len(images)} images lose their colour; the model was "
            "trained on grey ones"
        )
    return notes


def _write(out: Path, summary: dict[str, Any], tiles: Sequence[Guessed]) -> None:
    """Write all of `summary`, whose "files" it adds; raises FaultError."""
    files = {
        "csv": out / "predictions.csv",
        "json": out / "predictions.json",
        "sheet": out / SHEET,
    }
    summary["files"] = {kind: str(path) for kind, path in files.items()}
    rows = []
    for image in summary["images"]:
        row = {"input": image["input"]}
        for place, guess in enumerate(image["top"], 1):
            row[f"class_{place}"] = guess["class"]
            row[f"probability_{place}"] = f"{guess['probability']:.6g}"
        rows.append(row)
    total = len(summary["images"])
    part = f"the first {len(tiles)} of {total}" if total > len(tiles) else f"{total}"
    title = f"{run_name(summary['checkpoint'])} · {part} images and what it calls them"
    try:
        write_csv(files["csv"], rows)
        contact_sheet(tiles, files["sheet"], title)
        write_json(files["json"], summary)
    except OSError as error:
        raise FaultError(f"cannot write to {show(out)}: {error.strerror}") from None
