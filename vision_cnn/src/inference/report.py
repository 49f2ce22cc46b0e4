"""What an evaluation leaves behind: JSON, a CSV line an image, pictures, a table."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..data.names import show
from ..training.load import run_name
from ..utils.errors import FaultError
from ..utils.folders import make_folder
from ..utils.logging import table
from ..utils.pictures import Judged, confusion_picture, gallery, reliability_picture
from .outputs import write_csv, write_json
from .scores import Predictions


SHOWN = 30
"""Classes in the table that is printed; the JSON has all."""


def write_report(
    result: dict[str, Any],
    out: Path,
    seen: Predictions,
    galleries: Mapping[str, Sequence[Judged]],
) -> None:
    """Write `<split>.json`, and the rest into `<split>/`; adds "files" to `result`.

    Raises InputError if nothing can be written there.
    """
    split, names = result["split"], result["class_names"]
    folder = out / split
    files = {"json": out / f"{split}.json", "predictions": folder / "predictions.csv"}
    for name in ("confusion", "reliability", *galleries):
        files[name] = folder / f"{name}.png"
    result["files"] = {kind: str(path) for kind, path in files.items()}
    make_folder(folder)
    titles = _gallery_titles(result)
    place = f"{run_name(result['checkpoint'])} · {split}"
    head = f"{place} · {_percent(result['accuracy'])} right"
    confusion = torch.tensor(result["confusion"])
    bins = torch.tensor(result["calibration_bins"], dtype=torch.float64)
    try:
        write_csv(files["predictions"], _rows(seen, names))
        confusion_picture(confusion, names, files["confusion"], head)
        title = f"{place} · calibration error {_percent(result['ece'])}"
        reliability_picture(bins, files["reliability"], title)
        for name, tiles in galleries.items():
            gallery(tiles, files[name], titles[name].format(shown=len(tiles)))
        write_json(files["json"], result)
    except OSError as error:
        raise FaultError(f"cannot write to {show(out)}: {error.strerror}") from None


def text(result: dict[str, Any]) -> str:
    """How good, on what, by class, the files, and what to type next."""
    low, high = result["accuracy_interval_95"]
    lines = [
        f"{run_name(result['checkpoint'])} · {result['split']} · {result['images']} "
        f"images of {show(result['data'])}"
        + (f" · tta {result['tta']}" if result["tta"] != "none" else ""),
        f"accuracy  {_percent(result['accuracy'])}, 95 % interval {_percent(low)} to "
        f"{_percent(high)}"
        + (f" · top-5 {_percent(result['top5'])}" if "top5" in result else "")
        + f" · loss {result['loss']:.4f}",
        f"sureness  calibration error {_percent(result['ece'])}, in the worst bin "
        f"{_percent(result['max_calibration_error'])} · Brier {result['brier']:.4f} · "
        f"{_temper(result['temperature'])}",
        "",
        _class_table(result),
    ]
    if "against" in result:
        lines += ["", _against(result)]
    lines += ["", *(f"note   {note}" for note in result["notes"])]
    lines.append("saved  " + "\n       ".join(result["files"].values()))
    lines.append(f"next   {next_commands(result)}")
    return "\n".join(lines)


def next_commands(result: dict[str, Any]) -> str:
    """What a person types after an evaluation: why was the surest mistake made?"""
    given = f"--checkpoint {shlex.quote(result['checkpoint'])} --input"
    image = (result["worst"] or [f"{result['split']}:0"])[0]
    return (
        f"python scripts/explain.py {given} {image}\n"
        f"       python scripts/infer.py {given} FILE_OR_FOLDER"
    )


def _class_table(result: dict[str, Any]) -> str:
    """A line a class, of many classes those with the lowest F1, then the means."""
    classes = result["classes"]
    if len(classes) > SHOWN:
        classes = sorted(classes, key=lambda c: -1 if c["f1"] != c["f1"] else c["f1"])
    columns = ("precision", "recall", "f1", "roc_auc")
    rows = [
        (
            show(row["name"]),
            row["images"],
            *(_number(row[column]) for column in columns),
            _taken_for(row),
        )
        for row in classes[:SHOWN]
    ]
    for mean in ("macro", "weighted"):
        cells = (_number(result[f"{mean}_{column}"]) for column in columns)
        rows.append((f"{mean} mean", result["images"], *cells, ""))
    header = ("class", "images", "precision", "recall", "F1", "ROC-AUC")
    shown = table(rows, (*header, "most often taken for"))
    left = len(classes) - SHOWN
    return shown + (f"\n({left} classes with a higher F1 left out)" if left > 0 else "")


def _against(result: dict[str, Any]) -> str:
    """Both accuracies, whether luck explains the difference, the classes that moved."""
    other = result["against"]
    low, high = (100 * end for end in other["difference_interval_95"])
    p = other["mcnemar_p"]
    verdict = "hardly luck" if p < 0.05 else "could well be luck"
    moved = sorted(
        (row for row in other["classes"] if abs(row["difference"]) > 0),
        key=lambda row: -abs(row["difference"]),
    )
    changes = ", ".join(
        f"{show(row['name'])} {100 * row['difference']:+.1f}" for row in moved[:6]
    )
    return (
        f"against   {run_name(other['checkpoint'])}: {_percent(other['accuracy'])}, so "
        f"{100 * other['difference']:+.2f} points, 95 % interval {low:+.2f} to "
        f"{high:+.2f}\n"
        f"          only this is right {other['only_this_right']}, only the other "
        f"{other['only_other_right']}: McNemar p = {p:.2g} "
        f"({other['mcnemar_method']}), {verdict}\n"
        f"          recall by class, in points: {changes or 'no change'}"
    )


def _rows(seen: Predictions, names: Sequence[str]) -> list[dict[str, Any]]:
    sure = seen.probabilities.max(1).values.tolist()
    labels = zip(seen.names, seen.target.tolist(), seen.predicted.tolist(), strict=True)
    return [
        {
            "name": name,
            "true": names[true],
            "predicted": names[predicted],
            "probability": f"{probability:.6g}",
        }
        for (name, true, predicted), probability in zip(labels, sure, strict=True)
    ]


def _gallery_titles(result: dict[str, Any]) -> dict[str, str]:
    """With a place for the number of tiles, which is known when they are drawn."""
    run, wrong = run_name(result["checkpoint"]), result["images"] - result["right"]
    titles = {
        "worst": f"{run} · {result['split']} · the {{shown}} surest of {wrong} mistakes"
    }
    if "against" in result:
        other = result["against"]
        titles["only_this_right"] = (
            f"{run} right, {run_name(other['checkpoint'])} wrong, as shown · "
            f"{result['split']} · {{shown}} of {other['only_this_right']}"
        )
    return titles


def _taken_for(row: dict[str, Any]) -> str:
    if row["taken_for"] is None:
        return ""
    return f"{show(row['taken_for'])} ({row['taken_for_images']}x)"


def _temper(temperature: float) -> str:
    if temperature != temperature:
        return "temperature -"
    lean = "too sure" if temperature > 1.05 else "not sure enough"
    fits = 0.95 <= temperature <= 1.05
    return f"best temperature {temperature:.2f}, {'as it should be' if fits else lean}"


def _percent(share: float) -> str:
    return "-" if share != share else f"{100 * share:.2f} %"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"
