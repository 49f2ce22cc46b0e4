"""Average the last epochs of a run: see `python scripts/average.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


def average(
    training: Annotated[Path, Option("--run", help="A run, or runs/latest")] = Path(
        "runs/latest"
    ),
    last: Annotated[int, Option(min=2, help="Epochs to average")] = 5,
    out: Annotated[
        Path | None, Option(help="Default: checkpoints/average.pt of the run")
    ] = None,
) -> None:
    """Mean of the weights of the last epochs that train.keep has kept."""
    from src.training.average import average_checkpoints, newest_epochs
    from src.utils.run_dir import find_run

    folder = find_run(str(training), Path("runs"))
    out = out or folder / "checkpoints" / "average.pt"
    average_checkpoints(newest_epochs(folder, last), out)
    print(f"{out}: the mean of {last} epochs")
    print(f"next  python scripts/eval.py --checkpoint {out}")


if __name__ == "__main__":
    run(average)
