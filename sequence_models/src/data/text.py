"""Text files as they are: UTF-8, a byte order mark taken off, line ends kept."""

from pathlib import Path

from ..utils.errors import InputError


_OTHER_CODES = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


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
        return [_read_file(path)]
    files = sorted(file for file in path.rglob("*.txt") if file.is_file())
    if not files:
        raise InputError(f"{path}: no .txt file in this folder or below; put one there")
    texts = [_read_file(file, may_be_empty=True) for file in files]
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


def _read_file(path: Path, may_be_empty: bool = False) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}:{_not_utf8(data, error)}") from None
    if not text and not may_be_empty:
        raise InputError(f"{path}: is empty ({len(data)} bytes); give a file with text")
    return text


def _not_utf8(data: bytes, error: UnicodeDecodeError) -> str:
    # Where a byte order mark was taken off first, the decoder counts from behind it.
    start = error.start + (len(data) - len(error.object))
    line = data.count(b"\n", 0, start) + 1
    code = _OTHER_CODES.get(data[:2])
    seems = f" (the file seems to be {code})" if code else ""
    return (
        f"{line}: byte {data[start]:02x} at offset {start} is not UTF-8{seems}; save "
        "the file as UTF-8"
    )
