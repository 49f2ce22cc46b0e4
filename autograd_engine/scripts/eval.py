"""Score a trained model: see `python scripts/eval.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.npz")],
    split: Annotated[str, Option(help="train, val or test")] = "test",
    data: Annotated[str, Option(help="Where the data is now, if it was moved")] = "",
    out: Annotated[Path | None, Option(help="Default: eval/ of the run")] = None,
    device: Annotated[str, Option(help="auto, cpu or cuda")] = "auto",
    json: Annotated[bool, Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Loss, accuracy and its interval, classes one by one, on data not trained on.

    Example: scripts/eval.py --checkpoint runs/latest/checkpoints/best.npz --split val
    """
    from src.inference.evaluate import evaluate, text
    from src.utils.logging import start_logging
    from src.utils.run_dir import to_json

    start_logging()
    result = evaluate(checkpoint, split, out, root=data, device=device)
    print(to_json(result) if json else text(result))


if __name__ == "__main__":
    run(command)
