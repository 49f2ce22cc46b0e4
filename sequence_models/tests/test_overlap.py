"""Shared n-grams and the longest copy, against a search by hand."""

import difflib
import math
import random

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from src.data.overlap import Copy, longest_copy, ngram_overlap


WORDS = st.text("ab", max_size=40)


@pytest.mark.spec("SEQ-028", "`longest_copy` equal a search by hand")
@given(WORDS, WORDS)
@example("", "ab")
@example("ab" * 20, "ba" * 20)
def test_the_longest_copy_is_the_longest(text, train):
    length, place, source = longest_copy(text, train)
    assert text[place : place + length] == train[source : source + length]
    found = [
        (n, i)
        for n in range(len(text), 0, -1)
        for i in range(len(text) - n + 1)
        if text[i : i + n] in train
    ]
    assert (length, place) == (found[0] if found else (0, 0))


@pytest.mark.spec("SEQ-028", "`longest_copy` equal a search by hand")
@pytest.mark.parametrize("length", [1, 15, 16, 17, 33, 100, 255, 256])
def test_a_copy_of_any_length_is_found(length):
    draw = random.Random(length)
    text, train = ("".join(draw.choices("abcdefgh", k=3000)) for _ in "ab")
    text = text[:1000] + "#" + train[500 : 500 + length] + "#" + text[1000:]
    ours = longest_copy(text, train)
    match = difflib.SequenceMatcher(None, text, train, autojunk=False)
    theirs = match.find_longest_match()
    assert ours.length == theirs.size and ours.place == theirs.a
    if length > 15:
        assert ours == Copy(length, 1001, 500)


def test_characters_and_ids_are_the_same():
    text, train = "naïve 𝄞 text", "a naïve 𝄞 test"
    ids = [torch.tensor([ord(c) for c in part]) for part in (text, train)]
    assert longest_copy(text, train) == Copy(10, 0, 2)
    assert longest_copy(*ids) == Copy(10, 0, 2)
    assert longest_copy(*(part.numpy().astype(np.uint32) for part in ids)).length == 10
    assert longest_copy("x" * 5000, "x" * 4000) == Copy(4000, 0, 0)
    assert longest_copy("abc", "") == longest_copy("abc", "xyz") == Copy(0, 0, 0)


def test_hashes_that_agree_by_chance_are_not_believed(monkeypatch):
    """With every hash the same, only the comparison tells."""
    monkeypatch.setattr(
        "src.data.overlap._Hashes.of_length",
        lambda self, n: np.zeros(max(len(self.symbols) - n + 1, 0), np.uint64),
    )
    assert longest_copy("xxabcdxx", "yabcdy") == Copy(4, 2, 1)


@pytest.mark.spec("SEQ-028", "`ngram_overlap`")
@given(WORDS, WORDS, st.integers(1, 6))
def test_shared_ngrams_are_counted(train, val, n):
    known = {train[i : i + n] for i in range(len(train) - n + 1)}
    ours = [val[i : i + n] in known for i in range(len(val) - n + 1)]
    share = ngram_overlap([ord(c) for c in train], [ord(c) for c in val], n)
    if ours:
        assert share == sum(ours) / len(ours) == ngram_overlap(train, val, n)
    else:
        assert math.isnan(share)


def test_overlap_of_ids_of_any_type():
    train, val = np.arange(1000, dtype=np.uint16), torch.arange(990, 1010)
    assert ngram_overlap(train, val, 4) == 7 / 17
    with pytest.raises(ValueError, match="n is 0"):
        ngram_overlap(train, val, 0)
