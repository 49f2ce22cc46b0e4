"""Tokens as a page shows them, and a visitor's text as tokens."""

from ..inference.predictor import Predictor
from ..tokenizers import Tokenizer
from ..tokenizers.show import visible
from ..utils.errors import InputError


def names(tokenizer: Tokenizer) -> list[str]:
    """What each id is called: its text with marks for blanks, or a special name."""
    special = {number: name for name, number in tokenizer.specials.items()}
    return [
        special.get(number) or visible(piece)
        for number, piece in enumerate(tokenizer.token_bytes())
    ]


def read(predictor: Predictor, text: str, longest: int) -> list[int]:
    """The ids of a text of at most `longest` characters; raises InputError.

    A special token may be written by its name.
    """
    if len(text) > longest:
        raise InputError(
            f"the text has {len(text):,} characters; the page reads {longest:,} at "
            "most: shorten it"
        )
    return predictor.tokenizer.encode(text, "all")
