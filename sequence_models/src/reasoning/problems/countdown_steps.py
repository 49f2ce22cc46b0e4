"""Steps of countdown, "a op b = r": whether one holds, random ones, all solutions."""

import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from ...data.draws import integers


HIGHEST = 99
"""No result is larger: each is one word."""
SIGNS = "+-*/"
NUMBER = "(0|[1-9][0-9]?)"
STEP = re.compile(f"{NUMBER} ([-+*/]) {NUMBER} = {NUMBER}")

Step = tuple[int, str, int, int]


def take_step(left: list[int] | None, step: str) -> list[int] | None:
    """The numbers that are left after "a op b = r"; None if it does not hold."""
    found = STEP.fullmatch(step)
    if left is None or found is None:
        return None
    a, sign, b, result = int(found[1]), found[2], int(found[3]), int(found[4])
    rest = list(left)
    for number in (a, b):
        if number not in rest:
            return None
        rest.remove(number)
    return [*rest, result] if apply(a, sign, b) == result else None


def apply(a: int, sign: str, b: int) -> int | None:
    """a op b if that is a whole number from 0 to 99."""
    if sign == "/":
        result = a // b if b and a % b == 0 else -1
    else:
        result = a + b if sign == "+" else a - b if sign == "-" else a * b
    return result if 0 <= result <= HIGHEST else None


@lru_cache(maxsize=2**17)
def solutions(numbers: tuple[int, ...], target: int) -> list[tuple[Step, ...]]:
    """Every way to the target, of sorted numbers; a + b and b + a count as one."""
    if len(numbers) == 1:
        return [()] if numbers[0] == target else []
    found: dict[tuple[Step, ...], None] = {}
    for i in range(len(numbers)):
        for j in range(i):
            rest = numbers[:j] + numbers[j + 1 : i] + numbers[i + 1 :]
            for a, sign, b in _choices(numbers[i], numbers[j]):
                result = apply(a, sign, b)
                if result is None:
                    continue
                for later in solutions(tuple(sorted((*rest, result))), target):
                    found[(a, sign, b, result), *later] = None
    return list(found)


def _choices(high: int, low: int) -> list[tuple[int, str, int]]:
    turned = [(low, "-", high), (low, "/", high)] if low != high else []
    return [(high, sign, low) for sign in SIGNS] + turned


def random_step(
    left: np.ndarray, key: tuple[int, ...], indices: np.ndarray
) -> tuple[np.ndarray, list[Step], np.ndarray]:
    """One step for each row of `left` (rows numbers).

    What is left after it, the steps, and in which rows one was possible. Two of the
    numbers are drawn, then evenly one of the signs that give a whole number.
    """
    rows, count = left.shape
    first = integers((*key, 0), indices, count)
    second = integers((*key, 1), indices, count - 1)
    second += second >= first
    at = np.arange(rows)
    a, b = left[at, first], left[at, second]
    whole = (b > 0) & (a % np.maximum(b, 1) == 0)
    divided = np.where(whole, a // np.maximum(b, 1), -1)
    results = np.stack([a + b, a - b, a * b, divided], 1)
    fits = (results >= 0) & (results <= HIGHEST)
    wanted = integers((*key, 2), indices, np.maximum(fits.sum(1), 1))
    sign = (fits.cumsum(1) > wanted[:, None]).argmax(1)
    result = results[at, sign]
    others = np.ones(left.shape, bool)
    others[at, first] = others[at, second] = False
    rest = left[others].reshape(rows, count - 2)
    signs = [SIGNS[k] for k in sign.tolist()]
    steps = list(zip(a.tolist(), signs, b.tolist(), result.tolist(), strict=True))
    return np.column_stack([rest, result]), steps, fits.any(1)


def write_steps(steps: Iterable[Step]) -> str:
    """Joined by " , "."""
    return " , ".join(f"{a} {sign} {b} = {r}" for a, sign, b, r in steps)
