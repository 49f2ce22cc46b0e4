"""Files that say too much are refused before anyone walks through what they say.

A few aliases of YAML stand for billions of values, or for one within itself.
"""

from typing import Any


MOST = 100_000  # values of one file
DEEPEST = 50
LARGEST = 10**300  # of whole numbers: a float can hold it


def sane(content: Any) -> Any:
    """The content itself; a ValueError if it is too large or nested too deeply."""
    waiting, left = [(content, 0)], MOST
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError("a number has more than 300 digits")
        if isinstance(value, dict | list | tuple | set):
            left -= len(value)
            if left < 0:
                raise ValueError(f"it holds more than {MOST:,} values")
            if depth == DEEPEST:
                raise ValueError(f"more than {DEEPEST} values lie within each other")
            inner = value.values() if isinstance(value, dict) else value
            waiting += [(one, depth + 1) for one in inner]
    return content
