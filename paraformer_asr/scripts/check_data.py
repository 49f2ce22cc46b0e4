"""Look at a data set before training: `python scripts/check_data.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Argument, Exit, Option

from src.utils.cli import run


def command(
    overrides: Annotated[
        list[str] | None,
        Argument(metavar="KEY=VALUE", help="As data.root=recordings."),
    ] = None,
    config: Annotated[
        Path | None, Option(help="A training config; without one, the defaults.")
    ] = None,
    as_json: Annotated[
        bool, Option("--json", help="Print the report as JSON.")
    ] = False,
) -> None:
    """Report durations, speakers, tokens and what is left out; exit 1 for faults.

    Example: python scripts/check_data.py data.name=manifest data.root=recordings
    """
    import json

    from src.data.check_data import check_data, format_report
    from src.training.task import Config
    from src.utils.config import from_dict, load_config

    changes = overrides or []
    if config is None:
        chosen = from_dict(Config, {}, "the command line", changes)
    else:
        chosen = load_config(Config, config, changes)
    report = check_data(chosen.data, chosen.features, chosen.tokenizer, chosen.seed)
    if as_json:
        print(json.dumps(report.plain()))
    else:
        print(format_report(report))
    if report.faults:
        print(f"{report.faults} recordings have faults: mend them", file=sys.stderr)
    raise Exit(1 if report.faults else 0)


if __name__ == "__main__":
    run(command)
