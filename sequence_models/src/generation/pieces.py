"""Text for a terminal while its tokens come: only whole characters."""

import codecs
from collections.abc import Iterable, Iterator, Sequence


def text_pieces(tokens: Iterable[int], token_bytes: Sequence[bytes]) -> Iterator[str]:
    """Yield the text of `tokens` as soon as its characters are whole.

    The bytes of a character may lie in several tokens: they are held back until the
    last has come. What is no UTF-8 becomes U+FFFD, as in `Tokenizer.decode`.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for token in tokens:
        if piece := decoder.decode(token_bytes[token]):
            yield piece
    if rest := decoder.decode(b"", final=True):
        yield rest
