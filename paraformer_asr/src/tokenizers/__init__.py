"""Transcripts as ids: characters, words, or pieces of words."""

from .bpe import BPETokenizer
from .char import CharTokenizer
from .normalise import normalise
from .saved import build_tokenizer, from_dict, load_tokenizer, save_tokenizer
from .tokenizer import (
    BLANK,
    EOS,
    SOS,
    SPECIALS,
    UNK,
    Tokenizer,
    TokenizerConfig,
    UnknownPiece,
    has_text,
)
from .word import WordTokenizer


__all__ = [
    "BLANK",
    "EOS",
    "SOS",
    "SPECIALS",
    "UNK",
    "BPETokenizer",
    "CharTokenizer",
    "Tokenizer",
    "TokenizerConfig",
    "UnknownPiece",
    "WordTokenizer",
    "build_tokenizer",
    "from_dict",
    "has_text",
    "load_tokenizer",
    "normalise",
    "save_tokenizer",
]
