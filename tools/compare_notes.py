"""What a reader of a comparison must beware of, each in one sentence."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from tools.comparison import LEVEL, Difference, Group, fewest_pairs
from tools.run_values import chosen_numbers, evaluated_on, unlike_evaluations
from tools.runs import Run
from tools.statistical_tests import smallest_p


def cautions(
    groups: Sequence[Group], found: Sequence[Difference], metric: str
) -> list[str]:
    """What the numbers do not say: other data, other code, a flattered value."""
    source, _, name = metric.rpartition(":")
    runs = [run for group in groups for run in group.runs]
    notes = []
    if len(groups) == 1:
        notes.append("all runs have the same settings: there is nothing to compare")
    between: dict[str, list[str]] = {}
    seen = {run.path: evaluated_on(run, source) for run in runs} if source else {}
    for (a, b), one in zip(combinations(groups, 2), found, strict=True):
        for sentence in _unlike(a, b, one, source, seen):
            between.setdefault(sentence, []).append(f"{a.label} and {b.label}")
    notes += [f"{some(pairs)}: {what}" for what, pairs in between.items()]
    if source:
        notes += unlike_evaluations(runs, source)
    elif any(name in chosen_numbers(run) for run in runs):
        notes.append(
            "values are of the checkpoint that validation chose, which flatters them; "
            "--metric test:NAME reads eval/test.json"
        )
    code = {str(run.meta.get("git")) for run in runs}
    if len(code) > 1:
        notes.append(
            f"the runs are of {len(code)} states of the code (git in meta.json)"
        )
    elif len(runs) > 1 and code.pop().endswith("-dirty"):
        notes.append(
            "the code of the runs was not committed (git in meta.json): it may have "
            "changed between them"
        )
    return notes


def reach(groups: Sequence[Group], found: Sequence[Difference]) -> list[str]:
    """That so few values cannot show anything by ranks, and how many could."""
    sizes = {group.label: len(group.values) for group in groups}
    family = max(1, sum(not math.isnan(one.p) for one in found))
    said: dict[str, list[str]] = {}
    for one in found:
        if sentence := _reach(one, sizes[one.first], sizes[one.second], family):
            said.setdefault(sentence, []).append(f"{one.first} and {one.second}")
    return [
        what if len(pairs) == len(found) else f"{some(pairs)}: {what}"
        for what, pairs in said.items()
    ]


def names(runs: Sequence[Run]) -> str:
    return some([run.name for run in runs])


def some(words: Sequence[str], shown: int = 6) -> str:
    """Some of many: "a, b, c and 9 more"."""
    more = f" and {len(words) - shown} more" if len(words) > shown else ""
    return ", ".join(words[:shown]) + more


def _unlike(
    a: Group, b: Group, one: Difference, source: str, seen: Mapping[Path, object]
) -> Iterator[str]:
    """Units without a partner, and data that is not the same."""
    mine, theirs = (dict(zip(g.units, g.runs, strict=True)) for g in (a, b))
    shared = [unit for unit in mine if unit in theirs and a.folds == b.folds]
    if not one.n:
        yield (
            "no fold in common, so there is no test; train the same seeds and folds "
            "of both"
        )
    elif not one.pairs:
        why = "other seeds" if a.folds == b.folds else "other parts of the data"
        why = "only one seed in common" if shared else why
        yield f"{why}, so they are compared without pairs, which sees less"
    elif len(mine) + len(theirs) > 2 * len(shared):
        yield f"a {one.pairs} that only one of them has is not in the difference"
    pairs = [(mine[unit], theirs[unit]) for unit in shared if one.pairs]
    if not _same(a, b, pairs, lambda run: run.meta.get("data")):
        yield "not the same data (`data` in meta.json), which may be the difference"
    if source and not _same(a, b, pairs, lambda run: seen[run.path]):
        yield (
            f"not the same samples (data_fingerprint and how many, in eval/{source}"
            ".json), which may be the difference"
        )


def _same(
    a: Group,
    b: Group,
    pairs: Sequence[tuple[Run, Run]],
    told: Callable[[Run], object],
) -> bool:
    """Whether both were told the same; in pairs, as a seed may have drawn the data."""
    if pairs:
        return all(told(mine) == told(theirs) for mine, theirs in pairs)
    mine, theirs = ({str(told(run)) for run in group.runs} for group in (a, b))
    return mine == theirs


def _reach(one: Difference, n: int, m: int, family: int) -> str:
    """What ranks of so few values cannot say; empty where they are enough."""
    if one.pairs == "seed" and one.n < 2:
        return (
            "one pair has no spread: train more seeds (python -m tools sweep), or "
            "compare the two runs sample by sample (--samples test)"
        )
    if one.pairs == "seed" and (needed := fewest_pairs(family)) > one.n:
        more = f", {needed} for {family} comparisons" if family > 1 else ""
        return (
            f"{one.n} pairs: exact Wilcoxon and sign flips cannot go below p = "
            f"{smallest_p(one.n):.4g}, whatever the values; {fewest_pairs(1)} pairs "
            f"are the fewest for {LEVEL}{more}"
        )
    if one.n and not one.pairs and smallest_p(n, m) >= LEVEL / family:
        more = (
            f"; {family} comparisons need less than {LEVEL / family:.4g}"
            if family > 1
            else ""
        )
        return (
            f"{n} and {m} values: a permutation test cannot go below p = "
            f"{smallest_p(n, m):.4g}, whatever the values{more}"
        )
    return ""
