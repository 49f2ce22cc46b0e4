# pattern: scripts/train.py -- the same in every sub-project; edit one, then: python -m tools.copies sync scripts/train.py --from <sub-project>
"""Train a model: see `python scripts/train.py --help`."""

import sys
from pathlib import Path
from typing import Annotated, Literal


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

import typer

from src.utils.cli import run


def train(
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE", help="Change the config, e.g. optim.lr=1e-3"
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file of configs/")] = None,
    name: Annotated[
        str, typer.Option(help="Name of the run folder. Default: <config>-NNN")
    ] = "",
    out: Annotated[Path, typer.Option(help="Where run folders are made")] = Path(
        "runs"
    ),
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option()] = "auto",
    seed: Annotated[int | None, typer.Option(help="Instead of the config's")] = None,
    resume: Annotated[
        str, typer.Option(help="A run folder to go on with, or latest")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="One batch, write nothing")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Warnings and result only")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace --name")
    ] = False,
    no_contracts: Annotated[
        bool, typer.Option("--no-contracts", help="Do not check tensor shapes")
    ] = False,
) -> None:
    """Train a model: python scripts/train.py --config configs/NAME.yaml."""
    from src.training.launch import train
    from src.training.options import Options

    options = Options(
        config=config,
        overrides=tuple(overrides or ()),
        name=name,
        out=out,
        device=device,
        seed=seed,
        resume=resume,
        dry_run=dry_run,
        quiet=quiet,
        json=as_json,
        overwrite=overwrite,
        contracts=not no_contracts,
    )
    raise typer.Exit(train(options))


if __name__ == "__main__":
    run(train)
