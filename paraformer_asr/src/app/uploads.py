# pattern: app/uploads.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/uploads.py --from <sub-project>
"""A file that a visitor has chosen or dropped: its name and its bytes."""

import base64
import binascii
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..utils.errors import InputError


MAX_BYTES = 20 * 2**20
"""Largest file: 20 MiB."""


@dataclass(frozen=True, slots=True)
class Upload:
    """As the page's `upload(file)` sends it."""

    name: str
    base64: str

    def content(self) -> bytes:
        """The bytes; raises InputError if there are none, or too many."""
        if len(self.base64) > MAX_BYTES * 4 / 3 + 4:
            limit = f"{MAX_BYTES >> 20} MiB"
            raise InputError(
                f"{self.shown}: larger than {limit}; choose a smaller file"
            )
        try:
            content = base64.b64decode(self.base64, validate=True)
        except (binascii.Error, ValueError):
            raise InputError(f"{self.shown}: did not arrive whole; try again") from None
        if not content:
            raise InputError(f"{self.shown}: is empty; choose another file")
        return content

    @property
    def shown(self) -> str:
        """The name without folders, as short as a sentence can bear."""
        name = PurePosixPath(self.name.replace("\\", "/")).name
        return "".join(c if c.isprintable() else "?" for c in name)[-80:] or "the file"

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """The file on disk, for readers that want a path; gone afterwards.

        An InputError inside names the file as the visitor does.
        """
        content = self.content()
        ending = "".join(
            c for c in PurePosixPath(self.shown).suffix if c.isalnum() or c == "."
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"upload{ending[:8]}"
            path.write_bytes(content)
            try:
                yield path
            except InputError as error:
                raise InputError(str(error).replace(str(path), self.shown)) from None
