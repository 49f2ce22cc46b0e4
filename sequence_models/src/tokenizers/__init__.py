"""Text to token ids and back: characters, bytes, byte-level BPE."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..utils.errors import InputError
from .bpe import BPETokenizer
from .byte import ByteTokenizer
from .char import CharTokenizer, UnknownCharacter
from .presplit import Split
from .tokenizer import Tokenizer


__all__ = [
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "Tokenizer",
    "TokenizerConfig",
    "UnknownCharacter",
    "build_tokenizer",
    "from_dict",
]


@dataclass(frozen=True, slots=True)
class TokenizerConfig:
    """How text becomes ids."""

    kind: Literal["char", "byte", "bpe"] = "char"
    vocab_size: int = 1024  # bpe: bytes, merges and special tokens together
    split: Split = "gpt4"  # bpe: what no token crosses
    file: str = ""  # a saved tokenizer, instead of one made from the training text


def build_tokenizer(
    config: TokenizerConfig, text: str | Iterable[str], specials: Sequence[str] = ()
) -> Tokenizer:
    """The tokenizer of `config` for `text`, with the special tokens asked for."""
    texts = [text] if isinstance(text, str) else text
    if config.kind == "byte":
        return ByteTokenizer(specials)
    if config.kind == "char":
        tokenizer = CharTokenizer.train(texts, specials)
    else:
        tokenizer = BPETokenizer.train(texts, config.vocab_size, config.split, specials)
    if tokenizer.vocab_size == len(tokenizer.specials):
        raise InputError("the text is empty: there is nothing to make a tokenizer from")
    return tokenizer


def from_dict(values: dict[str, Any]) -> Tokenizer:
    """The tokenizer that gave `values` by its `to_dict`."""
    kind, specials = values["kind"], values["specials"]
    if kind == "byte":
        return ByteTokenizer(specials)
    if kind == "char":
        return CharTokenizer(values["characters"], specials)
    merges = [tuple(pair) for pair in values["merges"]]
    return BPETokenizer.from_merges(merges, values["split"], specials)
