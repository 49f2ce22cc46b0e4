"""Nested plain values and numpy arrays <-> one `.npz` file that cannot run anything.

The file is a zip of stored entries: `tree.json` holds the nesting, each array is an
entry that `numpy.load` reads too. Equal content gives equal bytes. A reader trusts
nothing: entries are stored, together no larger than the file, their CRC is right, and
an array is allocated after its header was compared with the size of its entry.
"""

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from .atomic import write_atomically
from .errors import InputError


TREE = "tree.json"
_PLAIN = (str, int, float, bool, type(None))
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}
_DAMAGED = (
    "Use another checkpoint of that run (last.npz, last-1.npz, best.npz), or train "
    "again."
)


def save(content: Any, path: str | Path) -> None:
    """Write nested plain values and arrays, such as a `state_dict()`, to one file.

    The file is replaced as a whole. TypeError, with the place, for any other value.
    """
    write_atomically(Path(path), pack(content))


def load(path: str | Path) -> Any:
    """What `save` wrote; raises InputError, one sentence, for any other file."""
    return unpack(Path(path))


def pack(content: Any) -> memoryview:
    """The bytes of the file; raises TypeError, with the place, for any other value.

    An array that stands at two places is stored once and read back as one.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = _encode(content, "checkpoint", "", arrays, {})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        text = json.dumps(tree, allow_nan=False, separators=(",", ":"))
        archive.writestr(zipfile.ZipInfo(TREE), text)
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # its date is always the same
            with archive.open(entry, "w", force_zip64=True) as file:
                whole = np.asarray(array, order="C")
                np.lib.format.write_array(file, whole, (1, 0), allow_pickle=False)
    return buffer.getbuffer()


def unpack(path: Path) -> Any:
    """The content of the file; raises InputError, one sentence, for any other file."""
    entries = _read_entries(path)
    if TREE not in entries:
        what = "a checkpoint of PyTorch, whose pickle could run code; it was not opened"
        torch = any(name.endswith("data.pkl") for name in entries)
        raise InputError(
            f"{path} was not written here: {what if torch else f'it has no {TREE}'}."
        )
    arrays: dict[str, np.ndarray] = {}
    try:
        tree = json.loads(entries.pop(TREE).decode("utf-8"))
        for name in list(entries):
            arrays[name.removesuffix(".npy")] = _read_array(entries.pop(name))
        return _decode(tree, arrays)
    except _Refused as error:
        raise InputError(f"{path}: {error}: refused. {_DAMAGED}") from None
    except Exception as error:  # of json, of numpy's header, of a tree of other form
        raise InputError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}). "
            f"{_DAMAGED}"
        ) from None


class _Refused(ValueError):
    """Readable, but not what `pack` writes."""


def _encode(
    value: Any, where: str, name: str, arrays: dict[str, np.ndarray], seen: dict
) -> Any:
    """The JSON form of `value`: all but text, numbers and lists is `{tag: form}`."""
    if type(value) is np.ndarray:
        if value.dtype.itemsize not in _SIZES.get(value.dtype.kind, ()):
            raise TypeError(f"{where} is an array of {value.dtype}; save numbers only")
        if id(value) not in seen:
            seen[id(value)] = name if name not in arrays else f"{name}~{len(arrays)}"
            arrays[seen[id(value)]] = value
        return {"array": seen[id(value)]}

    def inner(key: Any, item: Any) -> Any:
        below = "/".join(filter(None, [name, _word(key)]))
        return _encode(item, f"{where}[{key!r}]", below, arrays, seen)

    if type(value) is dict:
        for key in value:
            if type(key) not in _PLAIN:
                raise TypeError(f"{where} has the key {key!r}; use text or a number")
        return {"dict": [[_number(k), inner(k, v)] for k, v in value.items()]}
    if type(value) in (list, tuple):
        items = [inner(place, item) for place, item in enumerate(value)]
        return items if type(value) is list else {"tuple": items}
    if type(value) not in _PLAIN:
        raise TypeError(f"{where} is a {type(value).__name__}; save plain values only")
    return _number(value)


def _number(value: Any) -> Any:
    """NaN and infinities, which JSON does not have, by their names."""
    odd = type(value) is float and not math.isfinite(value)
    return {"float": repr(value)} if odd else value


def _word(key: Any) -> str:
    """A key as a part of the name of an entry: short, no slash, no dot at its start."""
    word = quote(str(key).encode("utf-8", "backslashreplace")[:80], safe="")
    word = word.replace("~", "%7E") or "%"  # `~` is for names that are equal otherwise
    return f"%2E{word[1:]}" if word.startswith(".") else word


def _decode(form: Any, arrays: dict[str, np.ndarray]) -> Any:
    if type(form) is list:
        return [_decode(item, arrays) for item in form]
    if type(form) is not dict:
        return form
    ((tag, inside),) = form.items()
    if tag == "array":
        return arrays[inside]
    if tag == "float":
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[inside]
    if tag == "tuple":
        return tuple(_decode(item, arrays) for item in inside)
    if tag == "dict":
        return {_decode(key, arrays): _decode(value, arrays) for key, value in inside}
    raise _Refused(f"the tag {tag!r} is not known")


def _read_entries(path: Path) -> dict[str, bytes]:
    """The bytes of each entry of an archive whose CRCs are right."""
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if not head.startswith(b"PK"):
        raise InputError(f"{path} is not a checkpoint: {_what_it_is(head)}. {_DAMAGED}")
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in found):
                raise _Refused("is a compressed archive, no checkpoint")
            if sum(entry.file_size for entry in found) > path.stat().st_size:
                raise _Refused("claims to hold more than its size")
            if len({entry.filename for entry in found}) < len(found):
                raise _Refused("has two entries of one name")
            return {entry.filename: archive.read(entry) for entry in found}
    except _Refused as error:
        raise InputError(f"{path} {error}: refused.") from None
    except Exception:  # zipfile raises eight kinds of errors for damaged archives
        raise InputError(f"{path} is damaged or cut short. {_DAMAGED}") from None


def _read_array(data: bytes) -> np.ndarray:
    """The array in a `.npy` file; nothing is allocated before the header is checked."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise _Refused("an array has another version of its header")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.itemsize not in _SIZES.get(dtype.kind, ()):
        raise _Refused(f"an array holds {dtype}, not numbers")
    if any(type(size) is not int or size < 0 for size in shape):
        raise _Refused("an array has an impossible shape")
    if math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise _Refused("an array is not as large as its header says")
    flat = np.frombuffer(data, dtype, offset=file.tell())
    native = dtype.newbyteorder("=")
    return flat.reshape(shape, order="F" if fortran else "C").astype(native)


def _what_it_is(head: bytes) -> str:
    if not head:
        return "the file is empty"
    if head.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer; run `git lfs pull`"
    if head.startswith(b"\x93NUMPY"):
        return "it is a single array, which holds no configuration"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "it is a safetensors file, which holds no configuration"
    if head.startswith(b"\x80"):
        return "it is a bare pickle, which could run code; it was not opened"
    if head.lstrip()[:1] == b"<":
        return "it is a web page; the download went wrong"
    return "it is text" if head.isascii() else "the format is unknown"
