"""What inference leaves in its folder."""

from pathlib import Path
from typing import Any

from ..utils.atomic import write_atomically
from ..utils.run_dir import to_json


def write_results(out: Path, summary: dict[str, Any]) -> dict[str, Any]:
    """Write results.json, and texts.txt of written texts; adds "files" to `summary`."""
    files = {"json": out / "results.json"}
    if "texts" in summary:
        files["text"] = out / "texts.txt"
        texts = [summary["prompt"] + one["text"] for one in summary["texts"]]
        content = "\n".join(f"{text}\n" for text in texts)
        write_atomically(files["text"], content.encode("utf-8", "replace"))
    summary["files"] = {kind: str(path) for kind, path in files.items()}
    write_atomically(files["json"], (to_json(summary, indent=1) + "\n").encode())
    return summary
