"""One id a word: round trips, special tokens, unknown words."""

import numpy as np
import pytest

from src.tokenizers import (
    TokenizerConfig,
    UnknownWord,
    WordTokenizer,
    build_tokenizer,
    load,
    save,
)
from src.tokenizers import from_dict as rebuilt
from src.utils.config import from_dict as read_config
from src.utils.errors import InputError


hypothesis = pytest.importorskip("hypothesis", reason="draws the words")
given, strategies = hypothesis.given, hypothesis.strategies

WORDS = ("3", "12", "7", "+", "->", "99", "é", "->x")
SPECIALS = ["<|bos|>", "<|sep|>", "<|bos|>2"]
OURS = WordTokenizer(WORDS, SPECIALS)
BOS, SEP = OURS.specials["<|bos|>"], OURS.specials["<|sep|>"]

texts = strategies.lists(strategies.sampled_from(WORDS)).map(" ".join)


@pytest.mark.spec("SEQ-190", "gives each word one id")
def test_a_number_is_one_token_whatever_its_digits():
    assert OURS.encode("3 12 99 -> ->x") == [0, 1, 5, 4, 7]
    assert OURS.vocab_size == len(WORDS) + len(SPECIALS)
    assert list(OURS.specials.values()) == [8, 9, 10]


@pytest.mark.spec("SEQ-190", "any text of its words comes back")
@given(text=texts)
def test_any_text_of_its_words_comes_back(text):
    ids = OURS.encode_array(text)
    assert ids.dtype == np.int32 and ids.tolist() == OURS.encode(text)
    assert len(ids) == len(text.split())
    assert OURS.decode(ids) == text


@pytest.mark.spec("SEQ-190", "without a space beside a special token")
@given(parts=strategies.lists(texts | strategies.sampled_from(SPECIALS)))
def test_special_tokens_stand_without_spaces(parts):
    ids = []
    for part in parts:
        named = part in OURS.specials
        ids += [OURS.specials[part]] if named else OURS.encode(part)
    assert OURS.encode(OURS.decode(ids), "all") == ids


@pytest.mark.spec("SEQ-190", "without a space beside a special token")
def test_a_line_is_written_as_with_any_tokenizer():
    line = "<|bos|>3 + 7<|sep|>12<|sep|>"
    assert OURS.encode(line, "all") == [BOS, 0, 3, 2, SEP, 1, SEP]
    assert OURS.decode([BOS, 0, 3, 2, SEP, 1, SEP]) == line
    assert OURS.decode([]) == "" and OURS.decode([BOS, SEP]) == "<|bos|><|sep|>"
    with pytest.raises(UnknownWord, match="'<|bos|>3'"):
        OURS.encode(line)


def test_the_bytes_of_a_word_have_the_space_behind_it():
    pieces = OURS.token_bytes()
    assert b"".join(pieces[i] for i in OURS.encode("3 + é")) == "3 + é ".encode()
    assert [pieces[i] for i in OURS.specials.values()] == [b""] * 3


@pytest.mark.spec("SEQ-191", "named with its position and what stands before it")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3 + 12 -> 98", r"word '98' at position 10, after '3 \+ 12 -> ', is not one"),
        ("3+7", r"word '3\+7' at position 0, after '', is not one of the 8 "),
        ("3  7", "the empty word at position 2, after '3 '"),
        (" 3", "the empty word at position 0, after ''"),
        ("3 ", "the empty word at position 2, after '3 '"),
        (" ", "the empty word at position 0"),
        ("3\n7", r"word '3\\n7' at position 0"),
        ("12 " * 10 + "x", "word 'x' at position 30, after '2 12 12 12 12 12 12 '"),
    ],
)
def test_an_unknown_word_is_named(text, said):
    with pytest.raises(UnknownWord, match=said + ".*one space between two.*kind byte"):
        OURS.encode(text)


@pytest.mark.spec("SEQ-191", "named with its position")
def test_the_position_counts_from_the_beginning_of_the_text():
    with pytest.raises(UnknownWord, match="'x' at position 12, after '7 '"):
        OURS.encode("3 +<|bos|>7 x", {"<|bos|>"})[0]


@pytest.mark.parametrize("words", [["3", ""], ["3 7"], [3], [" "]])
def test_what_is_no_word_is_refused(words):
    with pytest.raises(InputError, match="is not a text without spaces. Give each"):
        WordTokenizer(words)


def test_a_word_that_is_given_twice_has_one_id():
    assert WordTokenizer(["b", "a", "b"], ["<|pad|>"]).words == ("b", "a")
    assert WordTokenizer(["b", "a", "b"], ["<|pad|>"]).specials == {"<|pad|>": 2}


def test_it_is_made_from_the_words_of_texts():
    config = read_config(TokenizerConfig, {"kind": "word"})
    ours = build_tokenizer(config, iter(["7 + 3", "7  12"]), ["<|pad|>"])
    assert isinstance(ours, WordTokenizer)
    assert ours.words == ("+", "12", "3", "7") and ours.specials == {"<|pad|>": 4}
    for nothing in ("", " ", []):
        with pytest.raises(InputError, match="text is empty: it has no word"):
            build_tokenizer(config, nothing)


@pytest.mark.spec("SEQ-190", "is saved and loaded like the others")
def test_what_is_saved_is_loaded(tmp_path):
    for again in (rebuilt(OURS.to_dict()), load(save(OURS, tmp_path / "w.json")[0])):
        assert isinstance(again, WordTokenizer)
        assert again.words == WORDS and again.specials == OURS.specials
        assert again.encode("12 ->") == [1, 4]
    more = OURS.with_specials(["<|sep|>", "<|pad|>"])
    assert more.specials == OURS.specials | {"<|pad|>": 11}
    assert more.encode("12 ->") == [1, 4]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"words": ["3", "1 2"]}, "'1 2' is not a text without spaces"),
        ({"words": 5}, "not whole"),
        ({"words": [[]]}, "not whole"),
        ({"words": None}, "not whole"),
        ({"specials": ["", ""]}, "is empty or stands twice"),
    ],
)
def test_a_damaged_one_is_refused(change, said):
    with pytest.raises(InputError, match=f"w.json is not whole.*{said}|{said}"):
        rebuilt(OURS.to_dict() | change, "w.json")


@pytest.mark.parametrize("wrong", [-1, 11])
def test_an_id_that_does_not_exist_is_refused(wrong):
    with pytest.raises(ValueError, match=f"id {wrong} is not one of 0 .. 10"):
        OURS.decode([0, wrong])
