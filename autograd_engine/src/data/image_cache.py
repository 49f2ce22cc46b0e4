"""Decoded images kept as one file of plain arrays; a damaged one counts as absent."""

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..utils.atomic import write_atomically
from ..utils.errors import InputError
from .dataset import ArrayDataset


Contents = tuple[dict[str, ArrayDataset], list[str]]
DAMAGE = (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile)
# A damaged header can ask for what zipfile lacks, or for more memory than there is.
DAMAGE += (NotImplementedError, RuntimeError, MemoryError)


def write_cache(
    path: Path, key: str, parts: dict[str, ArrayDataset], classes: list[str]
) -> None:
    """Write in one step: whoever reads sees nothing or the whole file."""
    arrays = {"key": np.array(key), "classes": np.array(classes)}
    for name, part in parts.items():
        arrays |= {f"{name}_images": part.features, f"{name}_labels": part.labels}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, buffer.getbuffer())
    except OSError as error:
        raise InputError(
            f"{path}: decoded images cannot be kept here ({error.strerror}); name "
            "another folder in data.cache"
        ) from None


def read_cache(path: Path, key: str) -> Contents | None:
    """What was written under this key; None if absent, damaged or of another source."""
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            names = [n.removesuffix("_images") for n in file if n.endswith("_images")]
            parts = {
                name: ArrayDataset(file[f"{name}_images"], file[f"{name}_labels"])
                for name in names
            }
            return parts, file["classes"].tolist()
    except DAMAGE:
        return None
