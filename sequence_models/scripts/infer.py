"""Ask a trained model: see `python scripts/infer.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Exit, Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    prompt: Annotated[str | None, Option(help="A text to go on with or to ask")] = None,
    input: Annotated[Path | None, Option(help="The same from a file, - stdin")] = None,
    out: Annotated[Path | None, Option(help="Default: predictions/ of the run")] = None,
    count: Annotated[int, Option(help="Texts to write")] = 1,
    length: Annotated[int, Option(help="Tokens of a text, at most")] = 300,
    temperature: Annotated[float | None, Option(help="0: the likeliest")] = None,
    top_k: Annotated[int, Option(help="Draw from the k likeliest; 0: all")] = 0,
    top_p: Annotated[float, Option(help="... that hold this share; 1: all")] = 1.0,
    min_p: Annotated[float, Option(help="... at least so likely as the best")] = 0.0,
    repetition_penalty: Annotated[float, Option(help="Above 1: fewer repeats")] = 1.0,
    no_repeat_ngram: Annotated[int, Option(help="No n tokens twice; 0: may be")] = 0,
    beam: Annotated[int, Option(help="Beam search of this width")] = 0,
    draft: Annotated[Path | None, Option(help="A small model that guesses")] = None,
    guesses: Annotated[int, Option(help="How many it guesses at once")] = 4,
    seed: Annotated[int, Option(help="Another seed, another text")] = 0,
    stream: Annotated[bool, Option("--stream", help="Show it as it comes")] = False,
    score: Annotated[bool, Option("--score", help="Bits per byte of a text")] = False,
    quality: Annotated[bool, Option("--quality", help="Beside real text")] = False,
    top: Annotated[int, Option(help="Classes or words shown")] = 3,
    device: Annotated[str, Option(help="auto, cpu, cuda or mps")] = "auto",
    json: Annotated[bool, Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Write on, score, classify, answer or fill <|mask|>: what the checkpoint is for.

    Example: scripts/infer.py --checkpoint runs/latest/checkpoints/best.pt --stream

    stdout gets the texts or answers, stderr the rest. Exit 2 if a text is bad.
    """
    from src.generation.sampling import Sampling
    from src.inference import infer, report
    from src.utils.logging import start_logging

    start_logging()
    filters = Sampling(1.0, top_k, top_p, min_p, repetition_penalty, no_repeat_ngram)
    how = infer.Writing(count, length, temperature, filters, seed, beam, draft, guesses)
    wanted = infer.Wanted(score, quality, stream, json, top)
    done = infer.infer(checkpoint, prompt, input, out, how, wanted, device)
    print(report.text(done, json), end="")
    print(report.verdict(done), file=sys.stderr)
    raise Exit(report.exit_code(done))


if __name__ == "__main__":
    run(command)
