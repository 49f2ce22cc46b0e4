"""Equal parameters: the search for a size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.evolution.match import match
from src.utils.errors import InputError


def squares(sizes: dict[str, int]) -> int:
    return 12 * sizes.get("width", 1) ** 2 + 50 * sizes.get("feed", 10)


@pytest.mark.spec("SEQ-114", "nearest to the budget")
@given(st.integers(100, 10**7), st.integers(1, 9))
def test_no_other_width_is_nearer(budget, step):
    try:
        found = match(squares, {"width": step}, budget, 0.5)
    except InputError:
        return
    width = found.sizes["width"]
    assert width % step == 0 and found.parameters == squares(found.sizes)
    for other in (width - step, width + step):
        if other > 0:
            far = abs(squares({"width": other}) - budget)
            assert abs(found.parameters - budget) <= far


@pytest.mark.spec("SEQ-114", "a further field only where the width alone does not")
def test_a_second_field_closes_the_gap():
    alone = match(squares, {"width": 8, "feed": 1}, 12 * 64**2 + 500, 0.01)
    assert alone.sizes == {"width": 64}
    both = match(squares, {"width": 8, "feed": 1}, 12 * 64**2 + 3000, 0.01)
    assert both.sizes == {"width": 64, "feed": 60}
    assert both.parameters == 12 * 64**2 + 3000


@pytest.mark.spec("SEQ-114", "the nearest is named")
def test_what_cannot_be_reached_is_refused():
    with pytest.raises(InputError, match=r"the nearest, width = 64, has 49,652"):
        match(squares, {"width": 64}, 60_000, 0.02)
    with pytest.raises(InputError, match=r"width = 8, has 1,268"):
        match(squares, {"width": 8}, 1, 0.02)


def test_nonsense_is_refused():
    for budget, tolerance, steps in [
        (0, 0.1, {"w": 1}),
        (9, 0, {"w": 1}),
        (9, 0.1, {}),
    ]:
        with pytest.raises(ValueError, match="budget"):
            match(squares, steps, budget, tolerance)
