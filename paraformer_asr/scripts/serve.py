"""Transcribe over HTTP: see `python scripts/serve.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[Path, Option(help="runs/latest/checkpoints/best.pt")],
    host: Annotated[
        str, Option(help="0.0.0.0 lets other machines in: put a proxy in front")
    ] = "127.0.0.1",
    port: Annotated[int, Option(help="0: any free one")] = 8000,
    queue: Annotated[
        int, Option(help="Requests that wait or run; one more gets 503")
    ] = 8,
    max_seconds: Annotated[float, Option(help="Of audio in a file")] = 600.0,
    max_mb: Annotated[float, Option(help="Of a request's body")] = 25.0,
    deadline: Annotated[float, Option(help="Seconds to an answer, else 504")] = 60.0,
    streams: Annotated[int, Option(help="WebSockets at one time")] = 4,
    threads: Annotated[
        int, Option(min=0, help="Of the model; 0: what torch chooses")
    ] = 0,
    quiet: Annotated[bool, Option("--quiet", help="Warnings and errors only")] = False,
) -> None:
    """Serve a checkpoint: OpenAI's transcription API, a WebSocket and a page.

    Example: scripts/serve.py --checkpoint runs/latest/checkpoints/best.pt

    stdout gets the address. Needs the extra `service`. SIGTERM lets requests finish.
    """
    from src.service.launch import Address, serve
    from src.service.limits import Limits
    from src.utils.logging import start_logging

    start_logging(quiet)
    limits = Limits(
        queue=queue,
        seconds=max_seconds,
        megabytes=max_mb,
        deadline_s=deadline,
        sockets=streams,
    )
    serve(checkpoint, Address(host, port), limits, threads)


if __name__ == "__main__":
    run(command)
