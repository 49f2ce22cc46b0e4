"""Tokenizers as plain values and as files: JSON for the machine, a list for people."""

import json
from pathlib import Path
from typing import Any

from ..utils.atomic import write_atomically
from ..utils.errors import InputError
from .bpe import BPETokenizer
from .byte import ByteTokenizer
from .char import CharTokenizer
from .gpt2_files import load_gpt2
from .gpt2_symbols import from_symbols
from .tokenizer import Tokenizer
from .word import WordTokenizer


REMEDY = "Make it again with scripts/tokenizer.py train"


def from_dict(values: dict[str, Any], source: str = "the tokenizer") -> Tokenizer:
    """The tokenizer whose `to_dict` gave `values`.

    Raises InputError, which names `source`, for anything else.
    """
    try:
        return _build(values)
    except KeyError as error:
        said = f"it has no {error}"
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        said = str(error)
    raise InputError(f"{source} is not whole: {said}. {REMEDY}")


def _build(values: dict[str, Any]) -> Tokenizer:
    kind, specials = values["kind"], values["specials"]
    if kind == "byte":
        return ByteTokenizer(specials)
    if kind == "char":
        return CharTokenizer(values["characters"], specials)
    if kind == "word":
        return WordTokenizer(values["words"], specials)
    if kind == "bpe":
        pieces = [from_symbols(token) for token in values["tokens"]]
        merges = [(int(a), int(b)) for a, b in values["merges"]]
        return BPETokenizer(pieces, merges, values["split"], specials)
    raise ValueError(f"kind {kind!r} is not one of char, word, byte, bpe")


def save(tokenizer: Tokenizer, path: str | Path) -> list[Path]:
    """Write NAME.json and, to be read, NAME.listing.txt; gives both paths."""
    path = Path(path)
    if path.suffix != ".json":
        raise InputError(f"{path}: a tokenizer is saved as JSON. Let it end in .json")
    text = json.dumps(tokenizer.to_dict(), ensure_ascii=False, separators=(",", ":"))
    list_path, lines = path.with_suffix(".listing.txt"), listing(tokenizer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode("utf-8", "surrogatepass"))
        write_atomically(list_path, lines.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Name another file"
        ) from None
    return [path, list_path]


def load(path: str | Path) -> Tokenizer:
    """Read what `save` wrote, or a folder with GPT-2's vocab.json and merges.txt.

    Raises InputError, which names the file, for anything else.
    """
    path = Path(path)
    if path.is_dir():
        return load_gpt2(path)
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}. Name a tokenizer that was saved as JSON, or a "
            "folder with vocab.json and merges.txt"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}. {REMEDY}") from None
    return from_dict(values, str(path))


def listing(tokenizer: Tokenizer) -> str:
    """A line per id, to be read: `  300  [ t][he] -> [ the]`."""
    names = {number: name for name, number in tokenizer.specials.items()}
    parts = {}
    pieces = tokenizer.token_bytes()
    if isinstance(tokenizer, BPETokenizer):
        ids = {piece: number for number, piece in enumerate(pieces)}
        parts = {ids[pieces[a] + pieces[b]]: (a, b) for a, b in tokenizer.merges}
    lines = [
        f"# {tokenizer.kind}: {tokenizer.vocab_size} ids, "
        f"{len(parts)} merges, {len(names)} special tokens"
    ]
    for number, piece in enumerate(pieces):
        shown = f"[{readable(piece)}]"
        if number in names:
            shown = f"{names[number]}  special"
        elif number in parts:
            a, b = parts[number]
            shown = f"[{readable(pieces[a])}][{readable(pieces[b])}] -> {shown}"
        lines.append(f"{number:>6}  {shown}")
    return "\n".join(lines) + "\n"


def readable(piece: bytes) -> str:
    r"""The text of `piece` without line ends: \n, \xe2 for half a character."""
    text = piece.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
