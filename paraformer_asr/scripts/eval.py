"""Score a trained model: see `python scripts/eval.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Argument, Option

from src.utils.cli import run


def command(
    changes: Annotated[
        list[str] | None,
        Argument(metavar="KEY=VALUE", help="Change the data, e.g. data.join=[1,1]"),
    ] = None,
    *,
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    split: Annotated[
        str, Option(help="train, val or test. Default: test if there is one, else val")
    ] = "",
    method: Annotated[
        str, Option(help="auto, all, or a list: nar,ctc,ctc_beam or ar,ar_beam")
    ] = "auto",
    out: Annotated[Path | None, Option(help="Default: eval/ of the run")] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda or mps")] = "auto",
    json: Annotated[bool, Option("--json", help="Print the result as JSON")] = False,
    quiet: Annotated[bool, Option("--quiet", help="No progress")] = False,
) -> None:
    """Error rates of a split, by length and speaker, with the speed of each method.

    Example: scripts/eval.py --checkpoint runs/latest/checkpoints/best.pt --split val
    """
    from src.inference.evaluate import evaluate, text
    from src.utils.logging import start_logging
    from src.utils.run_dir import to_json

    start_logging(quiet)
    result = evaluate(
        checkpoint,
        split,
        out,
        method=method,
        device=device,
        quiet=quiet,
        changes=changes or (),
    )
    print(to_json(result, indent=1) if json else text(result))


if __name__ == "__main__":
    run(command)
