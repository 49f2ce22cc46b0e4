"""How good is a configuration, and is another one better? Stratified k-fold.

Each fold is an ordinary run, in a folder of its own, that trains on the other folds.
Judged are its last weights, after the whole schedule: to choose the epoch, or to stop,
by the images that are to judge would flatter it.
"""

import csv
import io
import statistics
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data import build_datasets, open_source
from ..data.dataloader import eval_loader
from ..data.folds import stratified_folds
from ..metrics import difference_interval, mcnemar, wilson_interval
from ..utils.atomic import write_atomically
from ..utils.config import load_config
from ..utils.device import pick_device
from ..utils.errors import InputError
from ..utils.folders import make_folder
from ..utils.logging import log, table
from ..utils.plots import BLUE, ORANGE, new_figure, plain_text, save_figure
from ..utils.run_dir import to_json
from ..utils.tensor_utils import to_device
from .launch import train
from .load import load_model
from .options import Options
from .task import Config


class Judged:
    """What the folds of one configuration say of all training images."""

    def __init__(self, name: str, names: Sequence[str], target: Tensor):
        self.name, self.names, self.target = name, names, target
        self.predicted = torch.full_like(target, -1)
        self.fold = torch.full_like(target, -1)
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


def cross_validate(
    path: Path,
    overrides: Sequence[str],
    folds: int = 5,
    against: Path | None = None,
    out: Path = Path("runs"),
    device: str = "auto",
    quiet: bool = False,
    as_json: bool = False,
) -> int:
    """The command: train all folds, print and draw what they say; the exit code."""
    if folds < 2:
        raise InputError(f"--folds {folds}: must be 2 or more")
    paths = [path, against] if against else [path]
    configs = [load_config(Config, each, overrides) for each in paths]
    sources = [open_source(config.data, config.seed) for config in configs]
    if against and sources[0].fingerprint != sources[1].fingerprint:
        raise InputError(f"{path} and {against} do not train on the same images")
    parent, judged = _new_folder(out, path.stem), []
    for each, config, source, name in zip(paths, configs, sources, "ab", strict=False):
        labelled = source.parts["train"]
        held_out = stratified_folds(labelled.labels, folds, config.seed)
        found = Judged(each.stem, labelled.names, labelled.labels)
        for fold, indices in enumerate(held_out):
            where = parent / name if against else parent
            given = (*overrides, f"data.folds={folds}", f"data.fold={fold}")
            options = Options(
                config=each,
                overrides=(*given, "train.patience=0"),
                name=f"fold-{fold + 1}",
                out=where,
                device=device,
                quiet=quiet,
            )
            with redirect_stdout(io.StringIO()):  # the table of a single run
                code = train(options)
            if code:  # a signal
                return code
            found.add(where / options.name, indices, pick_device(device))
            log.info(f"fold {fold + 1} of {folds}: {found.accuracies()[-1]:.4f} right")
        judged.append(found)
    summary = judged[0].summary()
    if against:
        summary["against"] = judged[1].summary() | compare(*judged)
    draw(judged, parent / "folds.png")
    write_atomically(parent / "predictions.csv", _lines(judged).encode())
    summary |= {
        "folder": str(parent),
        "picture": str(parent / "folds.png"),
        "predictions": str(parent / "predictions.csv"),
    }
    write_atomically(
        parent / "cross_validation.json", f"{to_json(summary, indent=2)}\n".encode()
    )
    print(to_json(summary) if as_json else _report(summary))
    return 0


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


def _report(summary: dict[str, Any]) -> str:
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


def _lines(judged: Sequence[Judged]) -> str:
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


def _new_folder(out: Path, stem: str) -> Path:
    """`out/<stem>-cv-NNN` with the next number, made now: nobody else has it."""
    make_folder(out)
    number = 1
    while True:
        path = out / f"{stem}-cv-{number:03d}"
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1
