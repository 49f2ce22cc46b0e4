"""Show what a network sees in images: see `python scripts/explain.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Exit, Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    input: Annotated[
        list[str],
        Option(help="An image, a folder, or val:17 of the data; may be repeated"),
    ],
    target: Annotated[
        str, Option("--class", help="Name or number. Default: the likeliest")
    ] = "",
    layer: Annotated[
        str, Option(help="Of Grad-CAM. Default: the last with several positions")
    ] = "",
    out: Annotated[
        Path | None, Option(help="A .png or a folder. Default: explained/ of the run")
    ] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda or mps")] = "auto",
    json: Annotated[bool, Option("--json", help="Print the summary as JSON")] = False,
) -> None:
    """Write a sheet for each image: which pixels speak for its class, and what is seen.

    Example: explain.py --checkpoint runs/latest/checkpoints/best.pt --input val:17

    stdout gets the table, stderr the rest. Exit 2 if an image is bad.
    """
    from src.explain.explain import explain, text, verdict
    from src.utils.logging import start_logging
    from src.utils.run_dir import to_json

    start_logging(quiet=False)
    done = explain(
        checkpoint, input, target=target, layer=layer, out=out, device=device
    )
    print(to_json(done, indent=1) if json else text(done))
    print(verdict(done), file=sys.stderr)
    raise Exit(2 if done["failures"] else 0)


if __name__ == "__main__":
    run(command)
