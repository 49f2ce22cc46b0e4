"""Countdown: reach a target with given numbers, each used once.

    question   3 7 12 -> 57
    response   12 - 7 = 5 , 3 * 5 = 15 ? 7 + 12 = 19 , 3 * 19 = 57 !

Steps "a op b = r" joined by ","; every result is a whole number from 0 to 99, so each
is one word. "!" says that the target is reached, "?" that this attempt failed and
another one follows, with all the numbers again.
"""

import re
from typing import Any

import numpy as np

from ...data.draws import integers
from ...utils.errors import InputError
from .base import Entry, Key, Problems, Split, check_whole
from .countdown_steps import (
    HIGHEST,
    SIGNS,
    STEP,
    Step,
    apply,
    random_step,
    solutions,
    take_step,
    write_steps,
)
from .drawing import places
from .expression import ExpressionError, read_expression


FAILURES = 3
"""Most failed attempts of a demonstration."""


class Countdown(Problems):
    """Three or four `numbers` from 1 to `largest`, and a target from 1 to 99.

    With probability `retries` a demonstration begins with one to three failed attempts.
    """

    name = "countdown"
    marks = ("?", "!")
    words = (*map(str, range(HIGHEST + 1)), *SIGNS, "=", ",", "->", *marks)

    def __init__(
        self,
        size: int,
        seed: int,
        split: Split = "train",
        *,
        numbers: int = 3,
        largest: int = 12,
        retries: float = 0.0,
        unique: bool = False,
    ) -> None:
        self.numbers = check_whole("numbers", numbers, 3, 4)
        self.largest = check_whole("largest", largest, 2, HIGHEST)
        if isinstance(retries, bool) or not isinstance(retries, (int, float)):
            raise InputError(f"retries = {retries!r}: must be a number from 0 to 1")
        if not 0 <= retries <= 1:
            raise InputError(f"retries = {retries!r}: must be a number from 0 to 1")
        self.retries = retries
        self.longest_question = self.numbers + 2
        self.longest_response = 6 * (self.numbers - 1) * (1 + FAILURES * (retries > 0))
        super().__init__(size, seed, split, unique=unique)

    def draw(self, key: Key, indices: np.ndarray) -> list[tuple[str, str]]:
        """By hindsight: random numbers and steps; what comes out is the target."""
        given = 1 + integers((*key, 0), places(indices, self.numbers), self.largest)
        left, paths = given, []
        works = np.ones(len(indices), bool)
        for step in range(self.numbers - 1):
            left, written, works_too = random_step(left, (*key, 1 + step), indices)
            paths.append(written)
            works &= works_too
        works &= left[:, 0] > 0
        return [
            (f"{' '.join(map(str, row))} -> {steps[-1][-1]}", write_steps(steps))
            if fine
            else ("", "")
            for row, fine, *steps in zip(
                given.tolist(), works.tolist(), *paths, strict=True
            )
        ]

    def canonical(self, question: str) -> str:
        """The numbers in order: the same ones in another order are in one split."""
        numbers, target = _read(question)
        return f"{' '.join(map(str, sorted(numbers)))} -> {target}"

    def about(self, question: str) -> dict[str, Any]:
        numbers, target = _read(question)
        return {"numbers": numbers, "target": target}

    def demonstrate(self, entry: Entry, rng: np.random.Generator) -> str:
        """One of all the solutions, each as likely."""
        numbers, target = entry["metadata"]["numbers"], entry["metadata"]["target"]
        found = solutions(tuple(sorted(numbers)), target)
        steps = [_turned(step, rng) for step in found[rng.integers(len(found))]]
        response = write_steps(steps) + " !"
        if rng.random() < self.retries:
            for _ in range(rng.integers(1, FAILURES + 1)):
                response = f"{write_steps(_failure(numbers, target, rng))} ? {response}"
        return response

    def read_answer(self, response: str) -> str | None:
        """The steps of the last attempt."""
        if not response.endswith(" !"):
            return None
        attempts = response[:-2].split(" ? ")
        steps = [step for attempt in attempts for step in attempt.split(" , ")]
        return attempts[-1] if all(map(STEP.fullmatch, steps)) else None

    def claims(self, response: str, question: str) -> bool:
        """Whether the result that it writes last is the target."""
        result = (self.read_answer(response) or "").rpartition(" = ")[2]
        return result == question.rpartition(" ")[2]

    def score_answer(self, answer: str | None, entry: Entry) -> float:
        """1 for steps, or an expression, that use each number once and reach it."""
        numbers, target = entry["metadata"]["numbers"], entry["metadata"]["target"]
        if not isinstance(answer, str):
            return 0.0
        if "=" not in answer:
            return float(_expresses(answer, numbers, target))
        left: list[int] | None = list(numbers)
        for step in answer.split(" , "):
            left = take_step(left, step)
        return float(left == [target])

    def split_steps(self, response: str) -> list[str]:
        """Its pieces up to each "," "?" or "!"; joined, they are it again."""
        return re.findall(r"[^,?!]*[,?!]|[^,?!]+", response)

    def score_steps(self, response: str, entry: Entry) -> list[float]:
        """For each step whether its numbers are there and it is right.

        One with "!" must reach the target; after a wrong one the rest of the attempt is
        wrong too.
        """
        numbers, target = entry["metadata"]["numbers"], entry["metadata"]["target"]
        left: list[int] | None = list(numbers)
        scores = []
        for i, piece in enumerate(self.split_steps(response)):
            before, mark = " " * (i > 0), piece[-2:]
            step = piece[len(before) : -2] if piece.startswith(before) else ""
            left = take_step(left, step)
            done = {" ,": True, " ?": left != [target], " !": left == [target]}
            scores.append(float(left is not None and done.get(mark, False)))
            left = list(numbers) if mark == " ?" else left if scores[-1] else None
        return scores


def _read(question: str) -> tuple[list[int], int]:
    *numbers, _, target = question.split(" ")
    return [int(number) for number in numbers], int(target)


def _turned(step: Step, rng: np.random.Generator) -> Step:
    """Of a + b and b + a one at random."""
    a, sign, b, result = step
    turn = sign in "+*" and rng.random() < 0.5
    return (b, sign, a, result) if turn else step


def _failure(numbers: list[int], target: int, rng: np.random.Generator) -> list[Step]:
    """Random steps that use every number and do not reach the target.

    There are some for all numbers from 1 to 99: no three of 0 .. 99, at most one of
    them 0, give the same result in every way (all 171,600 were tried).
    """
    while True:
        left, path = list(numbers), []
        while len(left) > 1:
            a, b = (left.pop(rng.integers(len(left))) for _ in range(2))
            possible = [sign for sign in SIGNS if apply(a, sign, b) is not None]
            if not possible:
                break
            sign = possible[rng.integers(len(possible))]
            left.append(apply(a, sign, b))
            path.append((a, sign, b, left[-1]))
        if len(left) == 1 and left[0] != target:
            return path


def _expresses(text: str, numbers: list[int], target: int) -> bool:
    try:
        value, used = read_expression(text)
    except ExpressionError:
        return False
    return value == target and sorted(used) == sorted(numbers)
