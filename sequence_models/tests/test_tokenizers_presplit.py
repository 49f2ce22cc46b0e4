"""The pre-splits against the `regex` library with the patterns as published."""

import pytest

from src.tokenizers.presplit import last_boundary, split
from tests.fuzzed_text import assigned, fuzzed


regex = pytest.importorskip("regex", reason="the reference of the pre-splits")
PUBLISHED = {
    "gpt2": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+"""
    r"""|\s+(?!\S)|\s+""",
    "gpt4": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"""
    r"""| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
}


@pytest.mark.spec("SEQ-001", "give the chunks of the `regex` library")
@pytest.mark.parametrize("kind", PUBLISHED)
def test_chunks_are_those_of_the_published_pattern(kind):
    pattern = regex.compile(PUBLISHED[kind])
    for text in fuzzed(2000, seed=1):
        assert split(text, kind) == pattern.findall(text)


@pytest.mark.spec("SEQ-001", "every assigned character")
@pytest.mark.parametrize("kind", PUBLISHED)
def test_every_assigned_character_is_split_alike(kind):
    text = "".join(f"a{c}1 {c}!{c}\n" for c in assigned())
    assert split(text, kind) == regex.compile(PUBLISHED[kind]).findall(text)


@pytest.mark.spec("SEQ-001", "joined they are the text")
@pytest.mark.parametrize("kind", PUBLISHED)
def test_joined_chunks_are_the_text_also_of_halves_of_pairs(kind):
    text = "a\ud800b \udc80'\U0010ffff\u0378 "
    assert "".join(split(text, kind)) == text


@pytest.mark.parametrize("kind", PUBLISHED)
@pytest.mark.parametrize(
    "text",
    ["I'll we'Ve it's", "don't 12345 x\n\n y  ", "=====\r\n\r\n a", "", " ", "\n"],
)
def test_plain_ascii_is_split_as_published(kind, text):
    assert split(text, kind) == regex.compile(PUBLISHED[kind]).findall(text)


@pytest.mark.spec("SEQ-011", "cut where no chunk is cut")
@pytest.mark.parametrize("kind", PUBLISHED)
def test_a_cut_at_the_last_boundary_changes_no_chunk(kind):
    cuts = 0
    for text in fuzzed(1000, seed=2):
        cut = last_boundary(text)
        assert split(text[:cut], kind) + split(text[cut:], kind) == split(text, kind)
        cuts += cut > 0
    assert cuts > 700


@pytest.mark.parametrize(
    ("text", "cut"), [("", 0), ("abc", 0), ("ab c", 2), ("1 2 3", 0), ("é!", 1)]
)
def test_the_last_boundary_is_after_a_letter_that_none_follows(text, cut):
    assert last_boundary(text) == cut
