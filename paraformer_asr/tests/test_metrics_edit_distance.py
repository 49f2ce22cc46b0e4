"""Levenshtein alignment against the table of the definition and against jiwer."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.metrics import edit_distance as module
from src.metrics.edit_distance import Pair, align, edit_distance
from src.metrics.error_rate import count_errors


TOKENS = st.lists(st.sampled_from("abc"), max_size=12)


def table_distance(one, other):
    """The recurrence of Wagner and Fischer (1974), a cell at a time."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row, above = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def drawn(random, tokens, most):
    return [random.choice(tokens) for _ in range(random.randint(0, most))]


@pytest.mark.spec("ASR-107", "has as few errors as the table of Wagner and Fischer")
@given(TOKENS, TOKENS)
def test_an_alignment_has_the_fewest_errors_and_loses_nothing(one, other):
    pairs = align(one, other)
    assert sum(not p.right for p in pairs) == table_distance(one, other)
    assert [p.reference for p in pairs if p.reference is not None] == one
    assert [p.hypothesis for p in pairs if p.hypothesis is not None] == other
    assert Pair(None, None) not in pairs


@pytest.mark.spec("ASR-107", "splits them as jiwer does")
@pytest.mark.parity("substitutions, deletions, insertions", "jiwer.process_words")
def test_counts_are_those_of_jiwer_on_300_pairs(parity):
    jiwer = pytest.importorskip("jiwer", reason="the reference for error rates")
    rng = random.Random(0)
    for _ in range(300):
        most = rng.choice((3, 12, 60))
        one, other = (drawn(rng, "abcdefgh"[: rng.randint(2, 8)], most) for _ in "ab")
        counts = count_errors(one, other)
        if not one:  # jiwer refuses an empty reference
            assert counts == (0, 0, len(other), 0)
            continue
        theirs = jiwer.process_words(" ".join(one), " ".join(other))
        split = theirs.substitutions, theirs.deletions, theirs.insertions
        parity.value((*counts[:3], counts.right), (*split, theirs.hits), atol=0)


@pytest.mark.spec("ASR-107", "of equally good alignments it is the one that")
@pytest.mark.parametrize(
    ("one", "other", "pairs"),
    [
        ("ab", "ba", [(None, "b"), ("a", "a"), ("b", None)]),
        ("aa", "a", [("a", "a"), ("a", None)]),
        ("ab", "cd", [("a", "c"), ("b", "d")]),
        ("abc", "xc", [("a", "x"), ("b", None), ("c", "c")]),
        ("xc", "abc", [(None, "a"), ("x", "b"), ("c", "c")]),
    ],
)
def test_ties_are_broken_as_documented(one, other, pairs):
    assert align(one, other) == tuple(Pair(*pair) for pair in pairs)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("", "ab", 2), ("ab", "", 2), ("kitten", "sitting", 3)],
)
def test_known_distances(one, other, distance):
    assert edit_distance(one, other) == distance


@pytest.mark.spec("ASR-107", "a block of columns at a time")
@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_blocks_change_nothing(monkeypatch, block):
    rng = random.Random(block)
    drawings = [(drawn(rng, "abcd", 30), drawn(rng, "abcd", 30)) for _ in range(100)]
    whole = [align(*pair) for pair in drawings]
    monkeypatch.setattr(module, "BLOCK", block)
    assert [align(*pair) for pair in drawings] == whole


def test_a_long_reference_is_aligned():
    rng = random.Random(0)
    reference = [rng.randrange(50) for _ in range(20_000)]
    hypothesis = [token for token in reference if rng.random() > 0.1]
    counts = count_errors(reference, hypothesis)
    assert counts.errors == counts.deletions == len(reference) - len(hypothesis)


def test_tokens_are_any_hashable_values():
    pairs = align([(1, 2), 3], [(1, 2), 4.5])
    assert pairs == (Pair((1, 2), (1, 2)), Pair(3, 4.5))
