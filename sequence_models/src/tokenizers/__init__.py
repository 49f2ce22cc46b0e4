"""Text to token ids and back: characters, words, bytes, byte-level BPE."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..utils.errors import InputError
from .bpe import BPETokenizer
from .byte import ByteTokenizer
from .char import CharTokenizer, UnknownCharacter
from .gpt2_files import load_gpt2, save_gpt2
from .presplit import Split
from .saved import from_dict, load, save
from .show import show
from .text_stream import stream_text
from .tokenizer import Tokenizer
from .word import UnknownWord, WordTokenizer


__all__ = [
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "Tokenizer",
    "TokenizerConfig",
    "UnknownCharacter",
    "UnknownWord",
    "WordTokenizer",
    "build_tokenizer",
    "from_dict",
    "load",
    "load_gpt2",
    "save",
    "save_gpt2",
    "show",
    "stream_text",
]


@dataclass(frozen=True, slots=True)
class TokenizerConfig:
    """How text becomes ids."""

    kind: Literal["char", "word", "byte", "bpe"] = "char"
    vocab_size: int = 1024  # bpe: bytes, merges and special tokens together
    split: Split = "gpt4"  # bpe: what no token crosses
    file: str = ""  # a saved tokenizer, instead of one made from the training text

    def __post_init__(self) -> None:
        if self.vocab_size < 256:
            raise InputError(
                f"vocab_size must be at least 256 (every byte), got {self.vocab_size}"
            )


def build_tokenizer(
    config: TokenizerConfig, text: str | Iterable[str], specials: Sequence[str] = ()
) -> Tokenizer:
    """The tokenizer of `config` for `text`, with the special tokens asked for.

    A text in several strings is read once, one string at a time. Raises InputError for
    an empty text, a vocabulary too small, a file that cannot be read.
    """
    if config.file:
        return load(config.file).with_specials(specials)
    texts = [text] if isinstance(text, str) else text
    if config.kind == "byte":
        return ByteTokenizer(specials)
    if config.kind == "char":
        return CharTokenizer.train(texts, specials)
    if config.kind == "word":
        return WordTokenizer.train(texts, specials)
    return BPETokenizer.train(texts, config.vocab_size, config.split, specials)
