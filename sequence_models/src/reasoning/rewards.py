"""What an answer is worth: the verifier's word on it, and what a verifier may not do.

Whatever a verifier does wrong costs the answer its reward, never the run.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from numbers import Real
from traceback import format_exception_only
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..utils.contracts import contract
from ..utils.logging import log
from .config import ReasonConfig


Entry = dict[str, Any]
SHOWN = 200  # characters of a question or a response in a warning

_told: set[tuple[str, ...]] = set()


class Grades(NamedTuple):
    """What the verifier says of each answer, all in [0, 1]."""

    outcome: Float[Tensor, " rollouts"]
    format: Float[Tensor, " rollouts"]
    """1 where a final answer could be read."""
    steps: list[list[float]]
    errors: int
    """Answers on which the verifier failed: all that it has not said of them is 0."""


@contract
def grade(
    problems: Any,
    entries: Sequence[Entry],
    responses: Sequence[str],
    ended: Bool[Tensor, " rollouts"],
) -> Grades:
    """Grade the answers, as many to each entry, one entry's after another's.

    An answer that did not end is in no format and not right; its steps count. Where the
    verifier raises an Exception or gives no number in [0, 1], this is 0, is counted,
    and logged the first time that it happens in this way.
    """
    if len(responses) != len(ended) or len(responses) % max(1, len(entries)):
        raise ValueError(
            f"{len(responses)} responses do not belong to {len(entries)} entries and "
            f"{len(ended)} ends"
        )
    outcome, format, steps, errors = [], [], [], 0
    group = len(responses) // max(1, len(entries))
    for row, (response, whole) in enumerate(
        zip(responses, ended.tolist(), strict=True)
    ):
        verdict = _Verdict(problems, entries[row // group], response)
        answer = verdict.read() if whole else None
        format.append(float(answer is not None))
        outcome.append(0.0 if answer is None else verdict.score(answer))
        steps.append(verdict.steps())
        errors += verdict.failed
    return Grades(torch.tensor(outcome), torch.tensor(format), steps, errors)


@contract
def reward(grades: Grades, config: ReasonConfig) -> Float[Tensor, " rollouts"]:
    """outcome + format_reward format + step_reward (mean of steps; 0 without any)."""
    means = [sum(steps) / max(1, len(steps)) for steps in grades.steps]
    shaped = config.format_reward * grades.format
    return grades.outcome + shaped + config.step_reward * torch.tensor(means)


class _Verdict:
    """The verifier on one answer; whether it has failed."""

    def __init__(self, problems: Any, entry: Entry, response: str):
        self.problems, self.entry, self.response = problems, entry, response
        self.failed = False

    def read(self) -> str | None:
        def call() -> str | None:
            answer = self.problems.read_answer(self.response)
            if answer is not None and not isinstance(answer, str):
                raise TypeError(f"gives {answer!r}, neither a text nor None")
            return answer

        return self._try("read_answer", call, None)

    def score(self, answer: str) -> float:
        def call() -> float:
            return _score(self.problems.score_answer(answer, self.entry))

        return self._try("score_answer", call, 0.0)

    def steps(self) -> list[float]:
        def call() -> list[float]:
            scores = self.problems.score_steps(self.response, self.entry)
            return [_score(score) for score in scores]

        return self._try("score_steps", call, [])

    def _try(self, name: str, call: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return call()
        except Exception as error:
            self.failed = True
            kind = type(self.problems).__name__, name, type(error).__name__
            if kind not in _told:
                _told.add(kind)
                self._tell(".".join(kind[:2]), error)
            return otherwise

    def _tell(self, name: str, error: Exception) -> None:
        question = self.entry.get("question") if isinstance(self.entry, dict) else None
        said = "".join(format_exception_only(error)).strip()
        log.warning(
            f"{name} failed: {said[:SHOWN]}. Question {_short(question)}, response "
            f"{_short(self.response)}. This counts as 0, is counted, and the next of "
            "its kind are not told"
        )


def _score(value: Any) -> float:
    """`value` as a float; raises unless it is a number from 0 to 1."""
    if not isinstance(value, Real | np.bool_):
        raise TypeError(f"gives {value!r}, which is not a number")
    number = float(value)
    if not (isfinite(number) and 0 <= number <= 1):
        raise ValueError(f"gives {value!r}, which is not from 0 to 1")
    return number


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
