"""A trained reasoner with its problems, ready for what `reason.py` does with it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..reasoning.curriculum import Lines
from ..reasoning.drawn import Judge, draw
from ..reasoning.problems import Problems
from ..reasoning.process_verifier import Training, judge, step_marks, train_verifier
from ..reasoning.rollouts import Rollouts
from ..tokenizers import Tokenizer
from ..training.load import load_model, reopen_data
from ..utils.device import pick_device
from ..utils.errors import InputError


PRACTICE, RESPONSES = 256, 16
"""Problems of the training, and responses to each, that a verifier learns from."""
LEARNING, ANSWERING, TRYING, SEARCHING = range(10, 14)
"""What the random numbers of each purpose are keyed by."""


class Reasoner(NamedTuple):
    model: nn.Module
    tokenizer: Tokenizer
    problems: dict[str, Problems]
    name: str
    """Of the problems."""
    eos: int
    lines: Lines

    @property
    def shows_features(self) -> bool:
        return hasattr(getattr(self.model, "policy", self.model), "features")


def load_reasoner(checkpoint: Path, device: str = "auto") -> Reasoner:
    """Raises InputError for a checkpoint of another task."""
    loaded = load_model(checkpoint, pick_device(device))
    if loaded.config.task != "reason":
        raise InputError(
            f"{checkpoint} is for the task {loaded.config.task}; this needs the "
            "task reason, which configs/reason_addition.yaml trains"
        )
    tokenizer, problems = loaded.tokenizer, reopen_data(loaded).problems
    name, eos = loaded.config.reason.problems.name, tokenizer.specials["<|eos|>"]
    return Reasoner(loaded.model, tokenizer, problems, name, eos, Lines(tokenizer))


def different(problems: Problems, most: int, backwards: bool = False) -> list[int]:
    """The first indices whose questions differ, or the last ones."""
    order = range(len(problems))
    found: dict[str, int] = {}
    for index in reversed(order) if backwards else order:
        found.setdefault(problems[index]["question"], index)
        if len(found) == most:
            break
    return list(found.values())


def learn_to_judge(
    reasoner: Reasoner, seed: int, tick: Callable[[int], object] = bool
) -> Training:
    """Train a process verifier on responses to problems of the training.

    Those from the end: the model has not seen worked answers to most of them.
    """
    problems, kept = reasoner.problems["train"], []

    def keep(rollouts: Rollouts) -> Tensor:
        kept.append(rollouts)
        return torch.zeros(len(rollouts.tokens))

    indices = different(problems, PRACTICE, backwards=True)
    model, tokenizer = reasoner.model, reasoner.tokenizer
    key = (seed, LEARNING)
    drawn = draw(
        model, tokenizer, problems, indices, RESPONSES, key, judge=keep, tick=tick
    )
    marks = step_marks(problems, tokenizer)
    groups = torch.arange(len(indices)).repeat_interleave(RESPONSES)
    return train_verifier(
        model, joined(kept, reasoner.lines.pad), drawn.right.flatten(), groups, marks,
        reasoner.eos, seed,
    )  # fmt: skip


def judge_with(reasoner: Reasoner, training: Training) -> Judge:
    """The score of each rollout's response."""

    def score(rollouts: Rollouts) -> Tensor:
        inside = rollouts.scored & (rollouts.tokens != reasoner.eos)
        return judge(training.verifier, reasoner.model, rollouts.tokens, inside)

    return score


def joined(parts: list[Rollouts], pad: int) -> Rollouts:
    """Rollouts of several batches as one; the shorter lines are filled up."""
    longest = max(part.tokens.shape[1] for part in parts)

    def wide(tensor: Tensor, fill: int | bool) -> Tensor:
        extra = longest - tensor.shape[1]
        return torch.nn.functional.pad(tensor, (0, extra), value=fill)

    return Rollouts(
        torch.cat([wide(part.tokens, pad) for part in parts]),
        torch.cat([wide(part.scored, False) for part in parts]),
        [response for part in parts for response in part.responses],
        torch.cat([part.ended for part in parts]),
    )


def report_of(training: Training) -> dict[str, float]:
    """What is said of a verifier: numbers alone."""
    return {
        name: value for name, value in training._asdict().items() if name != "verifier"
    }
