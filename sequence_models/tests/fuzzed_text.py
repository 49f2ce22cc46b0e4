"""Random strings that tokenizers have been wrong about; only assigned characters."""

import random
import unicodedata
from functools import cache


WORDS = [
    "the",
    "The",
    "then",
    "other",
    "hello",
    "Hello",
    "a",
    "aa",
    "aaa",
    "x",
    "naïve",
]
SUFFIXES = [
    "'s",
    "'S",
    "'ll",
    "'LL",
    "'rE",
    "'ve",
    "'m",
    "'d",
    "'t",
    "'",
    "''s",
    "'\u017f",
]
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", " \n", "\n ", "\t", "\x0b"]
ODD_SPACES = ["\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u2009", "\u200b"]
LINE_ENDS = ["\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff", "\u180e"]
DIGITS = [
    "1",
    "12",
    "1234",
    "3.14",
    "\u00b2",
    "\u00bd",
    "\u2167",
    "\u0663",
    "\U0001d7d8",
]
MARKS = [
    "!",
    "?!",
    "...",
    "--",
    "=====",
    "_",
    "$",
    "€",
    "\u2019s",
    "<|eos|>",
    "<|",
    "\x00",
]
SCRIPTS = [
    "\u03b1\u03b2\u03b3",
    "\u0416\u0438",
    "\u0639\u0631\u0628",
    "\u0939\u093f",
    "\u4e2d\u6587",
]
RARE = [
    "e\u0301",
    "\ud55c\uae00",
    "\U0001f469\u200d\U0001f4bb",
    "\U0001d49c",
    "\U00020000",
    "\u01c5",
]
PARTS = [
    WORDS,
    SUFFIXES,
    SPACES,
    SPACES,
    ODD_SPACES,
    LINE_ENDS,
    DIGITS,
    MARKS,
    SCRIPTS,
    RARE,
]


def fuzzed(count: int, seed: int) -> list[str]:
    """`count` strings of 0 to 24 parts; each tenth holds any assigned characters."""
    draw = random.Random(seed)
    texts = []
    for number in range(count):
        parts = [draw.choice(draw.choice(PARTS)) for _ in range(draw.randrange(25))]
        if number % 10 == 0:
            parts += [draw.choice(assigned()) for _ in range(20)]
            draw.shuffle(parts)
        texts.append("".join(parts))
    return texts


@cache
def assigned() -> str:
    """Every character that this Python's Unicode knows, without halves of pairs."""
    codes = map(chr, range(0x110000))
    return "".join(
        c for c in codes if unicodedata.category(c) not in ("Cn", "Cs", "Co")
    )
