"""Checkpoints of the task reason for the tests of the page: they know a little."""

from dataclasses import asdict
from pathlib import Path

import torch

from src.losses import token_loss
from src.reasoning.curriculum import Lines
from src.training.task import Config, build
from src.utils.checkpoint import save_checkpoint
from src.utils.config import from_dict


CONFIG = {
    "task": "reason",
    "data": {"name": "problems", "batch_size": 4, "samples": 8, "block": 12},
    "model": {"name": "gpt_2023", "d_model": 16, "layers": 1, "heads": 2},
    "reason": {
        "problems": {
            "name": "addition", "options": {"digits": 1}, "n_train": 40, "n_val": 10,
            "n_test": 20,
        },
        "demonstrations": 30,
    },
    "train": {"monitor": "pass@1", "mode": "max"},
}  # fmt: skip


def reasoner(path: Path, steps: int = 40) -> Path:
    """A checkpoint of one-digit sums after some steps of imitation."""
    torch.manual_seed(0)
    config = from_dict(Config, CONFIG, "test")
    setup = build(config)
    problems, lines = setup.opened.problems["train"], Lines(setup.opened.tokenizer)
    entries = [problems[i] for i in range(len(problems))]
    batch = lines.supervised(
        [lines.line(e["question"], problems.demonstrate(e, None)) for e in entries],
        [len(lines.prompt(entry["question"])) for entry in entries],
    )
    optimizer = torch.optim.AdamW(setup.model.parameters(), lr=1e-2)
    for _ in range(steps):
        logits, _ = setup.model(batch["tokens"])
        optimizer.zero_grad()
        token_loss(logits, batch["targets"], 0.0).backward()
        optimizer.step()
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"kind": "weights", "config": asdict(config), "data": setup.data}
    save_checkpoint(path, content | {"model": setup.model.state_dict()})
    return path


def run(runs: Path, name: str = "sums") -> Path:
    """A run with the checkpoints of both its stages; gives the best."""
    folder = runs / name / "checkpoints"
    best = reasoner(folder / "best.pt")
    (folder / "supervised.pt").write_bytes(best.read_bytes())
    (runs / name / "config.yaml").write_text("task: reason\n")
    return best
