"""The files of GPT-2: vocab.json (or encoder.json) and merges.txt (or vocab.bpe)."""

import json
from pathlib import Path

from ..utils.atomic import write_atomically
from ..utils.errors import InputError
from .bpe import BPETokenizer
from .gpt2_symbols import from_symbols, to_symbols
from .presplit import Split


VOCABULARIES, MERGES = ("vocab.json", "encoder.json"), ("merges.txt", "vocab.bpe")
HEADER = "#version: 0.2"


def load_gpt2(folder: str | Path, split: Split = "gpt2") -> BPETokenizer:
    """The tokenizer of such a folder, with its ids.

    A token that is neither a byte nor made by a merge is taken for a special one.
    Raises InputError, which names file and line.
    """
    folder = Path(folder)
    vocabulary, merges = (_find(folder, names) for names in (VOCABULARIES, MERGES))
    numbers = _read_vocabulary(vocabulary)
    pairs = _read_pairs(merges, numbers)
    made = {left + right for left, right in pairs}
    specials = {t: i for t, i in numbers.items() if t not in made and len(t) > 1}
    pieces = [b""] * len(numbers)
    try:
        for token, number in numbers.items():
            if token not in specials:
                pieces[number] = from_symbols(token)
        ids = [(numbers[left], numbers[right]) for left, right in pairs]
        return BPETokenizer(pieces, ids, split, specials)
    except ValueError as error:
        raise InputError(
            f"{vocabulary}: {error}. It must be a byte-level vocabulary that belongs "
            f"to {merges.name}"
        ) from None


def save_gpt2(tokenizer: BPETokenizer, folder: str | Path) -> None:
    """Write vocab.json and merges.txt, which other programs read."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [to_symbols(piece) for piece in tokenizer.token_bytes()]
    for name, number in tokenizer.specials.items():
        tokens[number] = name
    numbers = {token: number for number, token in enumerate(tokens)}
    lines = [HEADER, *(f"{tokens[a]} {tokens[b]}" for a, b in tokenizer.merges)]
    text = json.dumps(numbers, ensure_ascii=False)
    write_atomically(folder / VOCABULARIES[0], text.encode())
    write_atomically(folder / MERGES[0], "".join(f"{s}\n" for s in lines).encode())


def _find(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{folder} has no {' or '.join(names)}. Name a folder that has")


def _read_vocabulary(path: Path) -> dict[str, int]:
    try:
        numbers = json.loads(path.read_bytes())
        whole = sorted(numbers.values()) == list(range(len(numbers)))
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is not a JSON of token: id ({error})") from None
    if not whole:
        raise InputError(f"{path}: the ids are not 0 .. {len(numbers) - 1}, each once")
    return numbers


def _read_pairs(path: Path, numbers: dict[str, int]) -> list[tuple[str, str]]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8") from None
    pairs = []
    for number, line in enumerate(lines, 1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        left, _, right = line.partition(" ")
        for token in (left, right, left + right):
            if token not in numbers or not left or not right:
                raise InputError(
                    f"{path}:{number}: {line!r} must be two tokens of the vocabulary "
                    f"with a space between, that make a third; {token!r} is not in it"
                )
        pairs.append((left, right))
    return pairs
