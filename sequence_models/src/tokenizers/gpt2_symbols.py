"""GPT-2's printable characters for bytes, and the order in which it numbers them.

A printable byte of Latin-1 stands for itself, the others for U+0100 and up: a space is
U+0120. With these a vocabulary of bytes is text, and its file can be read.
"""

PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
OTHERS = [value for value in range(256) if value not in PRINTABLE]
BYTE_ORDER = PRINTABLE + OTHERS
SYMBOLS = {b: chr(b) for b in PRINTABLE} | {
    b: chr(256 + i) for i, b in enumerate(OTHERS)
}
BYTES = {symbol: value for value, symbol in SYMBOLS.items()}


def to_symbols(data: bytes) -> str:
    """The printable form of `data`."""
    return "".join(map(SYMBOLS.__getitem__, data))


def from_symbols(text: str) -> bytes:
    """The bytes of their printable form; raises ValueError for another character."""
    try:
        return bytes(map(BYTES.__getitem__, text))
    except KeyError as error:
        raise ValueError(f"{text!r}: character {error} stands for no byte") from None
