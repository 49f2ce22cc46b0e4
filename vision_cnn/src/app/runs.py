"""What the panel `runs` asks: why a training stopped; which of two models is better.

The runs are the folders beside the one of the checkpoint. A question names them as the
lists of `start` do: no path comes from the page.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from ..data import ImageSet
from ..inference.predictor import Predictor
from ..inference.scores import Predictions, compare
from ..inference.splits import same_images
from ..training.load import open_splits, run_folder
from ..utils.errors import InputError
from ..utils.run_dir import resolve
from .opened import Opened
from .page import Question
from .scored import Part, part_of, predict, tiles
from .stops import read_curve, stopping


IMAGES = 500
MOST = 5000
TILES = 48
"""Pictures of a gallery: the surest mistakes."""
CHECKPOINTS = ("best", "last", "last-1")
PATIENCES = tuple(range(7))
GAINS = (0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)


class Runs:
    """The questions of the panel."""

    def __init__(self, opened: Opened | None, folder: Path | None = None):
        self.opened = opened
        run = run_folder(opened.path) if opened else None
        self.folder = folder or (run.resolve().parent if run else Path("runs"))
        self._open = lru_cache(2)(self._opened)

    def start(self) -> dict[str, Any]:
        """The runs and checkpoints that there are."""
        found, models, own = self._runs(), self._checkpoints(), self._own()
        rest = [name for name in models if name != own]
        run, splits = own.partition("/")[0], self._splits()
        return {
            "folder": self.folder.name,
            "runs": list(found),
            "run": run if run in found else next(iter(found), ""),
            "checkpoints": list(models),
            "pair": [own, _other(rest)] if rest and splits else [],
            "splits": splits,
            "split": self.opened.split if splits else "",
            "images": IMAGES,
            "most": MOST,
            "patiences": list(PATIENCES),
            "gains": list(GAINS),
        }

    def stopping(
        self, run: str, patience: int | None = None, min_gain: float | None = None
    ) -> dict[str, Any]:
        """The evaluations of a run and what the rule made, or would make, of them.

        None: as the run was told.
        """
        known = self._runs()
        if run not in known:
            raise InputError(f"run {run[:40]!r}: {self.folder} has {', '.join(known)}")
        curve = read_curve(known[run])
        own = curve.train
        try:
            train = replace(
                own,
                patience=own.patience if patience is None else patience,
                min_gain=own.min_gain if min_gain is None else min_gain,
            )
        except ValueError as error:
            raise InputError(f"train.{error}") from None
        asked = (train.patience, train.min_gain) != (own.patience, own.min_gain)
        return {
            "run": run,
            "asked": asked,
            "own": {"patience": own.patience, "min_gain": own.min_gain},
            **stopping(curve.epochs, curve.values, train),
        }

    def compare(
        self, a: str, b: str, split: str, images: int = IMAGES
    ) -> Iterator[dict[str, Any]]:
        """{"done", "of"}, then A against B on the same images."""
        one, other = self._open(a), self._open(b)
        part = part_of(one[1], split, min(images, MOST))
        theirs = part_of(other[1], split, min(images, MOST))
        _require_same(one, other, split, f"{a} and {b}")
        seen = []
        for predictor, chosen in ((one[0], part), (other[0], theirs)):
            for found in predict(predictor, chosen):
                if isinstance(found, Predictions):
                    seen.append(found)
                else:
                    done = len(seen) * len(part.indices) + found
                    yield {"done": done, "of": 2 * len(part.indices)}
        yield _compared(part, seen[0], seen[1], one[0].info.class_names) | {
            "a": a,
            "b": b,
        }

    def exported(self) -> Iterable[Question]:
        """Every answer about the run shown first, and the pair shown first."""
        about = self.start()
        yield "runs/start", {}
        if run := about["run"]:
            yield "runs/stopping", {"run": run}
            for patience in PATIENCES:
                for gain in GAINS:
                    given = {"run": run, "patience": patience, "min_gain": gain}
                    yield "runs/stopping", given
        if pair := about["pair"]:
            given = {"a": pair[0], "b": pair[1], "images": IMAGES}
            yield "runs/compare", given | {"split": about["split"]}

    def _runs(self) -> dict[str, Path]:
        files = sorted(self.folder.glob("*/metrics.csv"))
        folders = [f.parent for f in files if (f.parent / "config.yaml").exists()]
        return {f.name: f for f in folders if not f.is_symlink()}

    def _checkpoints(self) -> dict[str, Path]:
        found = {}
        for path in sorted(self.folder.glob("*/checkpoints")):
            if path.parent.is_symlink():
                continue
            for name in CHECKPOINTS:
                if (file := path / f"{name}.pt").exists():
                    found[f"{path.parent.name}/{name}"] = file
        if self.opened and self._own() not in found:
            found = {self._own(): self.opened.path, **found}
        return found

    def _splits(self) -> list[str]:
        """None where there is no checkpoint, or its data is not here."""
        try:
            splits = self.opened.splits if self.opened else {}
        except InputError:
            return []
        return [name for name, images in splits.items() if len(images)]

    def _opened(self, name: str) -> tuple[Predictor, dict[str, ImageSet]]:
        known = self._checkpoints()
        if name not in known or not self.opened:
            raise InputError(
                f"checkpoint {name[:40]!r}: {self.folder} has {', '.join(known)}"
            )
        ours = self.opened
        opened = ours if name == self._own() else Opened(known[name])
        predictor = Predictor(opened.model, opened.config, opened.info)
        same = opened.config.data == ours.config.data
        if same and opened.config.seed == ours.config.seed:  # once, for it may be large
            parts = ours.splits.items()
            return predictor, {n: s.normalised_by(opened.info) for n, s in parts}
        return predictor, open_splits(opened.config, opened.info)

    def _own(self) -> str:
        """What the list of checkpoints calls the opened one."""
        if not self.opened:
            return ""
        path = resolve(self.opened.path)
        run = run_folder(path)
        return f"{run.resolve().name}/{path.stem}" if run else path.name


def _compared(
    part: Part, a: Predictions, b: Predictions, names: tuple[str, ...]
) -> dict[str, Any]:
    only_a = _surest(b, a.right & ~b.right)
    only_b = _surest(a, b.right & ~a.right)
    return {
        "split": part.split,
        "images": len(part.indices),
        "of": len(part.dataset),
        "accuracy_a": a.right.double().mean().item(),
        **compare(a.logits, b.logits, a.target, names),
        "class_names": list(names),
        "both_right": int((a.right & b.right).sum()),
        "both_wrong": int((~a.right & ~b.right).sum()),
        "tiles_a": tiles(part, b, only_a, names),
        "tiles_b": tiles(part, a, only_b, names),
    }


def _surest(wrong: Predictions, chosen: torch.Tensor) -> list[int]:
    """The surest of the mistakes that the other model did not make."""
    sure = wrong.probabilities.max(1).values.masked_fill(~chosen, -1)
    order = sure.argsort(descending=True, stable=True)
    return order[: min(TILES, int(chosen.sum()))].tolist()


def _require_same(
    one: tuple[Predictor, dict[str, ImageSet]],
    other: tuple[Predictor, dict[str, ImageSet]],
    split: str,
    pair: str,
) -> None:
    (a, ours), (b, theirs) = one, other
    if a.info.class_names != b.info.class_names:
        raise InputError(f"{pair} were trained on different classes")
    if ours[split].images is theirs[split].images:
        return
    if not same_images(ours[split], theirs[split], False):
        raise InputError(
            f"{pair} have other images in {split}; compare models of the same data, "
            "with the same seed and data.val_share"
        )


def _other(rest: list[str]) -> str:
    """To compare with: the best of another run, else an earlier state of this one."""
    for wanted in (lambda n: n.endswith("/best"), lambda n: n.endswith("/last-1")):
        for name in rest:
            if wanted(name):
                return name
    return rest[0]
