"""The verdicts on all samples as docs/CONFORMANCE.md."""

from collections import Counter

import torch

from tests.conformance_tiers import RANDOM, TIERS


def table(verdicts: dict[str, list | None], tolerance: float) -> str:
    """docs/CONFORMANCE.md."""
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
    for tier, names in TIERS.items():
        for name in names:
            found = verdicts.get(name)
            if found is None:
                lines.append(f"| {tier} | `{name}` | - | absent | | | |")
                continue
            count = Counter(v.kind for v in found)
            cells = [count[k] for k in ("right", "refused", "failed", "wrong")]
            told = " | ".join(str(c) for c in cells)
            lines.append(f"| {tier} | `{name}` | {len(found)} | {told} |")
    return "\n".join(lines) + "\n"
