"""Play with it in a browser: see `python scripts/app.py --help`."""

import sys
from pathlib import Path
from typing import Annotated


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Option

from src.utils.cli import run


def command(
    checkpoint: Annotated[
        Path | None, Option(help="Default: of runs/latest, or of the newest run")
    ] = None,
    port: Annotated[int, Option(help="On 127.0.0.1; 0: any free one")] = 8000,
    export: Annotated[
        Path | None, Option(help="Write the page as one HTML file instead")
    ] = None,
) -> None:
    """Serve the pages on this machine, or save them as one file for any browser.

    Example: scripts/app.py --export runs/page.html

    stdout gets the address, or the file that was written. Ctrl-C ends the server.
    """
    from src.utils.logging import start_logging

    start_logging()

    def load():
        import torch

        from src.app.build import build

        torch.set_num_threads(1)  # matrices this small only wait for a second thread
        return build(checkpoint)

    if export is None:
        from src.app.launch import serve

        serve(load, port)
        return
    from src.app.export import export as save

    size = save(load(), export)
    print(f"{export}  {size / 1e6:.1f} MB; open it in a browser")


if __name__ == "__main__":
    run(command)
