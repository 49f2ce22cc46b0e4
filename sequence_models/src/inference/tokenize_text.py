"""What scripts/tokenizer.py does: train a tokenizer, encode files, show a text."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np

from .. import tokenizers
from ..data.memmap import write_tokens
from ..tokenizers import Tokenizer, TokenizerConfig, UnknownCharacter, stream_text
from ..utils.checkpoint import load_checkpoint
from ..utils.errors import InputError
from ..utils.folders import make_folder


def train(
    texts: Sequence[Path], config: TokenizerConfig, specials: Sequence[str], out: Path
) -> str:
    """Make a tokenizer from text files, save it, say what was made."""
    make_folder(out.parent)  # before the time that the training takes
    pieces = chain.from_iterable(map(stream_text, texts))
    tokenizer = tokenizers.build_tokenizer(config, pieces, specials)
    saved, readable = tokenizers.save(tokenizer, out)
    lines = [f"{tokenizer.vocab_size:,} ids  {saved}  to read: {readable}"]
    if config.kind == "bpe" and tokenizer.vocab_size < config.vocab_size:
        lines.append(f"fewer than {config.vocab_size:,}: no pair occurs twice any more")
    return "\n".join(lines)


def encode(texts: Sequence[Path], tokenizer: Tokenizer, out: Path) -> str:
    """Write the ids of text files, one after another, as a token file."""
    make_folder(out.parent)
    count = write_tokens(out, _ids(texts, tokenizer), tokenizer.to_dict())
    size = sum(path.stat().st_size for path in texts)
    return f"{count:,} tokens of {size:,} bytes ({size / count:.2f} a token)  {out}"


def show(path: Path, tokenizer: Tokenizer, limit: int, coloured: bool) -> str:
    """How the first `limit` characters of a file are cut."""
    if limit < 1:
        raise InputError(f"--limit {limit}: must be 1 or more")
    text = "".join(islice(chain.from_iterable(stream_text(path, 4096)), limit))
    return tokenizers.show(tokenizer, text, coloured)


def open_tokenizer(path: Path | None) -> Tokenizer:
    """A saved tokenizer, a folder of GPT-2's files, or that of a checkpoint (.pt)."""
    if path is None:
        raise InputError("which tokenizer? Name it with --tokenizer FILE")
    if path.suffix == ".pt":
        values = load_checkpoint(path)["data"].get("tokenizer")
        return tokenizers.from_dict(values, f"{path}: its tokenizer")
    return tokenizers.load(path)


def _ids(texts: Sequence[Path], tokenizer: Tokenizer) -> Iterator[np.ndarray]:
    for path in texts:
        start = 0
        for piece in stream_text(path):
            try:
                yield tokenizer.encode_array(piece, start)
            except UnknownCharacter as error:
                raise UnknownCharacter(f"{path}: {error}") from None
            start += len(piece)
