"""The conclusion of a bench in sentences, each computed from its tests."""

from collections.abc import Callable, Sequence

from .comparison import LEVEL, Comparison
from .plan import Plan
from .results import Results, Row


def conclude(plan: Plan, results: Results, failed: Sequence[str] = ()) -> list[str]:
    """What the figures allow to say, and what they do not."""
    common, eras = plan.bench.common, {n: e.recipes[0] for n, e in plan.entries.items()}
    rows = {(row.entry, row.recipe): row for row in results.rows}
    same = [rows[n, common] for n in eras if (n, common) in rows]
    own = [rows[n, recipe] for n, recipe in eras.items() if (n, recipe) in rows]
    label = labels(plan)
    said = []
    if len(same) > 1:
        said += _ranking(f"Under the recipe {common}", same, results.common, label)
    if len(own) > 1 and results.era:
        said += _ranking("Under the recipe of its era", own, results.era, label)
    if same and results.recipe:
        said.append(_recipes(common, results.recipe, label))
    said += _spread(own, same, label)
    said += _speed(results.rows, label)
    said += _limits(plan, results)
    if failed:
        said.append(f"{len(failed)} runs failed and are missing: {', '.join(failed)}.")
    return said


def labels(plan: Plan) -> Callable[[str], str]:
    """How an entry, or a pair `entry-recipe`, is called."""

    def label(name: str) -> str:
        entry = name if name in plan.entries else name.rpartition("-")[0]
        return plan.entries[entry].label or entry

    return label


def _ranking(
    where: str, rows: list[Row], family: list[Comparison], label: Callable[[str], str]
) -> list[str]:
    """The best, whom it beats, and from whom it cannot be told."""
    best = min(rows, key=lambda row: row.bpb)
    name, beaten, equal = f"{best.entry}-{best.recipe}", [], []
    for found in family:
        if name in (found.a, found.b):
            other = found.b if found.a == name else found.a
            (beaten if found.significant else equal).append((other, found))
    text = f"{where} {label(best.entry)} is the best with {_mean(best)}"
    if not beaten and not equal:
        return [f"{text}; nothing was tested, for there are too few seeds."]
    if beaten:
        closest = min(beaten, key=lambda pair: abs(pair[1].difference))
        everyone = "all others" if not equal else _listed(label(n) for n, _ in beaten)
        text += (
            f". It is significantly better than {everyone} (nearest: "
            f"{label(closest[0])}, {_difference(closest[1])})"
        )
    if equal:
        shown = [f"{label(n)} ({_difference(found)})" for n, found in equal]
        text += f". It cannot be told from {_listed(shown)}"
    clear = sum(found.significant for found in family)
    order = " < ".join(label(r.entry) for r in sorted(rows, key=lambda r: r.bpb))
    return [
        f"{text}.",
        f"{where} {clear} of {len(family)} differences are significant. In order of "
        f"the means: {order}.",
    ]


def _recipes(common: str, family: list[Comparison], label: Callable[[str], str]) -> str:
    """Whom the common recipe serves better than that of its era."""
    helped = [f for f in family if f.significant and f.difference > 0]
    harmed = [f for f in family if f.significant and f.difference < 0]
    rest = [f for f in family if not f.significant]
    parts = []
    for what, found in (("is better for", helped), ("is worse for", harmed)):
        if found:
            shown = [f"{label(f.a)} (by {abs(f.difference):.3f})" for f in found]
            parts.append(f"{what} {_listed(shown)}")
    if rest:
        parts.append(
            f"makes no significant difference for {_listed(label(f.a) for f in rest)}"
        )
    return f"Against the recipe of its era, {common} {', '.join(parts)}."


def _spread(own: list[Row], same: list[Row], label: Callable[[str], str]) -> list[str]:
    """How much of the progress remains when all are trained alike."""
    if len(own) < 2 or len(same) < 2:
        return []
    far, near = (
        max(r.bpb for r in rows) - min(r.bpb for r in rows) for rows in (own, same)
    )
    return [
        f"The means span {far:.3f} bits per byte when each has the recipe of its era "
        f"and {near:.3f} when all have the same one."
    ]


def _speed(rows: list[Row], label: Callable[[str], str]) -> list[str]:
    if len(rows) < 2:
        return []
    fast = max(rows, key=lambda row: row.tokens_per_cpu_second)
    slow = min(rows, key=lambda row: row.tokens_per_cpu_second)
    return [
        f"{label(fast.entry)} with the recipe {fast.recipe} trains fastest, "
        f"{fast.tokens_per_cpu_second:,.0f} tokens per CPU-second, "
        f"{label(slow.entry)} with {slow.recipe} slowest, "
        f"{slow.tokens_per_cpu_second:,.0f}."
    ]


def _limits(plan: Plan, results: Results) -> list[str]:
    counts = [row.pairs for row in (*results.common, *results.era, *results.recipe)]
    if not counts:
        return ["With fewer than two seeds of two models nothing can be tested."]
    n, tests = min(counts), max(len(results.common), len(results.era))
    least = 2 / 2**n
    text = (
        f"Significant means: p < {LEVEL} in the paired t-test over {n} seeds, after "
        f"Holm's correction in each family of up to {tests} tests. "
    )
    text += (
        f"The sign-flip test, which assumes no distribution, cannot fall below "
        f"{least:.3f} with {n} seeds"
    )
    passed = [
        f for f in (*results.common, *results.era, *results.recipe) if f.significant
    ]
    agree = sum(f.p_flip <= least + 1e-12 for f in passed)
    if passed:
        text += f"; it is that low for {agree} of the {len(passed)} significant ones"
    return [f"{text}."]


def _mean(row: Row) -> str:
    return f"{row.bpb:.3f} ± {row.sd:.3f} bits per byte"


def _difference(found: Comparison) -> str:
    """Without a sign: who is better has been said."""
    low, high = sorted((abs(found.low), abs(found.high)))
    if found.low < 0 < found.high:  # it is not known who is better
        low = -low
    p = f"{found.p_holm:.2g}" if found.p_holm >= 1e-4 else "< 0.0001"
    p = p if p.startswith("<") else f"= {p}"
    return f"{abs(found.difference):.3f}, 95 % {low:.3f} to {high:.3f}, p {p}"


def _listed(names) -> str:
    names = list(names)
    return ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]
