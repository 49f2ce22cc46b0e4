"""Compare models of equal size: see `python scripts/evolve.py --help`."""

import sys
from pathlib import Path
from typing import Annotated, Literal


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

import typer

from src.utils.cli import run


def evolve(
    config: Annotated[
        Path,
        typer.Option(help="A bench of configs/, such as configs/evolve_small.yaml"),
    ],
    only: Annotated[
        list[str] | None, typer.Option(help="Run these entries alone (repeatable)")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Where the folder of the bench is made")
    ] = Path("runs"),
    at_once: Annotated[int, typer.Option(help="Runs that go on side by side")] = 1,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option()] = "cpu",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and what it costs")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Only build the page of what has run")
    ] = False,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Choose the learning rates, kept beside --config"),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Warnings and result only")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON")] = False,
) -> None:
    """Train models of equal size, compare them: evolve.py --config configs/x.yaml.

    Finished runs are not begun again and interrupted ones go on, so the same command
    finishes a bench that was stopped.
    """
    from src.evolution.evolve import evolve

    options = (device, dry_run, report, sweep, quiet, as_json)
    raise typer.Exit(evolve(config, only or (), out, at_once, *options))


if __name__ == "__main__":
    run(evolve)
