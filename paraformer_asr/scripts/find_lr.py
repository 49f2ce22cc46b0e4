# pattern: scripts/find_lr.py -- the same in every sub-project; edit one, then: python -m tools.copies sync scripts/find_lr.py --from <sub-project>
"""Which learning rate? See `python scripts/find_lr.py --help`."""

import sys
from pathlib import Path
from typing import Annotated, Literal


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

import typer

from src.utils.cli import run


def find(
    config: Annotated[Path, typer.Option(help="A YAML file of configs/")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE", help="Change the config, e.g. data.batch_size=64"
        ),
    ] = None,
    low: Annotated[float, typer.Option(help="Rate of the first step")] = 1e-6,
    high: Annotated[float, typer.Option(help="Rate of the last step")] = 10.0,
    steps: Annotated[int, typer.Option(help="Steps, if the loss stays finite")] = 100,
    out: Annotated[
        Path, typer.Option(help="Gets a picture and a table, named after the config")
    ] = Path("runs/find_lr"),
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option()] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON")] = False,
) -> None:
    """Suggest a learning rate: python scripts/find_lr.py --config configs/x.yaml."""
    from src.training.lr_finder import find_lr

    done = find_lr(config, overrides or (), low, high, steps, out, device, as_json)
    raise typer.Exit(done)


if __name__ == "__main__":
    run(find)
