"""Names of images that need no string each until somebody asks for one."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


class Numbered(Sequence):
    """`file[17]` for the images of one file, or of several one after the other."""

    def __init__(self, *files: tuple[str, int]):
        self.files = files
        self.ends = list(accumulate(count for _, count in files))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        index %= len(self)
        at = bisect_right(self.ends, index)
        name, count = self.files[at]
        return f"{name}[{index - self.ends[at] + count}]"


def show(path: object) -> str:
    """A path as a message can hold it: on one line, without half characters."""
    text = str(path)
    return text if text.isprintable() else repr(text)
