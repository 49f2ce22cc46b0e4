"""Marks of the picture of integrate-and-fire that are easily lost."""

import numpy as np

from src.utils.cif_picture import Fired
from tests.test_explain import drawn_lines


def test_a_token_of_the_tail_has_a_hollow_dot_at_the_end_of_the_sum():
    alphas = np.array([0.5, 0.5, 0.2, 0.4])
    fired = Fired(np.zeros((8, 3)), 0.01, alphas, 0.02, [0.04, 0.08], ["a", "b"], "t")
    (_, bars, stairs), names = drawn_lines(fired)
    first, tail = (line for line in stairs.lines if line.get_marker() == "o")
    assert first.get_xydata().tolist() == [[0.04, 1.0]] and names == ["a", "b"]
    np.testing.assert_allclose(tail.get_xydata(), [[0.08, 1.6]])
    assert tail.get_markerfacecolor() == "white" != first.get_markerfacecolor()
    assert [tick.get_text() for tick in bars.get_yticklabels()] == ["0", "0.5"]


def test_weights_that_are_no_numbers_are_drawn_too():
    alphas = np.array([0.5, np.nan, 0.2, 0.1])
    fired = Fired(np.zeros((8, 3)), 0.01, alphas, 0.02, [], [], "t")
    (_, bars, _), _ = drawn_lines(fired)
    assert [tick.get_text() for tick in bars.get_yticklabels()] == ["0", "0.5"]
