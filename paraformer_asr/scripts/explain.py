"""See what a model did with a recording: `python scripts/explain.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    audio: Annotated[Path, Option("--input", help="A recording of at most 30 s")],
    text: Annotated[
        str, Option(help="What is really said: shows both passes of the training")
    ] = "",
    out: Annotated[Path | None, Option(help="Default: explained/ of the run")] = None,
    film: Annotated[
        bool, Option("--film", help="A GIF over the epochs that train.keep has kept")
    ] = False,
) -> None:
    """Sound, weights, running sum and tokens as a picture; each decision as a table.

    Example: scripts/explain.py --checkpoint runs/latest/checkpoints/best.pt
    --input a.wav --text "one two"
    """
    from src.explain.explain import explain
    from src.explain.training_gif import draw_training, epochs_of
    from src.training.load import run_folder
    from src.utils.errors import InputError
    from src.utils.logging import start_logging

    start_logging()
    folder = run_folder(checkpoint)
    if film:  # refused before anything is written
        if folder is None:
            raise InputError(f"--film: {checkpoint} lies in no run folder")
        epochs_of(folder)
    out = out or (folder or Path()) / "explained"
    done = explain(checkpoint, audio, out, text=text)
    print(done.tables, f"\nheard  {done.text}", sep="\n")
    pictures = list(done.pictures)
    if film:
        pictures.append(out / f"{audio.stem}.training.gif")
        draw_training(folder, audio, pictures[-1])
    print("saved ", "\n       ".join(map(str, pictures)))


if __name__ == "__main__":
    run(command)
