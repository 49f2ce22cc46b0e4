"""Score a checkpoint on whole images, beside baselines that learn nothing."""

import math
from collections.abc import Callable
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
    names = predictor.info.class_names
    model, worst, bins = (
        Scores(names),
        Worst(),
        torch.zeros(3, BINS, dtype=torch.float64),
    )
    baselines = {
        name: (predict, Scores(names)) for name, predict in _baselines(source).items()
    }
    count = len(source.dataset)
    hidden = True if quiet else None  # None: hidden where stderr is not a terminal
    for i in tqdm(
        range(count), f"eval {source.name}", leave=False, ascii=True, disable=hidden
    ):
        image, target, name = sample(source.dataset, i)
        mask, found = predict_and_calibrate(predictor, image, target, options, name)
        bins += found
        worst.add(model.add(name, mask, target), i, mask)
        for predict, scores in baselines.values():
            scores.add(name, predict(image[None])[0], target)
    result = {
        "checkpoint": str(checkpoint),
        "split": source.name,
        "images": count,
        "data": source.description,
        "data_fingerprint": source.dataset.info.fingerprint,
        "class_names": list(names),
        "options": {
            "tile": options.tile,
            "overlap": options.overlap,
            "tta": options.tta,
        },
        "model": {
            **model.numbers(),
            "ece": ece(bins),
            "pixels_counted": int(bins[0].sum()),
        },
        "baselines": {
            name: scores.numbers() for name, (_, scores) in baselines.items()
        },
        "worst_images": [
            {"name": model.rows[i]["name"], "dice_fg": model.rows[i]["dice_fg"]}
            for i in worst.order()
        ],
        "notes": source.notes,
    }
    out = out or (run_folder(checkpoint) or Path()) / "eval"
    write_report(result, out, model, bins, worst.judged(source.dataset))
    return result


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


def _baselines(source: Source) -> dict[str, Callable[[Tensor], Tensor]]:
    """Predictors that learn nothing; the threshold is tuned on training images."""
    found = {"all_background": all_background}
    if len(source.dataset.info.class_names) == 2 and source.train is not None:
        count = len(source.train)
        picked = range(0, count, -(-count // TUNING))
        pairs = [sample(source.train, index)[:2] for index in picked]
        found["blur_threshold"] = fit_blur_threshold(pairs).predict
    return found
