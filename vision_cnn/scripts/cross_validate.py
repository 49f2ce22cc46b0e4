"""Train k times and compare: see `python scripts/cross_validate.py --help`."""

import sys
from pathlib import Path
from typing import Annotated, Literal


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

import typer

from src.utils.cli import run


def validate(
    config: Annotated[Path, typer.Option(help="A YAML file of configs/")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE", help="Change the config, and the one against it"
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts of the training images")] = 5,
    against: Annotated[
        Path | None, typer.Option(help="Another config, compared by McNemar's test")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where <config>-cv-NNN is made")] = Path(
        "runs"
    ),
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option()] = "auto",
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Warnings and result only")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON")] = False,
) -> None:
    """Train k times: python scripts/cross_validate.py --config configs/x.yaml."""
    from src.training.cross_validate import cross_validate

    done = cross_validate(
        config, overrides or (), folds, against, out, device, quiet, as_json
    )
    raise typer.Exit(done)


if __name__ == "__main__":
    run(validate)
