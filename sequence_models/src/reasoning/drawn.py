"""Answers drawn for test-time compute, with all that the estimates need of them."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..generation.sampling import PLAIN, Sampling
from ..tokenizers import Tokenizer
from .curriculum import Lines, answer_numbers
from .problems import Problems
from .rewards import grade
from .rollouts import Rollouts, roll_out
from .test_time import number_answers


ROWS = 1024
"""Answers that are drawn at once."""
Judge = Callable[[Rollouts], Float[Tensor, " rollouts"]]


class Drawn(NamedTuple):
    texts: list[list[str]]
    """Of each problem the same number of responses."""
    answers: list[list[str | None]]
    """None: not in the format, or not ended."""
    right: Bool[Tensor, "problems samples"]
    tokens: Int[Tensor, "problems samples"]
    """That the model wrote, EOS included."""
    scores: Float[Tensor, "problems samples"]
    """What `judge` says of each; 0 without one."""
    cpu_seconds: float
    """Of the drawing and the grading."""
    judging_seconds: float

    @property
    def numbers(self) -> Int[Tensor, "problems samples"]:
        return number_answers(self.answers)


def draw(
    model: nn.Module,
    tokenizer: Tokenizer,
    problems: Problems,
    indices: Sequence[int],
    samples: int,
    key: tuple[int, ...],
    sampling: Sampling = PLAIN,
    judge: Judge | None = None,
    tick: Callable[[int], object] = bool,
) -> Drawn:
    """`samples` responses to each of these problems, graded.

    They belong to (key, index), whichever problems are drawn beside. `tick` is told
    after each batch how many problems it had.
    """
    parts, each = [], max(1, ROWS // samples)
    for start in range(0, len(indices), each):
        some = list(indices[start : start + each])
        parts.append(
            _draw(model, tokenizer, problems, some, samples, key, sampling, judge)
        )
        tick(len(some))
    lists, tensors = ("texts", "answers"), ("right", "tokens", "scores")
    return Drawn(
        *([row for part in parts for row in getattr(part, name)] for name in lists),
        *(torch.cat([getattr(part, name) for part in parts]) for name in tensors),
        sum(part.cpu_seconds for part in parts),
        sum(part.judging_seconds for part in parts),
    )


def _draw(model, tokenizer, problems, indices, samples, key, sampling, judge) -> Drawn:
    begun = time.process_time()
    entries = [problems[i] for i in indices]
    device = next(model.parameters()).device
    asked = Lines(tokenizer).asked([entry["question"] for entry in entries])
    count = room(model, problems, int(asked["lengths"].max()))
    uniform = answer_numbers(key, torch.tensor(indices).numpy(), samples, count)
    rollouts = roll_out(
        model,
        asked["prompt"].to(device),
        asked["lengths"].to(device),
        uniform.to(device),
        tokenizer,
        sampling,
    )
    right, answers = check(problems, entries, rollouts.responses, rollouts.ended)
    drawn = time.process_time()
    shape = (len(indices), samples)
    scores = torch.zeros(shape) if judge is None else judge(rollouts).cpu().view(shape)
    return Drawn(
        in_rows(rollouts.responses, samples),
        in_rows(answers, samples),
        right.view(shape),
        rollouts.scored.sum(1).cpu().view(shape),
        scores,
        drawn - begun,
        time.process_time() - drawn,
    )


def check(
    problems: Problems,
    entries: Sequence[dict],
    responses: Sequence[str],
    ended: Bool[Tensor, " rollouts"],
) -> tuple[Bool[Tensor, " rollouts"], list[str | None]]:
    """Which responses are right, and the answer in each that has one."""
    grades = grade(problems, entries, responses, ended.cpu())
    return grades.outcome == 1, grades.answers


def room(model: nn.Module, problems: Problems, prompt: int) -> int:
    """Tokens that a response may have, EOS included, after a prompt so long."""
    most = problems.longest_response + 1
    return most if model.context is None else min(most, model.context - prompt + 1)


def in_rows(flat: Sequence, samples: int) -> list[list]:
    """The flat sequence cut into rows of `samples`."""
    return [list(flat[i : i + samples]) for i in range(0, len(flat), samples)]
