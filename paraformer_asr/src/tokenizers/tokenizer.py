"""Text and ids, and the four ids that are no text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ..utils.errors import InputError
from .normalise import Normalise, normalise


SPECIALS = ("<blank>", "<unk>", "<sos>", "<eos>")
"""Ids 0 to 3 of every tokenizer: of CTC, what is not known, begin, end."""
BLANK, UNK, SOS, EOS = range(4)
SHOWN = 40  # characters of a text that an error quotes


@dataclass(frozen=True, slots=True)
class TokenizerConfig:
    kind: Literal["char", "word", "bpe"] = "char"
    """Of char the space is a token too."""
    vocab_size: int = 0
    """Ids of bpe, the four special ones included; 0: 500, or as many as there are."""
    file: str = ""
    """A tokenizer saved as JSON, instead of one that is learnt from the texts."""
    normalise: Normalise = "lower"
    """What is done to a text first: see src/tokenizers/normalise.py."""

    def __post_init__(self) -> None:
        if self.vocab_size < 0 or self.vocab_size and self.kind != "bpe":
            raise ValueError(
                f"vocab_size = {self.vocab_size}: only of kind bpe, and > 4; char and "
                "word take all that the training text has"
            )
        if 0 < self.vocab_size <= len(SPECIALS):
            raise ValueError(f"vocab_size = {self.vocab_size}: must be > 4")


def has_text(token: int) -> bool:
    """Whether an id is shown: of the special ones only <unk>."""
    return token == UNK or token >= len(SPECIALS)


class UnknownPiece(InputError):
    """A character or word that the training text did not have."""


class Tokenizer:
    """A list of pieces, of which the first four are `SPECIALS`.

    A subclass cuts a normalised text (`_cut`) and joins pieces (`_join`).
    """

    kind: ClassVar[str]
    unit: ClassVar[str] = "character"
    """What an error calls a piece of text that is not known."""

    def __init__(self, pieces: Sequence[str], rules: Normalise = "lower") -> None:
        """Take the pieces behind the special ones; InputError unless each is once."""
        self.rules: Normalise = rules
        self.pieces: list[str] = [*SPECIALS, *pieces]
        self._ids = {piece: number for number, piece in enumerate(self.pieces)}
        if not pieces or len(self._ids) < len(self.pieces) or "" in self._ids:
            raise InputError(
                f"a tokenizer of kind {self.kind} needs pieces, each of them once and "
                f"none of them empty or named like {', '.join(SPECIALS)}; got "
                f"{len(pieces)}, {len(self._ids) - len(SPECIALS)} different"
            )

    @property
    def vocab_size(self) -> int:
        return len(self.pieces)

    def normalise(self, text: str) -> str:
        """The text as its transcript is written and scored."""
        return normalise(text, self.rules)

    def encode(
        self, text: str, unknown: Literal["refuse", "keep"] = "refuse"
    ) -> list[int]:
        """The ids of `text`, normalised; with "keep", what is not known is 1.

        Raises UnknownPiece, which names the first such.
        """
        text = self.normalise(text)
        ids = [self._ids.get(piece, UNK) for piece in self._cut(text)]
        if UNK in ids and unknown == "refuse":
            raise self._unknown(text)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text; of the special ids only <unk> is shown.

        Raises ValueError for an id that does not exist.
        """
        numbers = [int(number) for number in ids]
        for number in numbers:
            if not 0 <= number < self.vocab_size:
                raise ValueError(f"id {number}: there are {self.vocab_size}, from 0")
        return self._join([self.pieces[n] for n in numbers if has_text(n)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, of which `from_dict` makes an equal tokenizer."""
        pieces = self.pieces[len(SPECIALS) :]
        return {"kind": self.kind, "normalise": self.rules, "pieces": pieces}

    def unknown_pieces(self, text: str) -> list[str]:
        """What of `text` is not known, each once, in order."""
        cut = self._cut(self.normalise(text))
        return list(dict.fromkeys(piece for piece in cut if piece not in self._ids))

    def _cut(self, text: str) -> list[str]:
        raise NotImplementedError

    def _join(self, pieces: list[str]) -> str:
        raise NotImplementedError

    def _unknown(self, text: str) -> UnknownPiece:
        piece = self.unknown_pieces(text)[0]
        named = f"{piece!r}"
        if len(piece) == 1:
            named += f" (U+{ord(piece):04X})"
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        return UnknownPiece(
            f"the {self.unit} {named} of {shown!r} is not one of the "
            f"{self.vocab_size - len(SPECIALS)} pieces of the tokenizer. Correct the "
            "text, choose another tokenizer.normalise, or train with a text that has it"
        )
