"""Ask a trained model: see `python scripts/infer.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Exit, Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.npz")],
    input: Annotated[
        Path | None,
        Option(help="An image or a folder of them, a CSV, sentences, or a text"),
    ] = None,
    prompt: Annotated[
        str | None, Option(help="What a language model goes on with")
    ] = None,
    out: Annotated[Path | None, Option(help="Default: predictions/ of the run")] = None,
    device: Annotated[str, Option(help="auto, cpu or cuda")] = "auto",
    tokens: Annotated[int, Option(help="Text: characters to write")] = 300,
    temperature: Annotated[float, Option(help="Text: 0 is the likeliest")] = 0.8,
    top_k: Annotated[int, Option(help="Text: candidates a step; 0: all")] = 0,
    seed: Annotated[int, Option(help="Text: another seed, another text")] = 0,
    json: Annotated[bool, Option("--json", help="Print the result as JSON")] = False,
    skip_bad: Annotated[
        bool, Option("--skip-bad", help="Exit 0 although some files are bad")
    ] = False,
) -> None:
    """Name the class of each image, row or sentence, or write on after a prompt.

    Example: scripts/infer.py --checkpoint runs/latest/checkpoints/best.npz --input DIR

    stdout gets the answers, stderr the rest. Exit 2 if a file is bad.
    """
    from src.inference.infer import Sampling, exit_code, infer, text, verdict
    from src.utils.logging import start_logging
    from src.utils.run_dir import to_json

    start_logging()
    how = Sampling(tokens, temperature, top_k, seed)
    done = infer(checkpoint, input, out, prompt=prompt, sampling=how, device=device)
    if said := to_json(done) if json else text(done):
        print(said)
    print(verdict(done), file=sys.stderr)
    raise Exit(exit_code(done, skip_bad))


if __name__ == "__main__":
    run(command)
