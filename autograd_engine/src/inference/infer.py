"""Ask a trained model about images, rows, sentences, or let it go on with a text."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data import decode, encode, read_inputs
from ..data.image_folder import SUFFIXES
from ..training.predict import continue_text, probabilities, unlabelled
from ..utils.atomic import write_atomically
from ..utils.device import pick_device
from ..utils.errors import InputError
from ..utils.logging import table
from ..utils.run_dir import to_json
from .predictor import Predictor, load_predictor, output_folder


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a language model goes on with a text."""

    tokens: int = 300
    temperature: float = 0.8
    """Divides the logits; 0 always takes the likeliest."""
    top_k: int = 0
    """Candidates at each step; 0: all."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("tokens", 1), ("temperature", 0), ("top_k", 0)):
            if not getattr(self, name) >= least:
                option = name.replace("_", "-")
                raise InputError(
                    f"--{option} {getattr(self, name)}: must be >= {least}"
                )
        if self.seed < 0:
            raise InputError(f"--seed {self.seed}: must be >= 0")


def infer(
    checkpoint: Path,
    source: Path | None = None,
    out: Path | None = None,
    *,
    prompt: str | None = None,
    sampling: Sampling | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """Predict what `source` holds, or write on after `prompt`; gives the summary.

    A bad image is listed under "failures" and the others are done. Raises InputError if
    nothing can start. Writes predictions.json and .csv, or sample.txt.
    """
    predictor = load_predictor(checkpoint, pick_device(device))
    is_text = predictor.info["name"] == "text"
    if prompt is not None and not is_text:
        raise InputError(
            f"--prompt: this model classifies {predictor.info['name']} data and writes "
            "no text; give --input"
        )
    if source is None and not is_text:
        raise InputError("say what to predict: --input FILE or DIR")
    if is_text:
        return _write_on(predictor, source, out, prompt, sampling or Sampling())
    return _classify(predictor, source, out)


def text(done: dict[str, Any]) -> str:
    """For stdout: the table of predictions, or the text that was written."""
    if "text" in done:
        return done["prompt"] + done["text"]
    rows = [(p["input"], p["class"], p["probability"]) for p in done["predictions"]]
    return table(rows, ("input", "class", "probability")) if rows else ""


def verdict(done: dict[str, Any]) -> str:
    """For stderr: how many were done, where they are, and what failed."""
    if "text" in done:
        return f"{len(done['text'])} characters · {done['saved']}"
    count, failed = len(done["predictions"]), len(done["failures"])
    head = f"{count} of {count + failed} done" + (
        f", {failed} failed" if failed else ""
    )
    lines = [f"{head} · {done['saved']}"]
    return "\n".join(lines + [f"  {f['reason']}" for f in done["failures"]])


def exit_code(done: dict[str, Any], skip_bad: bool = False) -> int:
    """0 if all were done, or some of them and `skip_bad`, else 2."""
    failed = done.get("failures")
    return 0 if not failed or (skip_bad and done["predictions"]) else 2


def _classify(predictor: Predictor, source: Path, out: Path | None) -> dict[str, Any]:
    features, names, failures = _read(source, predictor.info)
    predictions = []
    if len(names):
        chance = probabilities(
            predictor.model, unlabelled(features), predictor.device
        ).round(6)
        predictions = _describe(names, chance, predictor.info["classes"])
    folder = output_folder(predictor, out, "predictions")
    done = {
        "saved": str(folder / "predictions.json"),
        "predictions": predictions,
        "failures": failures,
    }
    write_atomically(folder / "predictions.csv", _csv(predictions))
    write_atomically(
        folder / "predictions.json", (to_json(done, indent=2) + "\n").encode()
    )
    return done


def _describe(
    names: list[str], chance: np.ndarray, classes: list[str]
) -> list[dict[str, Any]]:
    return [
        {
            "input": name,
            "class": classes[int(row.argmax())],
            "probability": float(row.max()),
            "probabilities": dict(zip(classes, row.tolist(), strict=True)),
        }
        for name, row in zip(names, chance, strict=True)
    ]


def _read(
    source: Path, info: dict[str, Any]
) -> tuple[Any, list[str], list[dict[str, str]]]:
    """Features, names and what could not be read; files of a folder one by one."""
    if not source.is_dir() or "mean" not in info or len(info["input_shape"]) != 3:
        return *read_inputs(source, info), []
    files = sorted(p for p in source.iterdir() if p.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(f"--input {source}: no file ends with {', '.join(SUFFIXES)}")
    features, names, failures = [], [], []
    for file in files:
        try:
            features.append(read_inputs(file, info)[0][0])
            names.append(file.name)
        except InputError as error:
            failures.append({"input": file.name, "reason": str(error)})
    return np.array(features), names, failures


def _write_on(
    predictor: Predictor,
    source: Path | None,
    out: Path | None,
    prompt: str | None,
    how: Sampling,
) -> dict[str, Any]:
    vocabulary, block = predictor.info["vocabulary"], predictor.info["input_shape"][0]
    if prompt is not None and source is not None:
        raise InputError("give --prompt or --input, not both")
    if source is not None:
        ids = read_inputs(source, predictor.info)[0][0]
    else:
        start = "\n" if "\n" in vocabulary else vocabulary[0]
        ids = encode(prompt or start, vocabulary)
    drawn = continue_text(
        predictor.model,
        ids,
        how.tokens,
        block,
        temperature=how.temperature,
        top_k=how.top_k,
        seed=how.seed,
        device=predictor.device,
    )
    folder = output_folder(predictor, out, "predictions")
    done = {
        "saved": str(folder / "sample.txt"),
        "prompt": decode(ids, vocabulary),
        "text": decode(drawn, vocabulary),
    }
    whole = done["prompt"] + done["text"] + "\n"
    write_atomically(folder / "sample.txt", whole.encode())
    return done


def _csv(predictions: list[dict[str, Any]]) -> bytes:
    """A line an input: what it is, how sure, and the probability of every class."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    classes = list(predictions[0]["probabilities"]) if predictions else []
    writer.writerow(["input", "class", "probability", *classes])
    for p in predictions:
        chances = p["probabilities"].values()
        writer.writerow([p["input"], p["class"], p["probability"], *chances])
    return file.getvalue().encode()
