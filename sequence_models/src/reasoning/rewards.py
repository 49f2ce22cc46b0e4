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
    answers: list[str | None]
    """The final answers; None where there is none to read."""
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
    group = len(responses) // max(1, len(entries))
    known: dict[tuple[int, str, bool], _Verdict] = {}
    verdicts = []
    for row, answer in enumerate(zip(responses, ended.tolist(), strict=True)):
        key = row // group, *answer
        if key not in known:  # a trained model often gives an answer twice
            known[key] = _Verdict(problems, entries[row // group], *answer)
        verdicts.append(known[key])
    return Grades(
        torch.tensor([verdict.outcome for verdict in verdicts]),
        torch.tensor([verdict.format for verdict in verdicts]),
        [verdict.answer for verdict in verdicts],
        [list(verdict.steps) for verdict in verdicts],
        sum(verdict.failed for verdict in verdicts),
    )


@contract
def reward(grades: Grades, config: ReasonConfig) -> Float[Tensor, " rollouts"]:
    """outcome + format (format_reward + step_reward mean of steps).

    In the format, so that a right beginning alone does not earn all of its steps. Of no
    steps the mean is 0.
    """
    means = [sum(steps) / max(1, len(steps)) for steps in grades.steps]
    shaped = config.format_reward + config.step_reward * torch.tensor(means)
    return grades.outcome + grades.format * shaped


class _Verdict:
    """What the verifier says of one answer, and whether it has failed."""

    def __init__(self, problems: Any, entry: Entry, response: str, ended: bool):
        self.problems, self.entry, self.response = problems, entry, response
        self.failed = False
        answer = self._try("read_answer", self._read, None) if ended else None
        self.answer, self.format = answer, float(answer is not None)
        self.outcome = 0.0
        if answer is not None:
            self.outcome = self._try("score_answer", lambda: self._score(answer), 0.0)
        self.steps: list[float] = self._try("score_steps", self._score_steps, [])

    def _read(self) -> str | None:
        answer = self.problems.read_answer(self.response)
        if not isinstance(answer, str | None):
            raise TypeError(f"gives {answer!r}, neither a text nor None")
        return answer

    def _score(self, answer: str) -> float:
        return _number(self.problems.score_answer(answer, self.entry))

    def _score_steps(self) -> list[float]:
        return list(map(_number, self.problems.score_steps(self.response, self.entry)))

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
        said = " ".join("".join(format_exception_only(error)).split())
        log.warning(
            f"{name} failed: {said[:SHOWN]}. Question "
            f"{_short(self.entry.get('question'))}, response "
            f"{_short(self.response)}. It counts as 0; more of this kind are counted, "
            "but not told"
        )


def _number(value: Any) -> float:
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
