"""The tables that the page cuts texts with, and tokenizers that a visitor learns."""

import base64

import pytest

from src.app.page import plain
from src.app.tokenizers import LONGEST, SIZES, Tokenizers, embedded_text
from src.app.uploads import Upload
from src.tokenizers import BPETokenizer, CharTokenizer, from_dict
from src.utils.errors import InputError


def file(content: bytes, name="notes.txt") -> Upload:
    return Upload(name, base64.b64encode(content).decode())


def test_the_tables_are_whole_tokenizers_the_checkpoints_among_them():
    own = CharTokenizer.train(["abc"], ["<|bos|>"])
    start = plain(Tokenizers(own).start())
    found = [from_dict(one["values"]) for one in start["tokenizers"]]
    kinds = [one.kind for one in found]
    assert kinds == ["byte", "char", "word", *["bpe"] * len(SIZES), "char"]
    assert found[-1].to_dict() == own.to_dict()
    text = dict(start["examples"])["a story"]
    for one, given in zip(found[:-1], start["tokenizers"], strict=False):
        assert one.vocab_size == given["size"]
        assert one.decode(one.encode(text)) == text
    again = BPETokenizer.train([embedded_text()], SIZES[1])
    assert found[4].merges == again.merges


@pytest.mark.spec("SEQ-249", "are those of `BPETokenizer.train`")
def test_a_visitors_text_and_file_are_learnt_as_the_library_learns_them():
    text = "the cat and the hat and the bat " * 3
    expected = BPETokenizer.train([text], 300, "gpt2").to_dict()
    panel = Tokenizers()
    typed = panel.learn(text=text, vocab_size=300, split="gpt2")
    dropped = panel.learn(file=file(text.encode()), vocab_size=300, split="gpt2")
    assert typed["values"] == dropped["values"] == expected
    merges = len(expected["merges"])
    assert dropped["note"] == f"{merges} merges learnt from 96 characters of notes.txt"
    assert typed["size"] == 256 + merges


def test_a_long_text_is_learnt_from_as_far_as_it_is_said():
    learnt = Tokenizers().learn(text="ab" * LONGEST, vocab_size=257)
    assert "from the first 1,000,000 characters of your text" in learnt["note"]


@pytest.mark.spec("SEQ-249", "is refused in one sentence")
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"file": file(b"\x89PNG\r\n\x1a\n\xff")}, "notes.txt"),
        ({"file": file(b"x", "a.txt"), "vocab_size": 100}, "100 ids: choose from 256"),
        ({"text": ""}, "the training text is empty"),
        ({"text": "half \ud800"}, "half of a surrogate pair"),
        ({"text": "x", "vocab_size": 5000}, "to 4,096"),
    ],
)
def test_what_cannot_be_learnt_from_is_a_sentence(given, words):
    with pytest.raises(InputError) as error:
        Tokenizers().learn(**given)
    assert words in str(error.value) and "\n" not in str(error.value)
