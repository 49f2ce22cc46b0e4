"""What an evaluation leaves behind: JSON, a CSV line per image, pictures, a table."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ..data.images import show
from ..utils.charts import confusion_picture, reliability_picture
from ..utils.errors import FaultError, InputError
from ..utils.logging import table
from ..utils.pictures import Judged, gallery
from ..utils.plots import write_bytes
from .outputs import run_folder, write_json
from .scores import Scores


BASELINES = {
    "all_background": ("base 1", "class 0 everywhere"),
    "blur_threshold": ("base 2", "blur and threshold, tuned on training images"),
}


def write_report(
    result: dict[str, Any],
    out: Path,
    scores: Scores,
    bins: Tensor,
    worst: Sequence[Judged],
) -> None:
    """Write `<split>.json`, and the rest into `<split>/`; adds "files" to `result`.

    Raises InputError if nothing can be written there.
    """
    split, names = result["split"], result["class_names"]
    files = {
        "json": out / f"{split}.json",
        "per_image": out / split / "per_image.csv",
        "worst": out / split / "worst.png",
        "confusion": out / split / "confusion.png",
        "reliability": out / split / "reliability.png",
    }
    result["files"] = {kind: str(path) for kind, path in files.items()}
    try:
        (out / split).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{show(out)} cannot be written: {error.strerror}. Choose another --out"
        ) from None
    try:
        write_bytes(files["per_image"], _csv(scores.rows))
        gallery(
            worst,
            files["worst"],
            positive=1 if len(names) == 2 else None,
            title=f"{_titled(result)}, worst first",
            score_name="Dice",
            class_names=names,
        )
        confusion_picture(scores.confusion, names, files["confusion"], _titled(result))
        reliability_picture(bins, files["reliability"], _titled(result))
        write_json(files["json"], result)
    except OSError as error:
        raise FaultError(f"cannot write to {show(out)}: {error.strerror}") from None


def text(result: dict[str, Any]) -> str:
    """Who was scored on what, a line a class, the files, what to type next."""
    model, baselines = result["model"], result["baselines"]
    low, high = model["image_dice_fg_interval_95"]
    head = (
        f"{_place(result)} · {result['images']} images · Dice "
        f"{model['image_dice_fg']:.3f} per image without background "
        f"(95 % bootstrap {low:.3f} to {high:.3f})"
    )
    columns = ["dice", "iou", "precision", "recall"]
    surface = ["boundary_f1", "hd95"]
    rows = []
    for name, own in model["classes"].items():
        row = [name, *(own[column] for column in columns)]
        row += [_distance(own.get(column)) for column in surface]
        rows.append(
            (*row, *(other["classes"][name]["dice"] for other in baselines.values()))
        )
    for label, end in (("mean", ""), ("mean, no background", "_fg")):
        row = [
            label,
            model[f"mean_dice{end}"],
            model[f"mean_iou{end}"],
            *[float("nan")] * 4,
        ]
        rows.append((*row, *(other[f"mean_dice{end}"] for other in baselines.values())))
    header = ("class", *columns, "boundary F1", "HD95")
    header += tuple(BASELINES[name][0] for name in baselines)
    worst, *_ = result["worst_images"] or [None]
    lines = [head, "", table([_short(row) for row in rows], header), ""]
    lines.append(
        f"pixel accuracy {model['pixel_accuracy']:.3f}"
        + f" · calibration error {model['ece']:.3f}"
        + (f" · V_rand {model['v_rand']['mean']:.3f}" if "v_rand" in model else "")
        + (f" · worst {show(worst['name'])} {worst['dice_fg']:.3f}" if worst else "")
    )
    lines += [
        f"{BASELINES[name][0]}: Dice of {BASELINES[name][1]}" for name in baselines
    ]
    lines += [f"note   {note}" for note in result["notes"]]
    lines.append("saved  " + "\n       ".join(result["files"].values()))
    lines.append(f"next   {next_command(result['checkpoint'])}")
    return "\n".join(lines)


def next_command(checkpoint: str) -> str:
    """What a person types after an evaluation."""
    return f"python scripts/infer.py --checkpoint {checkpoint} --input FILE_OR_FOLDER"


def _place(result: dict[str, Any]) -> str:
    """Data and split; of a folder the end of its path."""
    return f"{'/'.join(Path(result['data']).parts[-2:])} {result['split']}"


def _titled(result: dict[str, Any]) -> str:
    """The run, or the checkpoint outside of a run, and what it was scored on."""
    checkpoint = Path(result["checkpoint"])
    return f"{(run_folder(checkpoint) or checkpoint).resolve().name} · {_place(result)}"


def _distance(found: dict[str, float] | None) -> str:
    """Mean over the images where it is finite, and in how many it is not."""
    if found is None or not found["valid"] + found["infinite"]:
        return "-"
    endless = f" ({found['infinite']} inf)" if found["infinite"] else ""
    return (f"{found['mean']:.3f}" if found["valid"] else "") + endless


def _short(row: Sequence[str | float]) -> tuple[str, ...]:
    """Cells of three digits; `-` where a number is undefined or not counted."""
    return tuple(
        cell if isinstance(cell, str) else "-" if cell != cell else f"{cell:.3f}"
        for cell in row
    )


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """A line an image; an undefined value is an empty cell."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: "" if v != v else _round(v) for k, v in row.items()})
    return file.getvalue().encode()


def _round(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
