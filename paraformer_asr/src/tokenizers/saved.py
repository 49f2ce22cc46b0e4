"""A tokenizer as plain values, as a file, and from what a configuration says."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..utils.atomic import write_atomically
from ..utils.errors import InputError
from .bpe import BPETokenizer
from .char import CharTokenizer
from .normalise import normalise
from .tokenizer import Tokenizer, TokenizerConfig
from .word import WordTokenizer


RULES = ("none", "lower", "english")


def build_tokenizer(config: TokenizerConfig, texts: Iterable[str]) -> Tokenizer:
    """The tokenizer in `config.file`, or one of its kind learnt from `texts`."""
    if config.file:
        return load_tokenizer(config.file)
    texts, rules = list(texts), config.normalise
    if not any(normalise(text, rules) for text in texts):
        raise InputError(
            "the training part has no text: there is nothing to make tokens of. Give "
            "each recording its transcript"
        )
    if config.kind == "bpe":
        return BPETokenizer.train(texts, config.vocab_size, rules)
    kinds = {"char": CharTokenizer, "word": WordTokenizer}
    return kinds[config.kind].train(texts, rules)


def from_dict(values: dict[str, Any], source: str = "the tokenizer") -> Tokenizer:
    """The tokenizer whose `to_dict` gave `values`.

    Raises InputError, which names `source`, for anything else.
    """
    try:
        return _build(values)
    except KeyError as error:
        said = f"it has no {error}"
    except (AttributeError, TypeError, ValueError) as error:
        said = str(error)
    raise InputError(f"{source} is not whole: {said}")


def save_tokenizer(tokenizer: Tokenizer, path: str | Path) -> None:
    """Write `to_dict` as JSON."""
    text = json.dumps(tokenizer.to_dict(), ensure_ascii=False, indent=1)
    write_atomically(Path(path), text.encode("utf-8", "surrogatepass"))


def load_tokenizer(path: str | Path) -> Tokenizer:
    """Read what `save_tokenizer` wrote; InputError, naming the file, for all else."""
    try:
        values = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}. tokenizer.file names a tokenizer saved as JSON"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    return from_dict(values, str(path))


def _build(values: dict[str, Any]) -> Tokenizer:
    kind, rules = values["kind"], values["normalise"]
    if rules not in RULES:
        raise ValueError(f"normalise {rules!r} is not one of {', '.join(RULES)}")
    if kind == "bpe":
        return BPETokenizer(_texts(values["alphabet"]), values["merges"], rules)
    if kind not in ("char", "word"):
        raise ValueError(f"kind {kind!r} is not one of char, word, bpe")
    pieces = _texts(values["pieces"])
    return (CharTokenizer if kind == "char" else WordTokenizer)(pieces, rules)


def _texts(pieces: Any) -> list[str]:
    wrong = [p for p in pieces if not isinstance(p, str)]
    if not isinstance(pieces, (list, tuple)) or wrong:
        raise ValueError(f"pieces must be a list of texts, got {str(pieces)[:60]}")
    return list(pieces)
