"""Checkpoints of tiny networks with random weights, for the tests of the pages."""

from dataclasses import asdict
from pathlib import Path

import torch

from src.training.task import Config, build
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.config import from_dict


SMALL = {"d_model": 16, "layers": 2, "heads": 4}
FEW = {"n_train": 20, "n_val": 10, "n_test": 10}
STORIES = {"name": "toy_grammar", "block": 32, "toy": FEW}
TASK = {"name": "toy_task", "block": 32, "toy_task": FEW}
SENTENCES = {"name": "labelled", "block": 16, "root": "docs/examples/sentences.csv"}
CELL = {"embedding": 8, "hidden": 12, "layers": 2}
CONFIGS = {
    "gpt": {"data": STORIES, "model": {"name": "gpt_2023", **SMALL}},
    "grouped": {
        "data": STORIES,
        "model": {"name": "gpt_2025", **SMALL, "kv_heads": 2, "window": 6},
    },
    "alibi": {"data": STORIES, "model": {"name": "gpt_2020", **SMALL}},
    "lstm": {"data": STORIES, "model": {"name": "lstm", **CELL}},
    "gru": {"data": STORIES, "model": {"name": "gru", **CELL}},
    "ln_lstm": {"data": STORIES, "model": {"name": "ln_lstm", **CELL}},
    "min_gru": {"data": STORIES, "model": {"name": "min_gru", **CELL}},
    "rnn": {"data": STORIES, "model": {"name": "rnn", **CELL}},
    "slot": {"data": STORIES, "model": {"name": "slot", "slot": "gated_retention"}},
    "bytes": {
        "data": STORIES | {"tokenizer": {"kind": "byte"}},
        "model": {"name": "gpt_2023", **SMALL},
    },
    "answer": {"data": TASK, "model": {"name": "gpt_2020", **SMALL}},
    "pairs": {"data": TASK, "model": {"name": "transformer", **SMALL}},
    "mlm": {"data": STORIES, "model": {"name": "encoder", **SMALL}},
    "classify": {"data": SENTENCES, "model": {"name": "gru", **CELL}},
}
CONFIGS["alibi"]["model"]["positions"] = "alibi"
TASKS = ("answer", "pairs", "mlm", "classify")


def make(runs: Path, name: str) -> Path:
    """The checkpoint of that name as the best of a run in `runs`."""
    path = runs / name / "checkpoints" / "best.pt"
    if path.exists():
        return path
    values = {"task": name if name in TASKS else "lm"} | CONFIGS[name]
    config = from_dict(Config, values, "test")
    torch.manual_seed(0)
    setup = build(config)
    for weight in setup.model.parameters():
        weight.data.mul_(3)  # so that shares differ
    content = {"kind": "weights", "config": asdict(config), "data": setup.data}
    path.parent.mkdir(parents=True)
    save_checkpoint(path, content | {"model": setup.model.state_dict()})
    path.parents[1].joinpath("config.yaml").write_text(
        f"task: {config.task}\nmodel:\n  name: {config.model.name}\n"
    )
    return path


def spoil(path: Path, value: float = float("nan")) -> None:
    """Put `value` into one of its weights."""
    content = load_checkpoint(path)
    next(iter(content["model"].values())).view(-1)[0] = value
    save_checkpoint(path, content)
