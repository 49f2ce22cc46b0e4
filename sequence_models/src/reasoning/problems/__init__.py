"""Problems with generator and verifier in one object.

problems = create_dataset("addition", size=400, seed=0, digits=2)
entry = problems[0]                                   # {"question", "answer", ...}
problems.score_answer(problems.read_answer(response), entry)
"""

import difflib
import inspect
from typing import Any

from ...utils.errors import InputError
from .addition import Addition
from .base import Entry, Problems, Split
from .comparisons import Comparisons
from .countdown import Countdown
from .graph import Graph
from .gym import PREFIX, GymProblems
from .multiplication import Multiplication
from .sorting import Sorting


__all__ = ["PROBLEMS", "Entry", "Problems", "Split", "create_dataset"]

KINDS = (Addition, Multiplication, Countdown, Sorting, Comparisons, Graph)
PROBLEMS: dict[str, type[Problems]] = {kind.name: kind for kind in KINDS}
"""Our own; besides these there is "gym/<name>" for every dataset of reasoning-gym."""


def create_dataset(
    name: str, size: int, seed: int, split: Split = "train", **options: Any
) -> Problems:
    """`size` problems of a name in `PROBLEMS`; raises InputError.

    `options` are the keyword arguments of its class, as `digits=3` or `unique=True`
    (no question twice). No question is in two splits, under any seeds and sizes.
    """
    if name.startswith(PREFIX):
        return GymProblems(name.removeprefix(PREFIX), size, seed, split, **options)
    if name not in PROBLEMS:
        raise InputError(
            f"problems {name!r}: there are {', '.join(PROBLEMS)} and gym/<name>"
            f"{_guess(name, list(PROBLEMS))}"
        )
    kind = PROBLEMS[name]
    known = list(inspect.signature(kind).parameters)[3:]
    for option in options:
        if option not in known:
            raise InputError(
                f"{name} has no option {option!r}; it has {', '.join(known)}"
                f"{_guess(option, known)}"
            )
    return kind(size, seed, split, **options)


def _guess(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {close[0]}?" if close else ""
