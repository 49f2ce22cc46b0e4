"""Hear it in a browser: see `python scripts/app.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[
        Path | None, Option(help="Default: best.pt of runs/latest, else the last run")
    ] = None,
    beside: Annotated[
        Path | None, Option(help="A second one, for the methods that the first lacks")
    ] = None,
    examples: Annotated[
        Path | None, Option(help="A folder of WAV files to choose from on the page")
    ] = None,
    port: Annotated[int, Option(help="On 127.0.0.1; 0: any free one")] = 8000,
    export: Annotated[
        Path | None, Option(help="Write the page as one HTML file instead")
    ] = None,
) -> None:
    """Record or drop a sound: transcript, integrate-and-fire, the methods side by side.

    Example: scripts/app.py --checkpoint runs/latest/checkpoints/best.pt

    stdout gets the address, or the file that was written. It is the service of
    scripts/serve.py with its defaults, and needs the extra `app`; --export does not.
    """
    from src.app.choice import Extras, chosen
    from src.utils.logging import start_logging

    start_logging()
    path, extras = chosen(checkpoint), Extras(beside, examples)
    if export is None:
        from src.service.launch import Address, serve
        from src.service.limits import Limits

        serve(path, Address(port=port), Limits(), extras=extras)
        return
    from src.app.build import save

    size = save(path, extras, export)
    print(f"{export}  {size / 1e6:.1f} MB; open it in a browser")


if __name__ == "__main__":
    run(command)
