"""Text files as they are: UTF-8, a byte order mark taken off, line ends kept."""

from pathlib import Path

from ..tokenizers.text_stream import read_blocks
from ..utils.errors import InputError


def read_text(path: str | Path) -> str:
    """The text of a file, or of all .txt files of a folder one after another.

    InputError for what is missing, empty or not UTF-8, with the place of the first
    wrong byte.
    """
    return "".join(read_files(path))


def read_files(path: str | Path) -> list[str]:
    """The text of a file, or of each .txt file in and below a folder, by name."""
    path = Path(path)
    if not path.is_dir():
        return ["".join(read_blocks(path))]
    files = sorted(file for file in path.rglob("*.txt") if file.is_file())
    if not files:
        raise InputError(f"{path}: no .txt file in this folder or below; put one there")
    texts = ["".join(read_blocks(file, may_be_empty=True)) for file in files]
    if not any(texts):
        raise InputError(f"{path}: all {len(files)} .txt files are empty")
    return texts


def split_text(text: str, val_share: float = 0.1) -> tuple[str, str]:
    """The first characters, to train on, and the last `val_share`, to validate.

    The cut is nanoGPT's: int(n * (1 - val_share)) characters come first.
    """
    cut = int(len(text) * (1 - val_share))
    if not 0 < cut < len(text):
        raise InputError(
            f"a text of {len(text)} characters leaves nothing to train on or to "
            f"validate on with data.val_share = {val_share}; give a longer text"
        )
    return text[:cut], text[cut:]
