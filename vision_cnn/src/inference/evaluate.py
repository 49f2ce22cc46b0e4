"""Score a checkpoint on a split of its data, and against another checkpoint."""

from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..training.load import run_folder
from ..utils.device import pick_device
from ..utils.errors import InputError
from ..utils.pictures import Judged
from .predictor import Predictor, load_predictor, require_finite
from .report import write_report
from .scores import Predictions, compare, scores
from .splits import Split, batches, open_split, same_images
from .tta import check_tta


BATCH = 250
WORST = 24
"""Tiles of a gallery."""


def evaluate(
    checkpoint: Path,
    split: str = "",
    out: Path | None = None,
    *,
    tta: str = "none",
    against: Path | None = None,
    device: str = "auto",
    batch: int = BATCH,
    quiet: bool = False,
) -> dict[str, Any]:
    """Score `split` (test, or val where there is no test) of the checkpoint's own data.

    `against` is another checkpoint, scored on the same images. Writes JSON, CSV and
    pictures; gives what is in the JSON. Raises InputError if the data cannot be read,
    FaultError for logits that are no numbers.
    """
    check_tta(tta)
    predictor = load_predictor(checkpoint, pick_device(device))
    other = load_predictor(against, predictor.device) if against else None
    opened = open_split(predictor, split)
    seen = predict_split(predictor, opened, tta, batch, quiet)
    worst = _surest(seen, ~seen.right)
    result = {
        "checkpoint": str(checkpoint),
        **_conditions(predictor, opened, tta),
        **scores(seen.logits, seen.target, predictor.info.class_names),
        "worst": [f"{opened.name}:{index}" for index in worst],
        "notes": opened.notes,
    }
    galleries = {"worst": _tiles(opened, seen, worst)}
    if other:
        theirs = _predict_same(predictor, other, against, opened, tta, batch, quiet)
        names = predictor.info.class_names
        both = compare(seen.logits, theirs.logits, seen.target, names)
        result["against"] = {"checkpoint": str(against), **both}
        won = _surest(theirs, seen.right & ~theirs.right)
        galleries["only_this_right"] = _tiles(opened, theirs, won)
    out = out or (run_folder(checkpoint) or Path()) / "eval"
    write_report(result, out, seen, galleries)
    return result


def predict_split(
    predictor: Predictor, split: Split, tta: str, batch: int, quiet: bool
) -> Predictions:
    """The logits of all images, in their order; raises FaultError if one has NaN."""
    logits, dataset = [], split.dataset
    bar = tqdm(
        total=len(dataset),
        desc=f"eval {split.name}",
        leave=False,
        ascii=True,
        disable=True if quiet else None,  # None: hidden where stderr is no terminal
    )
    with bar:
        for part in batches(dataset, batch):
            logits.append(predictor.logits(part["image"], tta))
            require_finite(logits[-1], part["name"])
            bar.update(len(part["name"]))
    return Predictions(dataset.names, dataset.labels, torch.cat(logits))


def _conditions(predictor: Predictor, opened: Split, tta: str) -> dict[str, Any]:
    return {
        "split": opened.name,
        "data": predictor.config.data.root or predictor.config.data.name,
        "data_fingerprint": opened.dataset.info.fingerprint,
        "class_names": list(predictor.info.class_names),
        "tta": tta,
        "precision": predictor.precision,
    }


def _predict_same(
    predictor: Predictor,
    other: Predictor,
    against: Path,
    opened: Split,
    tta: str,
    batch: int,
    quiet: bool,
) -> Predictions:
    """What the other model says of the same images, read as it was trained to see them.

    Raises InputError if they are not the same: a val split that was drawn with another
    seed holds images that the other model was fitted to.
    """
    if other.info.class_names != tuple(opened.dataset.info.class_names):
        raise InputError(f"--against {against}: was trained on other classes")
    theirs = open_split(other, opened.name)
    data, their_data = predictor.config.data, other.config.data
    same_files = (
        data.name == their_data.name == "image_folder" and data.root == their_data.root
    )
    if not same_images(opened.dataset, theirs.dataset, same_files):
        raise InputError(
            f"--against {against}: its {opened.name} split has other images. Compare "
            "models of the same data, with the same seed and data.val_share"
        )
    return predict_split(other, theirs, tta, batch, quiet)


def _surest(seen: Predictions, chosen: torch.Tensor) -> list[int]:
    """Indices of images where `chosen`, the surest predictions first."""
    sure = seen.probabilities.max(1).values.masked_fill(~chosen, -1)
    order = sure.argsort(descending=True, stable=True)
    return order[: min(WORST, int(chosen.sum()))].tolist()


def _tiles(split: Split, seen: Predictions, indices: list[int]) -> list[Judged]:
    dataset, names = split.dataset, split.dataset.info.class_names
    sure = seen.probabilities.max(1).values
    tiles = []
    for index in indices:
        item = dataset[(0, index)]
        tiles.append(
            Judged(
                item["name"],
                dataset.info.restore(item["image"]),
                names[int(item["target"])],
                names[int(seen.predicted[index])],
                float(sure[index]),
            )
        )
    return tiles
