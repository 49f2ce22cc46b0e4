"""The command `scripts/explain.py`: a sheet an image, a table, the next command."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.names import show
from ..training.load import load_model, run_folder, run_name
from ..utils.device import pick_device
from ..utils.errors import FaultError, InputError
from ..utils.folders import make_folder
from ..utils.logging import table
from ..utils.plots import save_figure
from .attributions import METHODS
from .explanation import as_plain, class_index, explain_image
from .inputs import Subjects


def explain(
    checkpoint: Path,
    sources: Sequence[str],
    *,
    target: str = "",
    layer: str = "",
    out: Path | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """Write a sheet for each image of `sources`; gives what `--json` prints.

    `target` is a class by name or number, `out` a .png for one image or a folder. An
    image that cannot be read is listed under "failures" and the others are done. Raises
    InputError if nothing can start, FaultError if nothing can be written.
    """
    from .sheet import draw_sheet

    loaded = load_model(checkpoint, pick_device(device))
    names = loaded.info.class_names
    wanted = class_index(target, names)
    subjects = Subjects(sources, loaded)
    paths = _Paths(out, checkpoint, sources, len(subjects.names))
    summary: dict[str, Any] = {
        "checkpoint": str(checkpoint),
        "images": [],
        "failures": [],
    }
    for name in subjects.names:
        try:
            subject = subjects.read(name)
        except InputError as error:
            if len(subjects.names) == 1:
                raise
            reason = str(error).removeprefix(f"{show(name)}: ")
            summary["failures"].append({"input": name, "reason": reason})
            continue
        found = explain_image(loaded, subject, wanted, layer)
        figure = draw_sheet(found, loaded.model, names, run_name(checkpoint))
        path = paths.next(subject.stem + _slug(target and names[wanted]))
        try:
            save_figure(figure, path)
        except OSError as error:
            raise FaultError(f"cannot write {show(path)}: {error.strerror}") from None
        summary["images"].append({**as_plain(found, names), "sheet": str(path)})
    return summary


def text(summary: dict[str, Any]) -> str:
    """A table of the maps of one image, or a line for each of several."""
    images = summary["images"]
    if len(images) != 1:
        rows = [(show(i["input"]), _said(i), _truth(i), i["sheet"]) for i in images]
        return table(rows, ("image", "says", "true", "sheet")) if rows else ""
    (image,) = images
    rows = []
    for name, method in METHODS.items():
        low, high = image["ranges"].get(name, (None, None))
        cells = ("-", "-") if low is None else (f"{low:.3g}", f"{high:.3g}")
        note = image["undefined"].get(name, "")
        rows.append((method.title, method.paper, *cells, note or _note(image, name)))
    maps = table(rows, ("map", "paper", "lowest", "highest", "note"))
    return f"{show(image['input'])}: {_said(image)}{_verdict(image)}\n\n{maps}"


def verdict(summary: dict[str, Any]) -> str:
    """What went wrong, what was written, and what to type next."""
    images, failures = summary["images"], summary["failures"]
    lines = [f"{show(f['input'])}: {f['reason']}" for f in failures]
    if not images:
        return "\n".join(lines)
    lines.append("saved  " + "\n       ".join(show(i["sheet"]) for i in images))
    command = ["python", "scripts/explain.py", "--checkpoint", summary["checkpoint"]]
    first = next((i for i in images if i["class"] == i["predicted"]), None)
    if first:  # why not the other class?
        command += ["--input", first["input"], "--class", first["runner_up"]]
    else:
        command += ["--input", images[0]["input"]]
    lines.append(f"next   {show(shlex.join(command))}")
    return "\n".join(lines)


class _Paths:
    """Where each sheet goes; no image is replaced and no sheet written twice."""

    def __init__(
        self, out: Path | None, checkpoint: Path, sources: Sequence[str], count: int
    ):
        self.file = out if out and out.suffix.lower() == ".png" else None
        if self.file and count > 1:
            raise InputError(
                f"--out {show(out)}: is one file, but --input has {count} images; name "
                "a folder"
            )
        self.folder = out or (run_folder(checkpoint) or Path()) / "explained"
        self.taken: set[Path] = set()
        inside = [Path(source).resolve() for source in sources]
        for path in [self.folder.resolve(), *self.folder.resolve().parents]:
            if path in inside:
                raise InputError(
                    f"--out {show(self.folder)}: lies in --input, where sheets would "
                    "be taken for images; name another place"
                )
        make_folder(self.file.parent if self.file else self.folder)

    def next(self, stem: str) -> Path:
        path, number = self.file or self.folder / f"{stem}.png", 2
        while path in self.taken:
            path = self.folder / f"{stem}-{number}.png"
            number += 1
        self.taken.add(path)
        return path


def _slug(class_name: str) -> str:
    """A class as the end of a file's name."""
    return class_name and "_" + re.sub(r"[^\w-]+", "_", class_name)


def _said(image: dict[str, Any]) -> str:
    return f"{show(image['predicted'])} {image['probability']:.1%}"


def _truth(image: dict[str, Any]) -> str:
    return "" if image["true"] is None else show(image["true"])


def _verdict(image: dict[str, Any]) -> str:
    """Right or wrong, where that is known, and the class that the maps are of."""
    text = f", the true class is {_truth(image)}" if _truth(image) else ""
    if image["class"] != image["predicted"]:
        share = f"{image['class_probability']:.1%}"
        text += f"; the maps are of {show(image['class'])} ({share})"
    return text


def _note(image: dict[str, Any], method: str) -> str:
    if image["ranges"][method] == [0, 0]:
        return "zero everywhere: no evidence"
    if method.startswith("grad_cam"):
        return f"layer {image['layer']}"
    if method == "integrated_gradients":
        sums = image["integrated_gradients"]
        return (
            f"sum {sums['sum']:.4g}, completeness error "
            f"{sums['completeness_error']:.2g}"
        )
    return ""
