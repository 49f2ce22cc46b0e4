"""Predict a file or a folder: masks, overlays, a summary of what went wrong."""

import logging
import time
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..data.images import read_pixels, show
from ..utils.device import pick_device
from ..utils.errors import FaultError, InputError
from .attention import draw_attention, require_attention
from .outputs import (
    legend,
    list_inputs,
    output_stems,
    prepare_folder,
    run_folder,
    write_json,
    write_prediction,
)
from .predictor import Options, Prediction, Predictor, load_predictor


log = logging.getLogger("run")
_WARNINGS = 5  # one-class predictions named one by one; the summary has them all
_NAMED = 5  # so with what is not an image


def infer(
    checkpoint: Path,
    source: Path,
    out: Path | None = None,
    *,
    device: str = "auto",
    options: Options | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Predict every image of `source` into `out`; gives what summary.json holds.

    A file that cannot be predicted is listed under "failures" with the reason, and the
    others are done. Raises InputError if nothing can start, FaultError if nothing can
    be written.
    """
    options = options or Options()
    predictor = load_predictor(checkpoint, pick_device(device))
    if options.attention:
        require_attention(predictor)
    files, others = list_inputs(source)
    stems = output_stems(files)
    out = out or (run_folder(checkpoint) or Path()) / "predictions"
    prepare_folder(out, files, stems)
    summary = {
        "checkpoint": str(checkpoint),
        "out": str(out),
        "classes": legend(predictor.info, out / "legend.png", options.entropy),
        "images": [],
        "failures": [],
        "not_images": [str(path) for path in others],
    }
    begin = time.perf_counter()
    pairs = list(zip(files, stems, strict=True))
    shown = tqdm(
        pairs, desc="infer", disable=True if quiet else None, ascii=True, leave=False
    )
    for file, stem in shown:
        try:
            image, prediction = _predict(predictor, file, options, out, stem)
        except (InputError, FaultError) as error:
            summary["failures"].append(_failure(file, error))
            continue
        written = write_prediction(out, stem, image, prediction, predictor.info)
        summary["images"].append(
            {"input": str(file), **written, **describe(prediction, predictor)}
        )
    seconds = time.perf_counter() - begin
    summary |= {
        "done": len(summary["images"]),
        "failed": len(summary["failures"]),
        "ms_per_image": round(1000 * seconds / len(files), 1),
    }
    _warn_of_one_class(summary["images"])
    write_json(out / "summary.json", summary)
    return summary


def load_pixels(file: Path) -> torch.Tensor:
    """The integers of an image file as channels x height x width; raises InputError."""
    pixels = torch.from_numpy(read_pixels(file))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def describe(prediction: Prediction, predictor: Predictor) -> dict[str, Any]:
    """Size, share of each class, and the class that has all pixels, if one has."""
    names = predictor.info.class_names
    shares = {
        name: round(s, 6) for name, s in zip(names, prediction.shares, strict=True)
    }
    alone = [
        name for name, share in zip(names, prediction.shares, strict=True) if share == 1
    ]
    height, width = prediction.mask.shape
    return {
        "height": height,
        "width": width,
        "shares": shares,
        "one_class": alone[0] if alone else None,
    }


def verdict(summary: dict[str, Any]) -> str:
    """One line for a person, then a line for each file that failed or is no image."""
    done, failed = summary["done"], summary["failed"]
    head = f"{done} of {done + failed} done"
    if failed:
        head += f", {failed} failed"
    if summary["not_images"]:
        head += f", {len(summary['not_images'])} not an image"
    lines = [f"{head} · {summary['ms_per_image']:.0f} ms an image · {summary['out']}/"]
    lines += [f"  {show(f['input'])}: {f['reason']}" for f in summary["failures"]]
    others = summary["not_images"]
    lines += [f"  {show(path)}: not an image, left out" for path in others[:_NAMED]]
    if len(others) > _NAMED:
        lines.append(f"  ... and {len(others) - _NAMED} more; see summary.json")
    return "\n".join(lines)


def exit_code(summary: dict[str, Any], skip_bad: bool = False) -> int:
    """0 if all were done or `skip_bad`, 1 after a fault of the model, else 2."""
    if not summary["failures"] or (skip_bad and summary["images"]):
        return 0
    return 1 if any(f["kind"] == "fault" for f in summary["failures"]) else 2


def _predict(
    predictor: Predictor, file: Path, options: Options, out: Path, stem: str
) -> tuple[torch.Tensor, Prediction]:
    """The image and what the model sees in it, with its attention drawn on request."""
    image = load_pixels(file)
    prediction = predictor.predict(image, options, show(file))
    if options.attention:
        path = out / f"{stem}_attention.png"
        draw_attention(predictor, image, options.tile, path, file.name)
    return image, prediction


def _failure(file: Path, error: Exception) -> dict[str, str]:
    kind = "input" if isinstance(error, InputError) else "fault"
    reason = str(error).removeprefix(f"{show(file)}: ")
    return {"input": str(file), "reason": reason, "kind": kind}


def _warn_of_one_class(images: list[dict[str, Any]]) -> None:
    alone = [image for image in images if image["one_class"] is not None]
    for image in alone[:_WARNINGS]:
        log.warning(
            "%s: the whole prediction is %s; is the model trained enough, and is this "
            "image like those it was trained on?",
            show(image["input"]),
            image["one_class"],
        )
    if len(alone) > _WARNINGS:
        log.warning(
            "... and %d more are of one class; see summary.json", len(alone) - _WARNINGS
        )
