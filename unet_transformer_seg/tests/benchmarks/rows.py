# pattern: tests/benchmarks/rows.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/benchmarks/rows.py --from <sub-project>
"""What every benchmark writes below the key `rows`: a component beside its rival."""


def ratio_row(
    component: str, rival: str, ours: float, theirs: float, quantity: str = "CPU time"
) -> dict[str, str | float]:
    """The ratio of a quantity of which less is better: below 1 ours needs less."""
    ratio = ours / theirs
    return {
        "component": component,
        "rival": rival,
        "ratio": ratio,
        "quantity": quantity,
    }
