"""Pictures of a whole network: what its layers are, and what they make of a split."""

import csv
import io
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..training.load import load_model, open_splits, run_folder, run_name
from ..utils.device import pick_device
from ..utils.errors import FaultError, InputError
from ..utils.folders import make_folder
from ..utils.plots import save_figure, write_bytes
from .embedding import Embedded, embed_split
from .views import PICTURES, Look


def look(
    checkpoint: Path,
    split: str = "val",
    count: int = 1000,
    what: Sequence[str] = (),
    out: Path | None = None,
    *,
    device: str = "auto",
    seed: int = 0,
    quiet: bool = False,
) -> dict[str, Any]:
    """Draw the pictures in `what`, all if it is empty; gives what was found.

    Into `look/` of the run unless `out` says where. Raises InputError for a name that
    is no picture and for data that is not here, FaultError for features that are NaN.
    """
    _check(what, count)
    loaded = load_model(checkpoint, pick_device(device))
    splits = open_splits(loaded.config, loaded.info)
    if split not in splits:
        raise InputError(f"--split {split}: this data has {', '.join(splits)}")
    images = splits[split]
    embedded = embed_split(loaded.model, images, count, seed=seed)
    if not embedded.features.isfinite().all():
        raise FaultError(
            f"{checkpoint}: the network gives NaN or infinity for images of {split}; "
            "its training has diverged"
        )
    out = out or (run_folder(checkpoint) or Path()) / "look"
    make_folder(out)
    made = Look(loaded, run_name(checkpoint), images, split, embedded, seed, quiet)
    right = (embedded.logits.argmax(1) == embedded.target).double().mean()
    result = {
        "checkpoint": str(checkpoint),
        "split": split,
        "images": len(embedded.target),
        "accuracy": float(right),
        "pictures": {},
    }
    chosen = [name for name in PICTURES if name in (what or PICTURES)]
    for name in tqdm(chosen, "look", ascii=True, leave=False, disable=quiet or None):
        figure, found = PICTURES[name](made)
        save_figure(figure, out / f"{name}.png")
        result["pictures"][name] = {"path": str(out / f"{name}.png"), **found}
    if made.columns:
        _write_points(made, out / "points.csv")
        result["points"] = str(out / "points.csv")
    return result | {"next": _next(checkpoint, split, embedded)}


def report(result: dict[str, Any]) -> str:
    """What was written and found, a line each, and what to type next."""
    lines = [
        f"{result['checkpoint']}: {result['images']} images of {result['split']}, "
        f"{result['accuracy']:.1%} right"
    ]
    for name, entry in result["pictures"].items():
        lines.append(f"{name:<10} {entry['path']}  {entry['said']}")
    if "points" in result:
        lines.append(f"{'points':<10} {result['points']}  name, classes, coordinates")
    return "\n".join([*lines, f"\nnext  {result['next']}"])


def _check(what: Sequence[str], count: int) -> None:
    wrong = [name for name in what if name not in PICTURES]
    if wrong or count < 1:
        value = f"--what {wrong[0]}" if wrong else f"--count {count}"
        allowed = f"one or more of {','.join(PICTURES)}" if wrong else "at least 1"
        raise InputError(f"{value}: must be {allowed}")


def _write_points(look: Look, path: Path) -> None:
    names, found = look.loaded.info.class_names, look.embedded
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["index", "name", "true", "predicted", *look.columns])
    numbers = torch.stack(list(look.columns.values()), 1).tolist()
    said = found.logits.argmax(1).tolist()
    for row, place in enumerate(numbers):
        classes = names[int(found.target[row])], names[said[row]]
        cells = [f"{value:.4g}" for value in place]
        index = int(found.indices[row])
        writer.writerow([index, found.names[row], *classes, *cells])
    write_bytes(path, text.getvalue().encode())


def _next(checkpoint: Path, split: str, found: Embedded) -> str:
    """Explain the image of which the network is most surely wrong, else the first."""
    sure, said = found.logits.softmax(1).max(1)
    worst = int(torch.where(said == found.target, -1.0, sure).argmax())
    image = f"{split}:{int(found.indices[worst])}"
    file = shlex.quote(str(checkpoint))
    return f"python scripts/explain.py --checkpoint {file} --input {image}"
