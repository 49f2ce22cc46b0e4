"""What evaluation and inference leave in their folders."""

from pathlib import Path
from typing import Any

from ..utils.atomic import is_disk_full, write_atomically
from ..utils.errors import FaultError, InputError
from ..utils.run_dir import to_json


def write_results(out: Path, summary: dict[str, Any]) -> dict[str, Any]:
    """Write results.json, and texts.txt of written texts; adds "files" to `summary`."""
    files = {"json": out / "results.json"}
    if "texts" in summary:
        files["text"] = out / "texts.txt"
        texts = [summary["prompt"] + one["text"] for one in summary["texts"]]
        write_text(files["text"], "\n".join(f"{text}\n" for text in texts))
    summary["files"] = {kind: str(path) for kind, path in files.items()}
    write_text(files["json"], to_json(summary, indent=1) + "\n")
    return summary


def write_text(path: Path, text: str) -> None:
    """Write a file below --out; InputError if that cannot be, FaultError if it is full.

    Half a surrogate pair, which is no text, becomes a question mark.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode("utf-8", "replace"))
    except OSError as error:
        if is_disk_full(error):
            raise FaultError(f"disk full while writing {path}") from None
        raise InputError(
            f"--out {path.parent}: cannot be written ({path.name}: {error.strerror}). "
            "Choose another"
        ) from None
