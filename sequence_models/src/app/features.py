"""What a unit of a recurrent network may follow (after Karpathy et al. 2015)."""

from collections.abc import Sequence

import torch
from torch import Tensor


FEATURES = (
    "a space",
    "a vowel",
    "a capital",
    "the end of a sentence",
    "place in the word",
    "place in the sentence",
    "place in the text",
)


def features(letters: Sequence[str]) -> Tensor:
    """(features, tokens) of the text of each token, as 0 or 1, or as a place."""
    word = sentence = 0
    rows = []
    for place, letter in enumerate(letters):
        end = letter[-1:] in (".", "!", "?")
        word = 0 if letter[:1].isspace() else word + 1
        rows.append((
            letter.isspace(), letter[-1:].lower() in tuple("aeiou"),
            letter[:1].isupper(), end, word, sentence, place,
        ))  # fmt: skip
        sentence = 0 if end else sentence + 1
    return torch.tensor(rows, dtype=torch.float64).T


def follow(values: Tensor, letters: Sequence[str]) -> Tensor:
    """(quantities, features, units): Pearson's correlation over the tokens.

    0 where a feature or a unit never changes.
    """
    seen = _standard(features(letters)[None])  # (1, features, tokens)
    units = _standard(values.double().mT)  # (quantities, units, tokens)
    return seen @ units.mT


def _standard(rows: Tensor) -> Tensor:
    """Rows of mean 0 and length 1; a constant one becomes 0."""
    rows = rows - rows.mean(-1, keepdim=True)
    length = rows.norm(dim=-1, keepdim=True)
    return torch.where(length > 1e-9, rows / length.clamp(min=1e-9), 0.0)
