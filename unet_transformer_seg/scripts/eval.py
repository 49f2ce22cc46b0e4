"""Score a trained model: see `python scripts/eval.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    split: Annotated[
        str, Option(help="train, val or test. Default: test if there is one, else val")
    ] = "",
    images: Annotated[Path | None, Option(help="Score this folder instead")] = None,
    masks: Annotated[Path | None, Option(help="Its masks")] = None,
    mask_suffix: Annotated[str, Option(help="End of mask names, as _mask")] = "",
    out: Annotated[Path | None, Option(help="Default: eval/ of the run")] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda or mps")] = "auto",
    tile: Annotated[int, Option(help="Side in pixels; 0: whole images")] = 512,
    overlap: Annotated[float, Option(help="Share of neighbouring tiles")] = 0.5,
    tta: Annotated[bool, Option("--tta", help="Mean of 8 flips and turns")] = False,
    json: Annotated[bool, Option("--json", help="Print the result as JSON")] = False,
    quiet: Annotated[bool, Option("--quiet", help="No progress")] = False,
) -> None:
    """Score whole images: overlap, edges, calibration, beside simple baselines.

    Example: scripts/eval.py --checkpoint runs/latest/checkpoints/best.pt --split val
    """
    from src.inference.evaluate import evaluate
    from src.inference.outputs import to_json
    from src.inference.predictor import Options
    from src.inference.report import text
    from src.utils.logging import start_logging

    start_logging(quiet)
    result = evaluate(
        checkpoint,
        split,
        out,
        images=images,
        masks=masks,
        mask_suffix=mask_suffix,
        device=device,
        options=Options(tile, overlap, tta),
        quiet=quiet,
    )
    print(to_json(result) if json else text(result))


if __name__ == "__main__":
    run(command)
