"""Look at images and masks before training: `python scripts/check_data.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Exit, Option

from src.utils.cli import run


def command(
    images: Annotated[str, Option(help="Folder of PNG, JPEG or TIFF images.")] = "",
    masks: Annotated[str, Option(help="Folder of masks.")] = "",
    mask_suffix: Annotated[str, Option(help="The mask of a.jpg is a + this.")] = "",
    config: Annotated[
        Path | None, Option(help="A training config, instead of --images and --masks.")
    ] = None,
    out: Annotated[Path, Option(help="Gets contact_sheet.png.")] = Path(
        "runs/check_data"
    ),
    as_json: Annotated[
        bool, Option("--json", help="Print the report as JSON.")
    ] = False,
) -> None:
    """Report pairs, sizes, mask values and every fault; exit 2 if training would fail.

    Example: python scripts/check_data.py --images photos/ --masks labels/
    """
    import json

    from src.data.check_data import (
        check_folder,
        draw_sheet,
        format_report,
        next_command,
        read_config,
    )
    from src.training.task import Config

    folder, seed = read_config(Config, config, images, masks, mask_suffix)
    report, survey = check_folder(folder, seed)
    sheet = out / "contact_sheet.png"
    step = None if report.faults else next_command(folder, survey, config)
    if survey.scans:
        draw_sheet(survey, sheet, f"{folder.images}: {report.pairs} images with masks")
    if as_json:
        found = {
            **report.plain(),
            "contact_sheet": str(sheet) if survey.scans else None,
            "next": step,
        }
        print(json.dumps(found, indent=1))
    else:
        print(format_report(report))
        print(f"\ncontact sheet: {sheet}" if survey.scans else "nothing to draw")
        if step:
            print(f"next  {step}")
    for fault in report.faults:
        print(f"fault: {fault}", file=sys.stderr)
    raise Exit(2 if report.faults else 0)


if __name__ == "__main__":
    run(command)
