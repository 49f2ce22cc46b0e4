"""Predict images with a trained model: see `python scripts/infer.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Exit, Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    input: Annotated[Path, Option(help="A PNG, JPEG or TIFF image, or a folder")],
    out: Annotated[Path | None, Option(help="Default: predictions/ of the run")] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda or mps")] = "auto",
    tile: Annotated[int, Option(help="Side in pixels; 0: whole images")] = 512,
    overlap: Annotated[float, Option(help="Share of neighbouring tiles")] = 0.5,
    tta: Annotated[bool, Option("--tta", help="Mean of 8 flips and turns")] = False,
    probabilities: Annotated[
        bool, Option("--probabilities", help="Write NAME_probabilities.npz")
    ] = False,
    entropy: Annotated[
        bool,
        Option("--entropy", help="Write NAME_entropy.png: white is ln(classes) nats"),
    ] = False,
    attention: Annotated[
        bool,
        Option("--attention", help="Write NAME_attention.png: what the middle sees"),
    ] = False,
    json: Annotated[bool, Option("--json", help="Print the summary as JSON")] = False,
    skip_bad: Annotated[
        bool, Option("--skip-bad", help="Exit 0 although some files are bad")
    ] = False,
    quiet: Annotated[bool, Option("--quiet", help="Errors and the end only")] = False,
) -> None:
    """Name each pixel: masks in the codes and size of the data, and overlays.

    Example: scripts/infer.py --checkpoint runs/latest/checkpoints/best.pt --input DIR

    stdout gets the paths of the masks, stderr the rest. Exit 2 if a file is bad.
    """
    from src.inference.infer import exit_code, infer, verdict
    from src.inference.outputs import to_json
    from src.inference.predictor import Options
    from src.utils.logging import start_logging

    start_logging(quiet)
    options = Options(tile, overlap, tta, probabilities, entropy, attention)
    done = infer(checkpoint, input, out, device=device, options=options, quiet=quiet)
    for line in [to_json(done)] if json else [i["mask"] for i in done["images"]]:
        print(line)
    print(verdict(done), file=sys.stderr)
    raise Exit(exit_code(done, skip_bad))


if __name__ == "__main__":
    run(command)
