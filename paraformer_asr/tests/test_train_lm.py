"""A language model of a checkpoint's tokens, from text to a search that heeds it."""

import math

import pytest

from src.decoding.ngram import NGram, TokenLm
from src.inference.train_lm import train_lm
from src.training.load import load_model
from src.utils.errors import InputError
from tests.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("lm"))


@pytest.mark.spec("ASR-097", "learnt from lines of text for a checkpoint's tokens")
def test_a_model_of_the_tokens_is_learnt_from_lines(checkpoint, tmp_path, capsys):
    tokenizer = load_model(checkpoint).tokenizer
    once, twice = tokenizer.decode([4, 5]), tokenizer.decode([4, 5, 4, 5])
    text, out = tmp_path / "text.txt", tmp_path / "lm.arpa"
    text.write_text(f"{once}\n\n{twice}\n?é\n", "utf-8")
    train_lm(checkpoint, text, out, order=2)
    shown = capsys.readouterr()
    assert "3 lines" in shown.out
    assert "text.txt: 1 of 7 tokens, such as 'é', are not" in shown.err
    text.write_text(f"{once}\n{twice}\n", "utf-8")
    train_lm(checkpoint, text, tmp_path / "known.arpa", order=2)
    assert capsys.readouterr().err == ""
    lm = TokenLm(NGram.read(out), tokenizer.pieces, weight=1.0)
    state, _ = lm.step(lm.start(), 4)
    (_, likely), (_, unlikely) = lm.step(state, 5), lm.step(state, 4)
    assert likely > unlikely > -math.inf


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe"])
def test_a_text_without_text_is_refused(checkpoint, tmp_path, content):
    (tmp_path / "text.txt").write_bytes(content)
    with pytest.raises(InputError, match="text.txt"):
        train_lm(checkpoint, tmp_path / "text.txt", tmp_path / "lm.arpa")


def test_an_output_in_no_folder_is_refused(checkpoint, tmp_path):
    (tmp_path / "text.txt").write_text("a\n")
    with pytest.raises(InputError, match="cannot be written"):
        train_lm(checkpoint, tmp_path / "text.txt", tmp_path / "no" / "lm.arpa")
