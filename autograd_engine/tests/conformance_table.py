"""The verdicts on all samples as docs/CONFORMANCE.md."""

from collections import Counter

import torch

from tests.conformance_tiers import RANDOM, TIERS


def table(
    verdicts: dict[str, list | None],
    tolerance: float,
    asked: dict[str, list],
    most: int,
) -> str:
    """docs/CONFORMANCE.md: a row an operation, then a row a question."""
    kinds = Counter(v.kind for found in verdicts.values() for v in found or [])
    present = [n for n, found in verdicts.items() if found is not None]
    total = sum(kinds.values())
    version = torch.__version__.split("+")[0]
    share = 100 * kinds["right"] / max(total, 1)
    lines = [
        "# Conformance with PyTorch",
        "",
        "`python -m tests.conformance` ran the OpInfo samples of "
        f"torch {version} (float64)",
        "through the engine and compared shape, dtype, value and gradient "
        f"(tolerance {tolerance:g}).",
        "",
        f"Operations present: {len(present)} of {len(verdicts)}. Samples: {total}; "
        f"right {kinds['right']} ({share:.1f} %),",
        f"refused in a sentence {kinds['refused']}, failed {kinds['failed']}, "
        f"silently wrong {kinds['wrong']}.",
        "Operations that draw random numbers are compared in shape and dtype only: "
        + ", ".join(f"`{n}`" for n in sorted(RANDOM & set(present)))
        + ".",
        "",
        "| tier | operation | samples | right | refused | failed | wrong |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += rows(verdicts)
    lines += [
        "",
        "`tests/conformance_probes.py` asks more of up to "
        f"{most} samples of each operation:",
        "",
        "| question | samples | right | refused | failed | wrong |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [f"| {name} | {_cells(found)} |" for name, found in asked.items()]
    return "\n".join(lines) + "\n"


def rows(verdicts: dict[str, list | None]) -> list[str]:
    """A row for each operation of `verdicts`."""
    lines = []
    for tier, names in TIERS.items():
        for name in (n for n in names if n in verdicts):
            found = verdicts[name]
            told = "- | absent | | |" if found is None else f"{_cells(found)} |"
            lines.append(f"| {tier} | `{name}` | {told}")
    return lines


def _cells(found: list) -> str:
    count = Counter(v.kind for v in found)
    kinds = ("right", "refused", "failed", "wrong")
    return " | ".join(str(n) for n in (len(found), *(count[k] for k in kinds)))
