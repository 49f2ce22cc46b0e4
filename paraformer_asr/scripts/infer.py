"""Write down what is said: see `python scripts/infer.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Argument, Exit, Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    input: Annotated[
        list[Path] | None, Option(help="A recording or a folder; may be repeated")
    ] = None,
    more: Annotated[
        list[Path] | None, Argument(metavar="FILE", help="More of them")
    ] = None,
    out: Annotated[Path | None, Option(help="Default: transcripts/ of the run")] = None,
    format: Annotated[
        str, Option("--format", "-f", help="txt,json,srt,vtt,tsv or all")
    ] = "txt",
    method: Annotated[
        str, Option(help="auto, nar, nar_beam, ctc, ctc_beam, ar or ar_beam")
    ] = "auto",
    hotwords: Annotated[
        str, Option(help="Phrases to expect, with commas between, or a file of them")
    ] = "",
    lm: Annotated[Path | None, Option(help="A language model, an ARPA file")] = None,
    stream: Annotated[
        bool, Option("--stream", help="Show texts as they grow, with a causal encoder")
    ] = False,
    device: Annotated[str, Option(help="auto, cpu, cuda or mps")] = "auto",
    json: Annotated[bool, Option("--json", help="Print the summary as JSON")] = False,
    skip_bad: Annotated[
        bool, Option("--skip-bad", help="Exit 0 although some files are bad")
    ] = False,
    quiet: Annotated[bool, Option("--quiet", help="Errors and the end only")] = False,
) -> None:
    """Transcribe recordings of any length and sample rate.

    Example: scripts/infer.py --checkpoint runs/latest/checkpoints/best.pt --input DIR

    stdout gets a line a segment, stderr the rest. Exit 2 if a file is bad.
    """
    from src.inference.infer import exit_code, infer, verdict
    from src.utils.logging import start_logging
    from src.utils.run_dir import to_json

    start_logging(quiet)
    given = {"formats": format, "method": method, "hotwords": hotwords, "lm": lm}
    given |= {"stream": stream, "device": device, "quiet": quiet}
    say = None if json or quiet else lambda line: print(line, flush=True)
    sources = [*(input or ()), *(more or ())]
    done = infer(checkpoint, sources, out, **given, say=say)
    if json:
        print(to_json(done, indent=1))
    print(verdict(done), file=sys.stderr)
    raise Exit(exit_code(done, skip_bad))


if __name__ == "__main__":
    run(command)
