"""Look at a whole network: see `python scripts/look.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    split: Annotated[str, Option(help="Whose images: train, val or test")] = "val",
    count: Annotated[int, Option(help="Images, drawn from the split")] = 1000,
    what: Annotated[
        str, Option(help="Of kernels,maps,maximise,pca,tsne,landscape. Default: all")
    ] = "",
    out: Annotated[Path | None, Option(help="Default: look/ of the run")] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda or mps")] = "auto",
    seed: Annotated[int, Option(help="Of the images and the directions")] = 0,
    as_json: Annotated[bool, Option("--json", help="Result as JSON")] = False,
    quiet: Annotated[bool, Option("--quiet", help="No progress")] = False,
) -> None:
    """Draw kernels, feature maps, ideal images, embeddings and the loss landscape.

    Example: python scripts/look.py --checkpoint runs/latest/checkpoints/best.pt
    """
    from src.explain.look import look, report
    from src.utils.run_dir import to_json

    names = [name.strip() for name in what.split(",") if name.strip()]
    result = look(
        checkpoint, split, count, names, out, device=device, seed=seed, quiet=quiet
    )
    print(to_json(result, indent=1) if as_json else report(result))


if __name__ == "__main__":
    run(command)
