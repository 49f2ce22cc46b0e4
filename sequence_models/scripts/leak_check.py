"""Does a model see what it is asked for? See `python scripts/leak_check.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Exit, Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    data: Annotated[
        str, Option(help="default: the checkpoint's own; none: the model alone")
    ] = "default",
    json: Annotated[bool, Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Look for the future in a language model and in its data; exit 1 if it is there.

    Example: scripts/leak_check.py --checkpoint runs/latest/checkpoints/best.pt
    """
    from src.inference.leak_check import check_leaks, format_report
    from src.utils.run_dir import to_json

    report = check_leaks(checkpoint, data)
    print(to_json(report, indent=1) if json else format_report(report))
    raise Exit(1 if report["leaks"] else 0)


if __name__ == "__main__":
    run(command)
