"""Name the class of images: see `python scripts/infer.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Exit, Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    input: Annotated[list[Path], Option(help="An image or a folder; may be repeated")],
    out: Annotated[Path | None, Option(help="Default: predictions/ of the run")] = None,
    top: Annotated[int, Option(help="Classes shown of an image")] = 3,
    tta: Annotated[
        str, Option(help="Views to average: none, flip (2) or flip_shift (6)")
    ] = "none",
    device: Annotated[str, Option(help="auto, cpu, cuda or mps")] = "auto",
    json: Annotated[bool, Option("--json", help="Print the summary as JSON")] = False,
    skip_bad: Annotated[
        bool, Option("--skip-bad", help="Exit 0 although some files are bad")
    ] = False,
    quiet: Annotated[bool, Option("--quiet", help="Errors and the end only")] = False,
) -> None:
    """Name the class of images of any size, with the likeliest others.

    Example: scripts/infer.py --checkpoint runs/latest/checkpoints/best.pt --input DIR

    stdout gets a line an image, stderr the rest. Exit 2 if a file is bad.
    """
    from src.inference.infer import exit_code, infer, text, verdict
    from src.utils.logging import start_logging
    from src.utils.run_dir import to_json

    start_logging(quiet)
    done = infer(checkpoint, input, out, top=top, tta=tta, device=device, quiet=quiet)
    print(to_json(done, indent=1) if json else text(done))
    print(verdict(done), file=sys.stderr)
    raise Exit(exit_code(done, skip_bad))


if __name__ == "__main__":
    run(command)
