"""Every row of a table tested once: by a model that was trained on other folds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..data import ArrayDataset, Splits
from ..metrics import wilson_interval
from ..utils.config import to_dict
from ..utils.errors import InputError
from ..utils.interrupt import exit_code
from ..utils.run_dir import RunDir
from .predict import probabilities
from .state import State
from .task import Config, build
from .trainer import Trainer


Reference = Callable[[ArrayDataset, ArrayDataset], np.ndarray]
"""(training rows, test rows) -> the classes that another program predicts."""


def cross_validate(config: Config, reference: Reference | None = None) -> dict:
    """Accuracy of each fold and of all together, with its 95 % interval.

    The reference learns from the rows that train and validate here. Ends the process
    with 130 or 143 after a signal.
    """
    if config.data.name != "table":
        raise InputError(
            f"data.name = {config.data.name}: only a table is divided into folds"
        )
    rows = []
    for fold in tqdm(range(config.data.folds), "folds", leave=False, disable=None):
        splits, guess = _train(replace(config, data=replace(config.data, fold=fold)))
        truth = splits.test.labels
        row = {"fold": fold, "rows": len(truth), "right": _right(guess, truth)}
        if reference:
            row["reference"] = _right(reference(_known(splits), splits.test), truth)
        rows.append(row)
    result = {"folds": rows, "model": _pooled(rows, "right")}
    if reference:
        result["reference"] = _pooled(rows, "reference")
    return result


def _train(config: Config) -> tuple[Splits, np.ndarray]:
    """The data and the predicted classes of the test rows of one fold."""
    setup = build(config)
    state = State(config, {"config": to_dict(config), "data": setup.data}, setup.model)
    run = RunDir(Path(), writes=False)
    trainer = Trainer(config, setup.task, setup.splits, state, run, quiet=True)
    if stop := trainer.fit():
        raise SystemExit(exit_code(stop))
    setup.model.load_state_dict(state.best["model"])
    return setup.splits, probabilities(setup.model, setup.splits.test).argmax(1)


def _known(splits: Splits) -> ArrayDataset:
    features = np.concatenate([splits.train.features, splits.val.features])
    return ArrayDataset(
        features, np.concatenate([splits.train.labels, splits.val.labels])
    )


def _right(guess: np.ndarray, truth: np.ndarray) -> int:
    return int((guess == truth).sum())


def _pooled(rows: list[dict[str, Any]], key: str) -> dict[str, Any]:
    right, total = sum(row[key] for row in rows), sum(row["rows"] for row in rows)
    return {
        "right": right,
        "rows": total,
        "accuracy": right / total,
        "interval_95": list(wilson_interval(right, total)),
    }
