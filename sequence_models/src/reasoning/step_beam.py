"""Beam search over steps, guided by a verifier (Snell et al. 2024, arXiv 2408.03314).

Every prefix that was kept is continued to the next end of a step, several times, drawn
from the model; all are scored, and the best `beams` different ones stay. With one beam
and one continuation this is plain drawing.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..generation.generate import generate
from ..generation.sampling import PLAIN, Sampling
from ..utils.contracts import contract


Score = Callable[
    [Int[Tensor, "rollouts time"], Bool[Tensor, "rollouts time"]],
    Float[Tensor, " rollouts"],
]
"""Of lines that are scored where the mask is True: at the response, without EOS."""


class Found(NamedTuple):
    """The best response to a prompt."""

    response: list[int]
    """Without EOS."""
    ended: bool
    score: float
    spent: int
    """Tokens drawn for the prompt, EOS and abandoned prefixes included."""


class _Prefix(NamedTuple):
    ids: list[int]
    """Prompt and response."""
    score: float = 0.0
    over: bool = False
    """It has ended, or there is no room for more."""
    ended: bool = False


@contract
def step_beam(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    uniform: Float[Tensor, "steps prompts slots count"],
    score: Score,
    marks: Collection[int],
    eos: int,
    *,
    beams: int,
    sampling: Sampling = PLAIN,
) -> list[Found]:
    """For each prompt the best response of those that end within `steps` steps.

    The tokens `marks` end a step, `eos` the response. In each step the prefixes share
    the slots: two of them in eight slots are continued four times each. `uniform` has
    the number with which a slot draws the token of each place of the response. Where no
    response ends, the best of those that do not is given.
    """
    steps, _, slots, most = uniform.shape
    if not 1 <= beams <= slots:
        raise ValueError(f"beams = {beams}: must be 1 to the {slots} slots")
    kept = [[_Prefix(list(prompt))] for prompt in prompts]
    spent = [0] * len(prompts)
    for numbers in uniform:
        rows = list(_slots(kept, slots))
        if not rows:
            break
        continued = _continue(model, rows, prompts, numbers, {*marks, eos}, sampling)
        fresh = [_closed(ids, eos, full) for ids, full in continued]
        values = _judge(score, fresh, [len(prompts[p]) for p, *_ in rows])
        found: list[list[_Prefix]] = [[x for x in row if x.over] for row in kept]
        for (p, _, old), new, value in zip(rows, fresh, values, strict=True):
            spent[p] += len(new.ids) - len(old) + new.ended
            found[p].append(new._replace(score=value))
        kept = [_best(candidates, beams) for candidates in found]
    return [_found(*one) for one in zip(kept, prompts, spent, strict=True)]


def _found(kept: list[_Prefix], prompt: Sequence[int], spent: int) -> Found:
    best = max(kept, key=lambda x: (x.ended, x.score))
    return Found(best.ids[len(prompt) :], best.ended, best.score, spent)


Row = tuple[int, int, list[int]]
"""Prompt, slot, and the prefix to go on with."""


def _slots(kept: list[list[_Prefix]], slots: int) -> Iterator[Row]:
    for p, prefixes in enumerate(kept):
        going = [prefix for prefix in prefixes if not prefix.over]
        each = slots // max(1, len(going))
        for number, prefix in enumerate(going):
            for slot in range(number * each, (number + 1) * each):
                yield p, slot, prefix.ids


def _continue(
    model: nn.Module,
    rows: list[Row],
    prompts: Sequence[Sequence[int]],
    numbers: Float[Tensor, "prompts slots count"],
    stop: set[int],
    sampling: Sampling,
) -> list[tuple[list[int], bool]]:
    """Each row up to a token of `stop`, and whether there was no room for one."""

    def size(row: int) -> tuple[int, int]:
        p, _, ids = rows[row]
        return len(ids), len(ids) - len(prompts[p])

    device = next(model.parameters()).device
    out: list[tuple[list[int], bool]] = [([], True)] * len(rows)
    for (length, written), some in groupby(sorted(range(len(rows)), key=size), size):
        group = list(some)
        room = numbers.shape[2] - written
        if model.context is not None:
            room = min(room, model.context + 1 - length)
        places = torch.tensor([rows[row][:2] for row in group])
        drawn = numbers[places[:, 0], places[:, 1], written : written + room]
        prompt = torch.tensor([rows[row][2] for row in group], device=device)
        tokens = generate(
            model, prompt, room, sampling, uniform=drawn.to(device), stop=stop
        ).tolist()
        for row, new in zip(group, tokens, strict=True):
            end = next((i for i, token in enumerate(new, 1) if token in stop), None)
            full = end is None or end == room
            out[row] = rows[row][2] + new[:end], full
    return out


def _closed(ids: list[int], eos: int, full: bool) -> _Prefix:
    ended = ids[-1] == eos
    return _Prefix(ids[:-1] if ended else ids, 0.0, ended or full, ended)


def _judge(score: Score, prefixes: list[_Prefix], begin: list[int]) -> list[float]:
    longest = max(len(x.ids) for x in prefixes)
    tokens = torch.tensor([x.ids + [0] * (longest - len(x.ids)) for x in prefixes])
    place = torch.arange(longest)
    lengths = torch.tensor([len(x.ids) for x in prefixes])
    begun = place >= torch.tensor(begin)[:, None]
    return score(tokens, begun & (place < lengths[:, None])).tolist()


def _best(candidates: list[_Prefix], beams: int) -> list[_Prefix]:
    """The best of those that differ, of equals the first."""
    different: dict[tuple[int | bool, ...], _Prefix] = {}
    for x in candidates:
        different.setdefault((*x.ids, x.ended), x)
    return sorted(different.values(), key=lambda x: -x.score)[:beams]
