"""The panel of tokenizers: one text, cut by several at once.

The page cuts what a visitor types itself, from the tables that are handed over here, so
that a saved page does it too. How it cuts is compared with the library in the tests.
"""

from functools import cache
from typing import Any

from ..data.stories import SEPARATOR, write_stories
from ..data.text import read_text
from ..tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, Tokenizer
from ..tokenizers.presplit import Split
from ..tokenizers.word import WordTokenizer
from ..utils.errors import InputError
from .page import Question
from .uploads import Upload


STORIES = 400
"""That the tokenizers at the start are made from."""
SIZES = (288, 512, 1024)
"""Ids of the byte-pair tokenizers at the start; 1024 learn what there is to learn."""
LARGEST, LONGEST = 4096, 1_000_000
"""Ids, and characters to learn from, of one that a visitor asks for."""
EXAMPLES = {
    "words that no story has": (
        "Tokenizers disagree: antidisestablishmentarianism, hyperparameters, GPT-4."
    ),
    "numbers and code": "for i in range(1000):\n    total += 3.14159 * x[i]",
    "other scripts": "na\u00efve caf\u00e9, \u041c\u043e\u0441\u043a\u0432\u0430, "
    "\u6771\u4eac, \U0001f642 and \u20ac12",
}


class Tokenizers:
    """What the panel asks for: tables of tokenizers, and new ones from a text."""

    def __init__(self, own: Tokenizer | None = None) -> None:
        """`own` is the tokenizer of the checkpoint."""
        self.own = own

    def start(self) -> dict[str, Any]:
        """The tokenizers that are there from the start, and texts to try."""
        text = embedded_text()
        char = CharTokenizer.train([text])
        word = WordTokenizer.train(text.split(SEPARATOR))
        found = [
            described("bytes", "one id per byte of UTF-8", ByteTokenizer()),
            described("characters", "those of the stories", char),
            described("words", "those of the stories", word),
            *(_byte_pairs(size) for size in SIZES),
        ]
        if self.own is not None:
            note = f"kind {self.own.kind}"
            found.append(described("the checkpoint's", note, self.own))
        return {
            "examples": [["a story", _beginning(text)], *EXAMPLES.items()],
            "tokenizers": found,
            "least": 256,
            "most": LARGEST,
        }

    def learn(
        self,
        text: str = "",
        file: Upload | None = None,
        vocab_size: int = 512,
        split: Split = "gpt4",
    ) -> dict[str, Any]:
        """Byte pairs learnt from a text that a visitor has typed or dropped."""
        if not 256 <= vocab_size <= LARGEST:
            raise InputError(
                f"{vocab_size} ids: choose from 256 (every byte) to {LARGEST:,}"
            )
        where = "your text"
        if file is not None:
            where = file.shown
            with file.as_file() as path:
                text = read_text(path)
        kept = text[:LONGEST]
        learnt = BPETokenizer.train([kept], vocab_size, split)
        first = "the first " if len(text) > LONGEST else ""
        note = f"{_merges(learnt)} from {first}{len(kept):,} characters of {where}"
        return described(f"yours, {learnt.vocab_size:,} ids", note, learnt)

    def exported(self) -> list[Question]:
        """What a saved page answers: it cuts any text, but learns no new tokenizer."""
        return [("tokens/start", {})]


def described(name: str, note: str, tokenizer: Tokenizer) -> dict[str, Any]:
    """A tokenizer as the page reads it: `from_dict(values)` is the same one."""
    size = tokenizer.vocab_size
    return {"name": name, "note": note, "size": size, "values": tokenizer.to_dict()}


@cache
def embedded_text() -> str:
    """The first stories of the training part of seed 0."""
    return write_stories(0, STORIES)


@cache
def _byte_pairs(size: int) -> dict[str, Any]:
    learnt = BPETokenizer.train([embedded_text()], size)
    note = f"{_merges(learnt)} from {STORIES} stories"
    return described(f"byte pairs, {learnt.vocab_size:,} ids", note, learnt)


def _beginning(text: str) -> str:
    """Two sentences."""
    return ". ".join(text.split(". ")[:2]) + "."


def _merges(learnt: BPETokenizer) -> str:
    return f"{len(learnt.merges):,} merges learnt"
