"""Characters, words and windows of text."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.sentences import (
    encode_words,
    read_sentences,
    split_words,
    toy_sentences,
    word_vocabulary,
)
from src.data.text import (
    IGNORED,
    char_vocabulary,
    decode,
    encode,
    evaluation_windows,
    read_text,
    split_text,
    training_windows,
)
from src.utils.errors import InputError


SHAKESPEARE = Path(__file__).resolve().parents[3] / "shared/data/tinyshakespeare"


@pytest.mark.spec("AGE-077", "is the text")
@given(st.text("abz A\n\r\t\0\x7fÄßé\u0301漢\uffff😀\U0010ffff", min_size=1))
def test_decode_turns_encode_back(text):
    vocabulary = char_vocabulary(text)
    ids = encode(text, vocabulary)
    assert decode(ids, vocabulary) == text
    assert ids.dtype == np.int64 and ids.tolist() == [vocabulary.index(c) for c in text]
    assert list(vocabulary) == sorted(set(text))


@pytest.mark.spec("AGE-077", "an unknown character is named")
@pytest.mark.parametrize("text, place", [("abzc", 2), ("A", 0), ("ab\U0001f600", 2)])
def test_an_unknown_character_is_named(text, place):
    with pytest.raises(InputError) as told:
        encode(text, "abc")
    assert f"the character {text[place]!r} at position {place}" in str(told.value)
    assert "it knows these 3: 'abc'" in str(told.value)


def test_nothing_is_encoded_to_nothing():
    assert encode("", "abc").tolist() == [] and decode(np.array([], int), "abc") == ""
    with pytest.raises(ValueError, match="the vocabulary is empty"):
        encode("a", "")


@pytest.mark.parametrize("ids", ([0, 3], [-1]))
def test_ids_outside_the_vocabulary_are_refused(ids):
    with pytest.raises(IndexError, match="the vocabulary has 0 to 2"):
        decode(np.array(ids), "abc")


@pytest.mark.spec("AGE-077", "exactly once")
@given(st.integers(2, 60), st.integers(1, 70))
def test_evaluation_asks_for_every_character_once(n, block):
    ids = np.arange(100, 100 + n)
    inputs, targets = evaluation_windows(ids, block)
    assert inputs.shape == targets.shape == (-(-(n - 1) // block), block)
    asked = targets != IGNORED
    np.testing.assert_array_equal(targets[asked], ids[1:])
    np.testing.assert_array_equal(inputs[asked], ids[:-1])
    assert not inputs[~asked].any()


@given(st.integers(2, 40), st.data())
def test_training_windows_stand_at_every_place(n, data):
    block = data.draw(st.integers(1, n - 1))
    inputs, targets = training_windows(np.arange(n), block)
    assert inputs.shape == targets.shape == (n - block, block)
    np.testing.assert_array_equal(inputs, np.arange(n - block)[:, None] + range(block))
    np.testing.assert_array_equal(targets, inputs + 1)


@pytest.mark.parametrize("windows", (training_windows, evaluation_windows))
def test_a_text_too_short_is_refused(windows):
    with pytest.raises(InputError, match="this part has 1; lower data.block"):
        windows(np.arange(1), 3)
    with pytest.raises((InputError, ValueError), match="block is 0|window of 0"):
        windows(np.arange(9), 0)


def test_the_first_nine_tenths_train():
    assert split_text("abcdefghijk") == ("abcdefghi", "jk")


FAULTS = [
    (b"", r"t.txt: is empty \(0 bytes\)"),
    (b"good\nb\xe4d\n", "t.txt:2: byte e4 at offset 6 is not UTF-8"),
]


@pytest.mark.parametrize("data, words", FAULTS)
def test_a_file_that_is_no_text_is_refused(tmp_path, data, words):
    (tmp_path / "t.txt").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_text(tmp_path / "t.txt")
    with pytest.raises(InputError, match="gone: no such file"):
        read_text(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot be read"):
        read_text(tmp_path)


def test_text_is_read_as_it_is(tmp_path):
    (tmp_path / "t.txt").write_bytes("\ufeffä\r\nb\n".encode())
    assert read_text(tmp_path / "t.txt") == "ä\r\nb\n"


@pytest.mark.skipif(not SHAKESPEARE.is_dir(), reason=f"no text in {SHAKESPEARE}")
def test_tiny_shakespeare_has_the_known_sizes():
    text = read_text(SHAKESPEARE / "input.txt")
    train, val = split_text(text)
    assert len(char_vocabulary(text)) == 65
    assert (len(train), len(val)) == (1003854, 111540)
    assert decode(encode(val, char_vocabulary(text)), char_vocabulary(text)) == val


def test_sentences_are_read_and_split_into_words(tmp_path):
    (tmp_path / "s.tsv").write_bytes(b"pos\tIt's GOOD, 10/10!\r\n\r\nneg\ta\tb\n")
    labels, texts = read_sentences(tmp_path / "s.tsv")
    assert labels == ["pos", "neg"] and texts == ["It's GOOD, 10/10!", "a\tb"]
    assert split_words(texts[0]) == ["it", "s", "good"]
    assert split_words("Ärger_über x2") == ["ärger", "über", "x"]


@pytest.mark.parametrize("line", ("pos good", "\tgood", "pos\t", "pos\t  "))
def test_a_line_that_is_no_labelled_sentence_is_refused(tmp_path, line):
    (tmp_path / "s.tsv").write_text(f"pos\tfine\n{line}\n")
    with pytest.raises(InputError, match=r"s\.tsv:2: is .*; needed is label<TAB>text"):
        read_sentences(tmp_path / "s.tsv")


def test_only_empty_lines_are_refused(tmp_path):
    (tmp_path / "s.tsv").write_text("\n \n")
    with pytest.raises(InputError, match="has no sentences, only empty lines"):
        read_sentences(tmp_path / "s.tsv")


def test_words_are_numbered_by_frequency_then_alphabet():
    vocabulary = word_vocabulary(["b a c", "c b", "d"], 5)
    assert vocabulary == ["<pad>", "<unk>", "b", "c", "a"]
    ids = encode_words(["c d a", "7!"], vocabulary)
    assert [i.tolist() for i in ids] == [[3, 1, 4], [1]]


def test_made_up_sentences_are_balanced_and_cannot_be_judged_by_one_word():
    labels, texts = toy_sentences(400, 0)
    assert labels.count("positive") == 200 and len(set(texts)) > 300
    assert (labels, texts) == toy_sentences(400, 0) != toy_sentences(400, 1)
    good = {a for a, b in zip(labels, texts, strict=True) if "brilliant" in b}
    assert good == {"positive", "negative"}
    plain = [(a, b) for a, b in zip(labels, texts, strict=True) if "superb" in b]
    assert all((a == "negative") == ("not" in b or "never" in b) for a, b in plain)
