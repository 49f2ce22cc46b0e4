"""Score a checkpoint on a split of its data, with several methods side by side."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from tqdm import tqdm

from ..metrics.report import Scored, score
from ..tokenizers import has_text
from ..training.load import Loaded, load_model, reopen_data, run_folder
from ..training.task import Config
from ..utils.config import from_dict, to_dict
from ..utils.device import pick_device
from ..utils.errors import InputError
from ..utils.run_dir import resolve
from .report import text, write_report
from .scores import Said, disagreements, summary
from .search import choose_method, methods_of, search


__all__ = ["evaluate", "text"]

BATCH = 16


def evaluate(
    checkpoint: Path,
    split: str = "",
    out: Path | None = None,
    *,
    method: str = "auto",
    device: str = "auto",
    quiet: bool = False,
    changes: Sequence[str] = (),
) -> dict[str, Any]:
    """Score `split` (test, or val where there is no test) of the checkpoint's own data.

    `method` is one or several with commas between, or `all`; `changes` are KEY=VALUE of
    the data, such as data.join=[1,1]. Writes JSON, a report, a
    table and a picture into `out`: eval/ of the run, where a checkpoint that is not
    best.pt adds its name. Gives what is in the JSON. Raises InputError if the data
    cannot be read, FaultError for logits that are no numbers.
    """
    chosen_device = pick_device(device)
    loaded = _change(load_model(checkpoint, chosen_device), changes)
    chosen = _methods(method, loaded)
    datasets = reopen_data(loaded).datasets
    name = split or ("test" if "test" in datasets else "val")
    if name not in datasets:
        raise InputError(f"--split {split}: this data has {', '.join(datasets)}")
    if not len(datasets[name]):
        raise InputError(f"--split {name}: this data has no utterance there")
    said = _recognise(loaded, datasets[name], chosen, chosen_device, name, quiet)
    result = {
        "checkpoint": str(checkpoint),
        "split": name,
        "data": loaded.config.data.root or loaded.config.data.name,
        "data_fingerprint": loaded.content["data"].get("fingerprint", ""),
        "unit": loaded.config.tokenizer.kind,
        "utterances": len(datasets[name]),
        "audio_s": said[chosen[0]].audio_s(),
        "batch": BATCH,
        "threads": torch.get_num_threads(),
        "device": str(chosen_device),
        "methods": {method: summary(one) for method, one in said.items()},
        "disagreements": disagreements(said),
        "notes": _notes(name, datasets),
    }
    # Another checkpoint of a run is scored to be compared: it keeps files of its own.
    stem = resolve(checkpoint).stem
    stem = name if out or stem in ("best", "checkpoint") else f"{name}-{stem}"
    out = out or (run_folder(checkpoint) or Path()) / "eval"
    write_report(result, said, out, stem)
    return result


def _change(loaded: Loaded, changes: Sequence[str]) -> Loaded:
    """With other data; raises InputError for a key that is not of the data."""
    for change in changes:
        if not change.startswith("data."):
            raise InputError(f"{change}: only data.KEY=VALUE can be changed here")
    values = to_dict(loaded.config)
    return loaded._replace(config=from_dict(Config, values, "checkpoint", changes))


def _methods(wanted: str, loaded: Loaded) -> list[str]:
    known = methods_of(loaded.config)
    names = known if wanted == "all" else wanted.replace(" ", "").split(",")
    chosen = [choose_method(name, known, False, ["all"]) for name in names]
    return list(dict.fromkeys(chosen))


def _recognise(
    loaded: Loaded,
    dataset: Dataset,
    methods: Sequence[str],
    device: torch.device,
    split: str,
    quiet: bool,
) -> dict[str, Said]:
    """Every method on each batch in turn, so that they meet the same load."""
    found: dict[str, list] = {method: [] for method in methods}
    spent = dict.fromkeys(methods, 0.0)
    scored: dict[str, list[Scored]] = {method: [] for method in methods}
    references: list[str] = []
    hidden = True if quiet else None  # None: hidden where stderr is no terminal
    title, count = f"eval {split}", len(dataset)
    bar = tqdm(total=count, desc=title, leave=False, ascii=True, disable=hidden)
    with bar:
        for number, batch in enumerate(_batches(dataset)):
            given = batch["features"].to(device), batch["feature_lengths"].to(device)
            references += map(loaded.tokenizer.normalise, batch["text"])
            for method in methods:
                if number == 0:
                    search(loaded, *given, method)  # warming up is not timed
                started = _now(device)
                heard = search(loaded, *given, method)
                spent[method] += _now(device) - started
                found[method] += [loaded.tokenizer.decode(h.tokens) for h in heard]
                scored[method] += _score(loaded, batch, heard)
            bar.update(len(batch["text"]))
    return {
        method: Said(scored[method], references, found[method], spent[method])
        for method in methods
    }


def _score(loaded: Loaded, batch: dict[str, Any], heard: Sequence) -> list[Scored]:
    pieces, frame_s = loaded.tokenizer.pieces, loaded.front_end.frame_seconds
    rows = zip(batch["tokens"], batch["token_lengths"].tolist(), strict=True)
    return [
        score(
            batch["id"][i],
            [pieces[t] for t in tokens[:length].tolist() if has_text(t)],
            [pieces[token] for token in heard[i].tokens],
            speaker=batch["speaker"][i],
            seconds=int(batch["feature_lengths"][i]) * frame_s,
            confidence=tuple(time.confidence for time in heard[i].times),
        )
        for i, (tokens, length) in enumerate(rows)
    ]


def _batches(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """All utterances in their order."""
    for start in range(0, len(dataset), BATCH):
        stop = min(start + BATCH, len(dataset))
        yield dataset.__getitems__([(0, index) for index in range(start, stop)])


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _notes(split: str, datasets: dict[str, Dataset]) -> list[str]:
    """What a reader of the scores must know."""
    if split == "test":
        return ["test is for the end: choose between models by --split val"]
    if split == "train":
        return ["the model was fitted to these utterances; others it hears worse"]
    test = "--split test does not" if "test" in datasets else "there is no test split"
    return [f"val chose the checkpoint, so it flatters; {test}"]
