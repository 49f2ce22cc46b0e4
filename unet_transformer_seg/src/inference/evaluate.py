"""Score a checkpoint on whole images, beside baselines that learn nothing."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from ..metrics.baselines import all_background, fit_blur_threshold
from ..metrics.calibration import calibration_bins, ece
from ..utils.device import pick_device
from ..utils.pictures import Judged
from .outputs import run_folder
from .predictor import Options, Predictor, load_predictor
from .report import write_report
from .scores import Scores
from .sources import Source, open_source


WORST = 12
"""Images in the gallery."""
TUNING = 64
"""Training images that tune the threshold baseline, spread evenly."""
BINS = 15


def evaluate(
    checkpoint: Path,
    split: str = "",
    out: Path | None = None,
    *,
    images: Path | None = None,
    masks: Path | None = None,
    mask_suffix: str = "",
    device: str = "auto",
    options: Options | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Score `split` (test, or val where there is no test) of the checkpoint's own data.

    `images` and `masks` are other folders to score instead. Writes JSON, CSV and
    pictures; gives what is in the JSON. Raises InputError if the data cannot be read.
    """
    options = options or Options()
    predictor = load_predictor(checkpoint, pick_device(device))
    source = open_source(predictor, split, images, masks, mask_suffix)
    scored = _score(predictor, source, options, quiet)
    result = {
        "checkpoint": str(checkpoint),
        "split": source.name,
        "images": len(source.dataset),
        "data": source.description,
        "data_fingerprint": source.dataset.info.fingerprint,
        "class_names": list(predictor.info.class_names),
        "options": {
            "tile": options.tile,
            "overlap": options.overlap,
            "tta": options.tta,
        },
        **scored.numbers(),
        "notes": source.notes,
    }
    out = out or (run_folder(checkpoint) or Path()) / "eval"
    worst = scored.worst.judged(source.dataset)
    write_report(result, out, scored.model, scored.bins, worst)
    return result


@dataclass(slots=True)
class Scored:
    """What the images have shown of the model, and of the baselines beside it."""

    model: Scores
    baselines: dict[str, Scores]
    worst: "Worst"
    bins: Tensor

    def numbers(self) -> dict[str, Any]:
        """Plain values, under the names that the JSON has."""
        rows = self.model.rows
        return {
            "model": {
                **self.model.numbers(),
                "ece": ece(self.bins),
                "pixels_counted": int(self.bins[0].sum()),
            },
            "baselines": {name: s.numbers() for name, s in self.baselines.items()},
            "worst_images": [
                {"name": rows[i]["name"], "dice_fg": rows[i]["dice_fg"]}
                for i in self.worst.order()
            ],
        }


def sample(dataset: Dataset, index: int) -> tuple[Tensor, Tensor, str]:
    """One image as the files have it (CHW in [0, 1]), its target and its name."""
    item = dataset[(0, index)]
    return dataset.info.restore(item["image"]), item["target"], item["name"]


def predict_and_calibrate(
    predictor: Predictor, image: Tensor, target: Tensor, options: Options, name: str
) -> tuple[Tensor, Tensor]:
    """The predicted classes (int64 HW) and the calibration sums (3, BINS)."""
    mask = torch.empty_like(target)
    bins = torch.zeros(3, BINS, dtype=torch.float64)
    for top, rows in predictor.strips(image, options, name):
        here = slice(top, top + rows.shape[1])
        mask[here] = rows.argmax(0)
        bins += calibration_bins(rows[None], target[None, here], BINS)
    return mask, bins


class Worst:
    """Keeps the masks of the few images with the lowest scores."""

    def __init__(self, limit: int = WORST):
        self.limit = limit
        self.kept: list[tuple[float, int, Tensor]] = []

    def add(self, score: float, index: int, mask: Tensor) -> None:
        """Consider one image; one without a score (NaN) comes after all others."""
        key = math.inf if math.isnan(score) else score
        self.kept.append((key, index, mask.to(torch.uint8)))
        self.kept.sort(key=lambda item: item[:2])
        del self.kept[self.limit :]

    def order(self) -> list[int]:
        """Indices, worst first."""
        return [index for _, index, _ in self.kept]

    def judged(self, dataset: Dataset) -> list[Judged]:
        """Read the images again, for the gallery."""
        rows = []
        for score, index, mask in self.kept:
            image, target, name = sample(dataset, index)
            score = math.nan if math.isinf(score) else score
            rows.append(Judged(name, score, image, mask.long(), target))
        return rows


def _score(
    predictor: Predictor, source: Source, options: Options, quiet: bool
) -> Scored:
    names, predictors = predictor.info.class_names, _baselines(source)
    baselines = {name: Scores(names) for name in predictors}
    bins = torch.zeros(3, BINS, dtype=torch.float64)
    scored = Scored(Scores(names), baselines, Worst(), bins)
    hidden = True if quiet else None  # None: hidden where stderr is not a terminal
    steps = range(len(source.dataset))
    for i in tqdm(
        steps, f"eval {source.name}", leave=False, ascii=True, disable=hidden
    ):
        image, target, name = sample(source.dataset, i)
        mask, found = predict_and_calibrate(predictor, image, target, options, name)
        scored.bins += found
        scored.worst.add(scored.model.add(name, mask, target), i, mask)
        for baseline, predict in predictors.items():
            baselines[baseline].add(name, predict(image[None])[0], target)
    return scored


def _baselines(source: Source) -> dict[str, Callable[[Tensor], Tensor]]:
    """Predictors that learn nothing; the threshold is tuned on training images."""
    found = {"all_background": all_background}
    if len(source.dataset.info.class_names) == 2 and source.train is not None:
        count = len(source.train)
        picked = range(0, count, -(-count // TUNING))
        pairs = [sample(source.train, index)[:2] for index in picked]
        found["blur_threshold"] = fit_blur_threshold(pairs).predict
    return found
