"""How a text is cut into tokens, for the eye."""

import unicodedata
from collections.abc import Sequence

from .saved import readable
from .tokenizer import Tokenizer


COLOURS = ("\x1b[48;5;153m\x1b[30m", "\x1b[48;5;223m\x1b[30m")  # light blue, light sand
PLAIN = "\x1b[0m"
MARKS = {" ": "\u2423", "\n": "\u23ce", "\t": "\u21e5"}


def show(tokenizer: Tokenizer, text: str, coloured: bool, width: int = 88) -> str:
    """The tokens of `text` above their ids, in lines of at most `width` columns.

    Neighbours differ in colour, or stand in brackets where there are no colours.
    """
    ids, pieces = tokenizer.encode(text, "all"), tokenizer.token_bytes()
    names = {number: name for name, number in tokenizer.specials.items()}
    tokens = [names.get(i) or visible(pieces[i]) for i in ids]
    if not coloured:
        tokens = [f"[{token}]" for token in tokens]
    columns = [max(_columns(t), len(str(i))) for t, i in zip(tokens, ids, strict=True)]
    rows: list[str] = []
    for first, last in _lines(columns, width):
        above, below = [], []
        for k in range(first, last):
            padding = " " * (columns[k] - _columns(tokens[k]))
            token = f"{COLOURS[k % 2]}{tokens[k]}{PLAIN}" if coloured else tokens[k]
            above.append(token + padding)
            below.append(f"{ids[k]:<{columns[k]}}")
        rows += [" ".join(above).rstrip(), " ".join(below).rstrip(), ""]
    return "\n".join([*rows, counts(text, len(ids))])


def counts(text: str, tokens: int) -> str:
    """`12 characters, 14 bytes, 5 tokens (2.80 bytes a token)`."""
    size = len(text.encode("utf-8", "surrogateescape"))
    rate = f" ({size / tokens:.2f} bytes a token)" if tokens else ""
    return f"{len(text):,} characters, {size:,} bytes, {tokens:,} tokens{rate}"


def visible(piece: bytes) -> str:
    text = piece.decode("utf-8", "backslashreplace")
    return "".join(MARKS.get(c) or readable(c.encode()) for c in text)


def _columns(text: str) -> int:
    """Columns of a terminal: two for a wide character, none for a combining one."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _lines(columns: Sequence[int], width: int) -> list[tuple[int, int]]:
    """First and last + 1 of the tokens of each line, one space between them."""
    spans, first, used = [], 0, 0
    for k, size in enumerate(columns):
        if k > first and used + size > width:
            spans.append((first, k))
            first, used = k, 0
        used += size + 1
    return [*spans, (first, len(columns))] if columns else []
