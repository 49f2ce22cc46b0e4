r"""Cut text into chunks, roughly words, that no BPE token crosses.

The patterns of GPT-2 and GPT-4 (cl100k) use \p{L}, \p{N} and \s, which the standard
`re` does not have: its \d lacks numbers such as one half, its \s has U+001C .. U+001F,
which are no white space in Unicode. The classes are built from `unicodedata` instead.
"""

import re
import unicodedata
from functools import cache
from typing import Literal


Split = Literal["gpt2", "gpt4"]

PATTERNS: dict[str, str] = {
    # Radford et al. 2019, gpt-2/src/encoder.py.
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?[{L}]+| ?[{N}]+| ?[^{S}{L}{N}]+"
    r"|[{S}]+(?![^{S}])|[{S}]+",
    # tiktoken's cl100k_base: contractions in any case, at most 3 digits, line ends.
    "gpt4": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n{L}{N}]?[{L}]+|[{N}]{{1,3}}"
    r"| ?[^{S}{L}{N}]+[\r\n]*|[{S}]*[\r\n]+|[{S}]+(?![^{S}])|[{S}]+",
}
LETTERS_END = r"(?s:.*)[{L}](?=[^{L}])"
WHITE_SPACE = "\t\n\v\f\r\x85"  # and all of the categories Zs, Zl, Zp
ASCII, PLANE, UNICODE = 0x80, 0x10000, 0x110000


def split(text: str, kind: Split) -> list[str]:
    """The chunks of `text` in order; joined they are `text`."""
    return _compiled(PATTERNS[kind], _limit(text)).findall(text)


def last_boundary(text: str) -> int:
    """The last place where `text` may be cut without a change of its chunks, or 0.

    That is after a letter which no letter follows. In both patterns letters stand only
    at the end of a chunk, and nothing looks back.
    """
    found = _compiled(LETTERS_END, _limit(text)).match(text)
    return found.end() if found else 0


@cache
def _compiled(pattern: str, limit: int) -> re.Pattern[str]:
    """The pattern for text of code points below `limit`.

    `re` compares a character with the ranges beyond U+FFFF one by one: text without
    such characters is split many times faster by a pattern without them.
    """
    classes = {name: _ranges(name, limit) for name in "LNS"}
    return re.compile(pattern.format(**classes))


def _limit(text: str) -> int:
    if text.isascii():
        return ASCII
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return PLANE if units == len(text) else UNICODE


@cache
def _ranges(name: str, limit: int) -> str:
    """The characters of category L or N, or white space, as the inside of `[...]`."""
    spans: list[list[int]] = []
    for code in range(limit):
        if not _belongs(chr(code), name):
            continue
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in spans)


def _belongs(character: str, name: str) -> bool:
    category = unicodedata.category(character)
    if name == "S":
        return category[0] == "Z" or character in WHITE_SPACE
    return category[0] == name
