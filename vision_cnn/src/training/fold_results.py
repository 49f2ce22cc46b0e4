"""What the folds of a cross-validation say: accuracies, a test, a picture, a table."""

import csv
import io
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data import Labelled, build_datasets
from ..data.dataloader import eval_loader
from ..metrics import difference_interval, mcnemar, wilson_interval
from ..utils.logging import table
from ..utils.plots import BLUE, ORANGE, new_figure, plain_text, save_figure
from ..utils.tensor_utils import to_device
from .load import load_model


class Judged:
    """What the folds of the configuration at `path` say of all training images."""

    def __init__(self, path: Path, labelled: Labelled, held_out: list[Tensor]):
        self.path, self.name, self.held_out = path, path.stem, held_out
        self.names, self.target = labelled.names, labelled.labels
        self.predicted = torch.full_like(self.target, -1)
        self.fold = torch.full_like(self.target, -1)
        self.runs: list[Path] = []

    @torch.no_grad()
    def add(self, run: Path, indices: Tensor, device: torch.device) -> None:
        """Let the last weights of `run` judge the images that it held out."""
        model, config, _, _ = load_model(run / "checkpoints" / "last.pt", device)
        dataset = build_datasets(config.data, config.augment, config.seed)["val"]
        guesses = []
        for batch in eval_loader(dataset, config.data.batch_size):
            image = to_device(batch["image"], device, config.train.channels_last)
            guesses.append(model(image).argmax(1).cpu())
        self.predicted[indices] = torch.cat(guesses)
        self.fold[indices] = len(self.runs)
        self.runs.append(run)

    @property
    def right(self) -> Tensor:
        return self.predicted == self.target

    def accuracies(self) -> list[float]:
        count = len(self.runs)
        return [self.right[self.fold == i].double().mean().item() for i in range(count)]

    def summary(self) -> dict[str, Any]:
        shares, right = self.accuracies(), int(self.right.sum())
        low, high = wilson_interval(right, len(self.right))
        return {
            "config": self.name,
            "folds": [
                {
                    "run": str(run),
                    "images": int((self.fold == i).sum()),
                    "accuracy": share,
                }
                for i, (run, share) in enumerate(zip(self.runs, shares, strict=True))
            ],
            "mean": statistics.mean(shares),
            "sd": statistics.stdev(shares),
            "images": len(self.right),
            "right": right,
            "pooled": right / len(self.right),
            "interval_95": [low, high],
        }


def compare(first: Judged, second: Judged) -> dict[str, Any]:
    """McNemar's test on the held-out predictions; first accuracy minus second."""
    found = mcnemar(first.right, second.right)
    gain = first.right.double().mean() - second.right.double().mean()
    return {
        "mcnemar": found._asdict(),
        "difference": gain.item(),
        "difference_95": list(difference_interval(first.right, second.right)),
    }


def draw(judged: Sequence[Judged], path: Path) -> None:
    """The accuracy of each fold, their mean, and the pooled accuracy's interval."""
    figure = new_figure(2.6 + 2.2 * len(judged), 4.0)
    axis = figure.subplots()
    for place, (found, color) in enumerate(zip(judged, (BLUE, ORANGE), strict=False)):
        said = found.summary()
        shares = found.accuracies()
        spread = [
            place + 0.3 * (i / (len(shares) - 1) - 0.5) for i in range(len(shares))
        ]
        axis.plot(spread, shares, "o", color=color, alpha=0.8, label="_")
        axis.hlines(said["mean"], place - 0.25, place + 0.25, color=color, linewidth=2)
        low, high = said["interval_95"]
        axis.fill_between(
            [place - 0.25, place + 0.25], low, high, color=color, alpha=0.2, linewidth=0
        )
        text = f"{said['mean']:.3f} ± {said['sd']:.3f}"
        axis.annotate(
            text, (place, high), (0, 4), textcoords="offset points", ha="center"
        )
    axis.set_xticks(
        range(len(judged)), [plain_text(found.name, 24) for found in judged]
    )
    axis.set_xlim(-0.6, len(judged) - 0.4)
    axis.margins(y=0.15)
    axis.set_ylabel("accuracy on the images held out")
    count = len(judged[0].runs)
    axis.set_title(
        f"{count} folds: each a dot, mean a line,\n95 % interval of all a band"
    )
    axis.grid(alpha=0.3, axis="y")
    save_figure(figure, path)


def report(summary: dict[str, Any]) -> str:
    both = [summary, summary["against"]] if "against" in summary else [summary]
    rows = [
        (f"fold {i + 1}", *(said["folds"][i]["accuracy"] for said in both))
        for i in range(len(summary["folds"]))
    ]
    rows += [
        (name, *(said[name] for said in both)) for name in ("mean", "sd", "pooled")
    ]
    ends = (("95 % from", 0), ("95 % to", 1))
    rows += [(name, *(said["interval_95"][i] for said in both)) for name, i in ends]
    text = table(rows, ("accuracy", *(said["config"] for said in both)))
    if "against" in summary:
        found = summary["against"]
        test, (low, high) = found["mcnemar"], found["difference_95"]
        text += (
            f"\ndifference {found['difference']:+.4f}, 95 % {low:+.4f} to {high:+.4f}; "
            f"right in {summary['config']} alone {test['only_a']}, in "
            f"{found['config']} alone {test['only_b']}; "
            f"McNemar p = {test['p']:.3g} ({test['method']})"
        )
    saved = "cross_validation.json, predictions.csv, folds.png, a folder for each run"
    return f"{text}\nsaved  {summary['folder']}/ ({saved})"


def lines(judged: Sequence[Judged]) -> str:
    """A row for each training image."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = [
        f"{what}_{found.name}" for found in judged for what in ("fold", "predicted")
    ]
    writer.writerow(["name", "target", *heads])
    for i, name in enumerate(judged[0].names):
        cells = [int(v[i]) for found in judged for v in (found.fold, found.predicted)]
        writer.writerow([name, int(judged[0].target[i]), *cells])
    return text.getvalue()
