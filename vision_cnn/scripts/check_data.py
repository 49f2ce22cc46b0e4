"""Look at a data set before training: `python scripts/check_data.py --help`."""

import sys
from pathlib import Path
from typing import Annotated, Literal


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Argument, Exit, Option

from src.utils.cli import run


def command(
    overrides: Annotated[
        list[str] | None, Argument(metavar="KEY=VALUE", help="As data.size=64.")
    ] = None,
    root: Annotated[str, Option(help="Folder, archive or .npz of images.")] = "",
    format: Annotated[
        Literal["auto", "idx", "cifar", "image_folder", "npz"],
        Option(help="Of --root; auto: by the names of its files."),
    ] = "auto",
    config: Annotated[
        Path | None, Option(help="A training config, instead of --root.")
    ] = None,
    out: Annotated[Path, Option(help="Gets the pictures.")] = Path("runs/check_data"),
    as_json: Annotated[
        bool, Option("--json", help="Print the report as JSON.")
    ] = False,
) -> None:
    """Report classes, sizes, copies and every fault; exit 2 if training would fail.

    Example: python scripts/check_data.py --root photos/ data.size=64
    """
    import json

    from src.data.check_data import check_data, format_report, next_command, read_config
    from src.data.check_pictures import draw_pictures
    from src.training.task import Config

    changes = overrides or []
    data, seed = read_config(Config, config, root, format, changes)
    report, datasets = check_data(data, seed)
    pictures = [str(path) for path in draw_pictures(datasets, out)] if datasets else []
    step = next_command(data, config, changes) if datasets else None
    if as_json:
        print(json.dumps(report.plain() | {"pictures": pictures, "next": step}))
    else:
        print(format_report(report))
        print(f"\npictures  {'  '.join(pictures)}" if pictures else "")
        print(f"next  {step}" if step else "nothing to train on yet")
    for fault in report.faults:
        print(f"fault: {fault}", file=sys.stderr)
    raise Exit(2 if report.faults else 0)


if __name__ == "__main__":
    run(command)
