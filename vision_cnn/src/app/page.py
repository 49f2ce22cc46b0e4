# pattern: app/page.py -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page.py --from <sub-project>
"""What a page can be asked, and answers as JSON has them.

Each panel is a class with plain methods; a Page names them. The server asks them over
HTTP, `--export` asks them beforehand and puts the answers into the file.
"""

import base64
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..utils.errors import InputError


Question = tuple[str, dict[str, Any]]
"""The name of a call or stream, and its parameters."""


@dataclass(frozen=True, slots=True)
class Page:
    """What can be asked: calls give an answer, streams one frame after the other."""

    title: str
    subtitle: str
    """What is shown: the model and where it came from."""
    calls: Mapping[str, Callable[..., Any]]
    streams: Mapping[str, Callable[..., Iterator[Any]]] = field(default_factory=dict)
    exported: Callable[[], Iterable[Question]] = tuple
    """The questions whose answers a saved page holds."""

    def ask(self, name: str, given: Mapping[str, Any]) -> Any:
        """The answer of a call, ready for JSON; "page" gives title and subtitle."""
        if name == "page":
            return {"title": self.title, "subtitle": self.subtitle}
        return plain(self._known(self.calls, name)(**given))

    def listen(self, name: str, given: Mapping[str, Any]) -> Iterator[Any]:
        """The frames of a stream, each ready for JSON."""
        for frame in self._known(self.streams, name)(**given):
            yield plain(frame)

    def _known(self, there: Mapping[str, Callable], name: str) -> Callable:
        if name not in there:
            raise InputError(
                f"{name[:60]!r} cannot be asked; known: {', '.join(there)}"
            )
        return there[name]


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts; arrays and tensors become bytes in base64.

    An array is {"dtype", "shape", "base64"} of float32, int32 or uint8. A float that is
    not finite is None: JSON has no word for it.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return packed(as_array(value))


def as_array(value: Any) -> np.ndarray:
    """A tensor of torch, from wherever it is, or what numpy reads, as an array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value  # of bfloat16 too
    return np.asarray(value)


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array as the page's `unpack` reads it; 64 bits become 32.

    Raises ValueError for what is no number, or an integer beyond 32 bits.
    """
    kinds = {"f": "float32", "i": "int32", "u": "int32", "b": "uint8"}
    dtype = "uint8" if array.dtype == np.uint8 else kinds.get(array.dtype.kind)
    if dtype is None:
        raise ValueError(f"a page cannot show an array of {array.dtype}")
    if dtype == "int32" and array.size and abs(array).max() >= 2**31:
        raise ValueError("a page cannot show integers of more than 32 bits")
    with np.errstate(over="ignore"):  # 1e300 is infinite in 32 bits
        content = np.ascontiguousarray(array, dtype=np.dtype(dtype).newbyteorder("<"))
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "base64": base64.b64encode(content.tobytes()).decode(),
    }
