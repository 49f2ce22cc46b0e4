"""Text as numbers, a character at a time, for a language model."""

from pathlib import Path

import numpy as np

from ..utils.errors import InputError


IGNORED = -100
"""A target that counts in no loss and no metric, as `cross_entropy` has it."""


def read_text(path: str | Path) -> str:
    """A UTF-8 file as it is; raises InputError with the place of the first bad byte."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not data:
        raise InputError(f"{path}: is empty (0 bytes)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: byte {data[error.start]:02x} at offset {error.start} is "
            "not UTF-8; save the file as UTF-8"
        ) from None


def char_vocabulary(text: str) -> str:
    """The different characters, sorted; the place of a character is its id."""
    return "".join(sorted(set(text)))


def encode(text: str, vocabulary: str) -> np.ndarray:
    """The ids of the characters, int64; InputError names one that is unknown."""
    known, points = _points(vocabulary), _points(text)
    if not len(known):
        raise ValueError("encode: the vocabulary is empty")
    ids = np.minimum(np.searchsorted(known, points), len(known) - 1)
    wrong = np.flatnonzero(known[ids] != points)
    if len(wrong):
        raise InputError(
            f"the text has the character {text[wrong[0]]!r} at position {wrong[0]}, "
            f"which the model never saw; it knows these {len(known)}: {vocabulary!r}"
        )
    return ids.astype(np.int64)


def decode(ids: np.ndarray, vocabulary: str) -> str:
    """The text that the ids stand for; IndexError for an id outside 0..vocabulary-1."""
    ids = np.asarray(ids)
    if ids.size and not (0 <= ids.min() and ids.max() < len(vocabulary)):
        raise IndexError(
            f"decode: ids from {ids.min()} to {ids.max()}; the vocabulary has 0 to "
            f"{len(vocabulary) - 1}"
        )
    return "".join(vocabulary[i] for i in ids.tolist())


def split_text(text: str) -> tuple[str, str]:
    """The first 90 % of the characters, to train on, and the last 10 %, to validate."""
    cut = int(len(text) * 0.9)
    return text[:cut], text[cut:]


def training_windows(ids: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets at every place of the text, as views: (places, block).

    Targets are one place ahead.
    """
    _check_length(ids, block)
    window = np.lib.stride_tricks.sliding_window_view
    return window(ids[:-1], block), window(ids[1:], block)


def evaluation_windows(ids: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows beside one another: every id but the first is a target exactly once.

    The last window is filled up with input 0 and the target `IGNORED`.
    """
    _check_length(ids, 1)
    if block < 1:
        raise ValueError(f"evaluation_windows: block is {block}; at least 1")
    rows = -(-(len(ids) - 1) // block)
    inputs = np.zeros(rows * block, np.int64)
    targets = np.full(rows * block, IGNORED, np.int64)
    inputs[: len(ids) - 1], targets[: len(ids) - 1] = ids[:-1], ids[1:]
    return inputs.reshape(rows, block), targets.reshape(rows, block)


def _check_length(ids: np.ndarray, block: int) -> None:
    if not 1 <= block < len(ids):
        raise InputError(
            f"a window of {block} characters and the one after it need a text of "
            f"{max(block, 1) + 1} at least, this part has {len(ids)}; lower data.block"
        )


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
