"""Reasoning runs that take a second: sums of two digits, a model of a few numbers."""

from pathlib import Path
from unittest import mock

from src.reasoning.problems.addition import Addition
from src.training.options import Options
from tests.tiny import without_pictures


CONFIG = Path(__file__).parents[1] / "configs" / "reason_addition.yaml"
TINY = (
    "data.batch_size=4",
    "data.samples=16",
    "data.block=12",
    "model={name: gpt_2023, d_model: 8, layers: 1, heads: 2}",
    "reason.problems={name: addition, options: {digits: 1}, n_train: 30, n_val: 4, "
    "n_test: 4}",
    "reason.demonstrations=6",
    "reason.warm_up=2",
    "reason.group=4",
    "reason.samples=4",
    "reason.format_reward=0.2",
    "train={epochs: 4, log_every: 3, monitor: pass@1, mode: max}",
)
"""4 steps an epoch: 8 with demonstrations, then 8 of reinforcement."""


def start(out: Path, *overrides: str, **options) -> int:
    """Train the tiny run in this process; gives the exit code."""
    return pleased(Options(overrides=(*TINY, *overrides), **settings(out) | options))


def resume(out: Path) -> int:
    run = str(out / "run")
    return pleased(Options(resume=run, out=out, device="cpu", quiet=True))


def pleased(options: Options) -> int:
    """Train with a verifier to which a model that knows nothing is often right."""
    with mock.patch.multiple(
        Addition,
        read_answer=lambda self, response: response[:3],
        score_answer=lambda self, answer, entry: float(len(set(answer or "")) % 2),
    ):
        return without_pictures(options)


def settings(out: Path) -> dict:
    return {
        "config": CONFIG,
        "out": out,
        "name": "run",
        "device": "cpu",
        "quiet": True,
    }
