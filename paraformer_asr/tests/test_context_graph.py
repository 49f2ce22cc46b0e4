"""Hot words: what a text earns is what stands in it, counted by hand."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from src.decoding.context_graph import ContextGraph
from src.utils.errors import InputError


TOKENS = st.integers(0, 2)
PHRASES = st.lists(st.lists(TOKENS, min_size=1, max_size=5).map(tuple), max_size=6)


def earned(graph, text):
    """What the search adds for the whole text."""
    state, total = graph.start(), 0.0
    for token in text:
        state, added = graph.step(state, token)
        total += added
    return total + graph.finish(state)


def counted(phrases, scores, text):
    """The definition: score * length for each place where a phrase stands."""
    worth = dict(zip(phrases, scores, strict=True))
    return sum(
        worth[phrase] * len(phrase)
        for phrase in worth
        for start in range(len(text))
        if tuple(text[start : start + len(phrase)]) == phrase
    )


@pytest.mark.spec("ASR-099", "exactly its score for each token of each phrase")
@settings(max_examples=300)
@given(PHRASES, st.lists(TOKENS, max_size=14), st.data())
@example([(0, 1), (1, 0), (0, 1, 0)], [0, 1, 0, 1, 0], None)
def test_a_text_earns_what_stands_in_it(phrases, text, data):
    scores = [1.5] * len(phrases)
    if data is not None:
        scores = [data.draw(st.sampled_from([2.0, 0.5, 0.0, -1.0])) for _ in phrases]
    graph = ContextGraph(phrases, scores)
    assert earned(graph, text) == pytest.approx(
        counted(phrases, scores, text), abs=1e-9
    )


@pytest.mark.spec("ASR-099", "earns its share at once")
def test_the_way_to_a_phrase_is_paid_and_taken_back():
    graph = ContextGraph([(5, 6, 7)], 2.0)
    state, first = graph.step(graph.start(), 5)
    state, second = graph.step(state, 6)
    assert (first, second) == (2.0, 2.0)
    assert graph.finish(state) == -4.0
    done, third = graph.step(state, 7)
    assert (third, graph.finish(done)) == (2.0, 0.0)
    lost, taken = graph.step(state, 9)
    assert (lost, taken) == (graph.start(), -4.0)


@pytest.mark.spec("ASR-099", "earns its share at once")
def test_a_fall_keeps_the_share_of_the_shorter_beginning():
    graph = ContextGraph([(1, 2, 3), (2, 4)], 1.0)
    state, _ = graph.step(graph.start(), 1)
    state, _ = graph.step(state, 2)
    state, added = graph.step(state, 4)
    assert added == 0.0  # two were lent for 1 2; 2 4 is worth two
    assert graph.finish(state) == 0.0


def test_no_hot_words_add_nothing():
    assert earned(ContextGraph([]), [1, 2, 3]) == 0.0


@pytest.mark.parametrize("phrases, score", [([()], 1.0), ([(1,)], float("nan"))])
def test_a_phrase_without_tokens_or_worth_is_refused(phrases, score):
    with pytest.raises(InputError, match="hot word"):
        ContextGraph(phrases, score)
