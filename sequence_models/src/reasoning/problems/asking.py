"""A problem that a person writes, as an entry that the verifier can grade.

Numbers need no leading zeros, and spaces where they do not matter may be left out.
"""

import re
from collections.abc import Callable
from typing import Any

from ...utils.errors import InputError
from .addition import Addition
from .base import Entry, Problems
from .comparisons import LETTERS as COMPARED
from .comparisons import Comparisons, chain
from .countdown import Countdown
from .countdown_steps import HIGHEST, solutions, write_steps
from .graph import Graph, search
from .multiplication import Multiplication
from .sorting import Sorting


Found = tuple[str, str] | None
"""Question and answer; None: this is no problem of that kind."""


def read_question(problems: Problems, text: str) -> Entry:
    """The entry of the problem `text`; raises InputError for one that is none.

    It is of the same size as those of `problems`.
    """
    read = READERS.get(type(problems))
    if read is None:
        raise InputError(
            f"{problems.name}: a problem of your own cannot be graded; this works for "
            + ", ".join(sorted(kind.name for kind in READERS))
        )
    found = read(problems, " ".join(text.split()))
    if found is None:
        example = problems[0]["question"]
        raise InputError(
            f"{text!r} is no problem of {problems.name} as it was trained: write it as "
            f"in {example!r}"
        )
    question, answer = found
    about = {"source_dataset": problems.name} | problems.about(question)
    return {"question": question, "answer": answer, "metadata": about}


def _sum(problems: Addition, text: str) -> Found:
    found, n = re.fullmatch(r"([0-9]{1,9}) ?\+ ?([0-9]{1,9})", text), problems.digits
    numbers = [int(part) for part in found.groups()] if found else [10**n]
    if max(numbers) >= 10**n:
        return None
    question = "+".join(f"{number:0{n}}" for number in numbers)
    return question, f"{sum(numbers):0{n + 1}}"


def _product(problems: Multiplication, text: str) -> Found:
    found = re.fullmatch(r"([0-9]{1,9}) ?\* ?([0-9]{1,9})", text)
    if found is None:
        return None
    a, b = int(found[1]), int(found[2])
    if a >= 10**problems.digits or b >= 10**problems.by:
        return None
    question = f"{a:0{problems.digits}}*{b:0{problems.by}}"
    return question, f"{a * b:0{problems.width}}"


def _countdown(problems: Countdown, text: str) -> Found:
    """Raises InputError where there is no way to the target."""
    found = re.fullmatch(r"((?:[0-9]{1,2} )+)-> ?([0-9]{1,2})", text)
    if found is None:
        return None
    numbers, target = [int(part) for part in found[1].split()], int(found[2])
    if len(numbers) != problems.numbers or not 1 <= min(*numbers, target) <= HIGHEST:
        return None
    ways = solutions(tuple(sorted(numbers)), target)
    if not ways:
        raise InputError(f"{text!r} has no solution. Take another target")
    return f"{' '.join(map(str, numbers))} -> {target}", write_steps(ways[0])


def _sorting(problems: Sorting, text: str) -> Found:
    fits = re.fullmatch(f"[0-9]{{{problems.length}}}", text)
    return (text, "".join(sorted(text))) if fits else None


def _comparisons(problems: Comparisons, text: str) -> Found:
    link = f"[{COMPARED}][<>][{COMPARED}]"
    text = text.replace(" ", "")
    if not re.fullmatch(f"{link}(,{link})*", text):
        return None
    pairs = [one[::-1] if ">" in one else one for one in text.split(",")]
    letters = [set(column) for column in zip(*pairs, strict=True)]
    low, high = letters[0], letters[2]  # each once: then `chain` cannot go in circles
    if not len(low) == len(high) == len(pairs) == problems.length - 1:
        return None
    if len(low - high) != 1 or len(low | high) != problems.length:
        return None
    found = chain(text)
    order = found[0][0] + "".join(one[2] for one in found)
    return (text, order) if len(order) == problems.length else None


def _graph(problems: Graph, text: str) -> Found:
    letters = problems.words[3:]
    text = text.replace(" ", "")
    line = f"[{letters}][{letters}]"
    if not re.fullmatch(f"{line}(,{line})*:{line}", text):
        return None
    told, asked = text.split(":")
    lines = [set(one) for one in told.split(",")]
    if any(len(one) != 2 for one in (*lines, set(asked))):
        return None
    if len(text) > problems.longest_question:
        return None
    reached = {asked[0]}  # `search` would not end where there is no way
    for _ in letters:
        reached |= {letter for one in lines if one & reached for letter in one}
    return (text, search(text)[1][0]) if asked[1] in reached else None


READERS: dict[type[Problems], Callable[[Any, str], Found]] = {
    Addition: _sum,
    Multiplication: _product,
    Countdown: _countdown,
    Sorting: _sorting,
    Comparisons: _comparisons,
    Graph: _graph,
}
