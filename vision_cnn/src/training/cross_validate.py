"""How good is a configuration, and is another one better? Stratified k-fold.

Each fold is an ordinary run, in a folder of its own, that trains on the other folds.
Judged are its last weights, after the whole schedule: to choose the epoch, or to stop,
by the images that are to judge would flatter it.
"""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from ..data import open_source
from ..data.splits import stratified_folds
from ..utils.atomic import write_atomically
from ..utils.config import load_config
from ..utils.device import pick_device
from ..utils.errors import InputError
from ..utils.folders import make_folder
from ..utils.logging import log
from ..utils.run_dir import to_json
from .fold_results import Judged, compare, draw, lines, report
from .launch import train
from .options import Options
from .task import Config


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
    opened = [_open(each, overrides, folds) for each in paths]
    if len({fingerprint for _, fingerprint in opened}) > 1:
        raise InputError(
            f"{path} and {against} do not train on the same images; give both the same "
            "data and seed"
        )
    judged, parent = [found for found, _ in opened], _new_folder(out, path.stem)
    for found, name in zip(judged, "ab", strict=False):
        where = parent / name if against else parent
        code = _train_folds(found, where, overrides, device, quiet)
        if code:  # a signal
            return code
    summary = judged[0].summary()
    if against:
        summary["against"] = judged[1].summary() | compare(*judged)
    summary |= {
        "folder": str(parent),
        "picture": str(parent / "folds.png"),
        "predictions": str(parent / "predictions.csv"),
    }
    draw(judged, parent / "folds.png")
    write_atomically(parent / "predictions.csv", lines(judged).encode())
    write_atomically(
        parent / "cross_validation.json", f"{to_json(summary, indent=2)}\n".encode()
    )
    print(to_json(summary) if as_json else report(summary))
    return 0


def _open(path: Path, overrides: Sequence[str], folds: int) -> tuple[Judged, str]:
    """The folds of a configuration, none trained yet, and what its data are."""
    config = load_config(Config, path, overrides)
    source = open_source(config.data, config.seed)
    labelled = source.parts["train"]
    held_out = stratified_folds(labelled.labels, folds, config.seed)
    return Judged(path, labelled, held_out), source.fingerprint


def _train_folds(
    found: Judged, out: Path, overrides: Sequence[str], device: str, quiet: bool
) -> int:
    """Train and judge each fold; the exit code of the first that did not end."""
    folds = len(found.held_out)
    for fold, indices in enumerate(found.held_out):
        given = (f"data.folds={folds}", f"data.fold={fold}", "train.patience=0")
        options = Options(
            config=found.path,
            overrides=(*overrides, *given),
            name=f"fold-{fold + 1}",
            out=out,
            device=device,
            quiet=quiet,
        )
        with redirect_stdout(io.StringIO()):  # the table of a single run
            code = train(options)
        if code:
            return code
        found.add(out / options.name, indices, pick_device(device))
        log.info(f"fold {fold + 1} of {folds}: {found.accuracies()[-1]:.4f} right")
    return 0


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
