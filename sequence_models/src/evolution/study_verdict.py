"""What the figures of a study allow to say: differences, each with its interval."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from .comparison import LEVEL, Comparison, compare
from .study_plan import StudyPlan
from .study_scores import Score


class Paired(NamedTuple):
    """Two arms in one metric, over the seeds that both have."""

    a: str
    b: str
    metric: str
    test: Comparison

    @property
    def interval(self) -> str:
        return f"{self.test.low:+.3f} to {self.test.high:+.3f}"


def names(plan: StudyPlan, scores: Sequence[Score]) -> list[str]:
    """Of the arms that have runs, and of their bases, as the file orders them."""
    order = list(plan.arms)
    found = dict.fromkeys(s.name for s in scores)
    return sorted(found, key=lambda n: (order.index(n.split(".")[0]), "." not in n))


def by_seed(scores: Sequence[Score], name: str, metric: str) -> dict[int, float]:
    """The finite values of a row."""
    found = {s.seed: s.values[metric] for s in scores if s.name == name}
    return {seed: value for seed, value in found.items() if math.isfinite(value)}


def compare_pairs(plan: StudyPlan, scores: Sequence[Score]) -> list[Paired]:
    """Every pair in every metric: one family of tests."""
    values = {
        f"{name}\n{metric}": by_seed(scores, name, metric)
        for name in names(plan, scores)
        for metric in plan.study.metrics
    }
    couples = [
        (f"{a}\n{metric}", f"{b}\n{metric}")
        for a, b in plan.study.pairs
        for metric in plan.study.metrics
    ]
    return [
        Paired(test.a.split("\n")[0], *test.b.split("\n"), test)
        for test in compare(values, couples)
    ]


def conclude(
    plan: StudyPlan,
    scores: Sequence[Score],
    paired: Sequence[Paired],
    failed: dict[str, str],
) -> list[str]:
    """What the figures allow to say; each difference with its interval."""
    said = [text for pair in plan.study.pairs for text in _pair(plan, pair, paired)]
    for name, trained in plan.arms.items():
        if trained.arm.as_long_as:
            said += _time(plan, name, trained.arm.as_long_as, scores)
    for a, b in plan.study.pairs:
        if a in plan.arms and b in plan.arms and plan.arms[b].arm.as_long_as != a:
            said += [s for s in _time(plan, b, a, scores) if "LESS" in s]
    said += _limits(scores, paired)
    total = len(plan.study.seeds)
    counts = {name: sum(s.name == name for s in scores) for name in plan.arms}
    few = [f"{n} of {total} runs of {name}" for name, n in counts.items() if n < total]
    if few:
        said.append(f"There are only {', '.join(few)}.")
    said += [f"{name} failed: {why}." for name, why in failed.items()]
    return said


def _pair(
    plan: StudyPlan, pair: tuple[str, str], paired: Sequence[Paired]
) -> list[str]:
    """Where the first of a pair is higher or lower, and where that is not known."""
    mine = [p for p in paired if (p.a, p.b) == pair]
    if not mine:
        return []
    parts = {"higher in": [], "lower in": [], "not to be told apart in": []}
    for p in mine:
        found = "higher in" if p.test.difference > 0 else "lower in"
        found = found if p.test.significant else "not to be told apart in"
        parts[found].append(f"{p.metric} {p.test.difference:+.3f} (95 % {p.interval})")
    said = [f"{found} {', '.join(shown)}" for found, shown in parts.items() if shown]
    a, b = (plan.label(name) for name in pair)
    return [f"{a} against {b}, {mine[0].test.pairs} seeds: {'; '.join(said)}."]


def _time(plan: StudyPlan, arm: str, other: str, scores: Sequence[Score]) -> list[str]:
    """The CPU time of a control beside that of the arm it stands against."""
    ours, theirs = (
        {s.seed: s.cpu_seconds for s in scores if s.name == name}
        for name in (arm, other)
    )
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        return []
    label, against = plan.label(arm), plan.label(other)
    ratio = statistics.fmean(ours[s] / theirs[s] for s in seeds)
    less = [s for s in seeds if ours[s] < theirs[s]]
    text = f"{label} had {ratio:.2f} times the CPU time of {against}"
    if not less:
        return [f"{text}, in no seed less."]
    shown = [f"{s} ({ours[s]:.1f} against {theirs[s]:.1f} CPU-s)" for s in less]
    return [f"{text}, and LESS in the seeds {', '.join(shown)}."]


def _limits(scores: Sequence[Score], paired: Sequence[Paired]) -> list[str]:
    if not paired:
        return ["With fewer than two seeds of a pair nothing can be tested."]
    n = min(p.test.pairs for p in paired)
    said = [
        "Intervals are those of the paired t-test over the seeds, each for itself. "
        f'"Higher" and "lower" mean p < {LEVEL} after Holm\'s correction over '
        f"{len(paired)} tests. The sign-flip test, which assumes no distribution, "
        f"cannot fall below {2 / 2**n:.3g} with {n} seeds.",
        "CPU-seconds are those of the whole process, validation and pictures included.",
    ]
    data = {(score.name, score.seed): score.data for score in scores}
    alike = all(
        data[p.a, seed] == data[p.b, seed]
        for p in paired
        for seed in {score.seed for score in scores}
        if (p.a, seed) in data and (p.b, seed) in data
    )
    if len(set(data.values())) == 1:
        said.append("All seeds have the same problems; they differ in all else.")
    else:
        said.append(
            "Each seed has problems of its own, so the intervals cover the choice of "
            + ("problems; two arms of a pair share them." if alike else "problems.")
        )
    return said
