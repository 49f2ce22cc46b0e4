"""Images that are equal pixel by pixel, within a split and between two."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from .source import Labelled


CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Group:
    """The places of one image that is there more than once."""

    names: list[str]
    parts: list[str]
    labels: list[int]


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a look at every pixel finds."""

    groups: list[Group]
    constant: list[str]
    """Names of images of one colour."""
    colourful: bool
    """Whether the channels differ in any image."""

    def copies(self) -> dict[str, int]:
        """In each part, images that an earlier one of it equals."""
        found: dict[str, int] = {}
        for group in self.groups:
            for part in set(group.parts):
                found[part] = found.get(part, 0) + group.parts.count(part) - 1
        return {part: count for part, count in found.items() if count}

    def shared(self) -> dict[tuple[str, str], int]:
        """For two parts, images of the second that the first has too."""
        found: dict[tuple[str, str], int] = {}
        for group in self.groups:
            for pair in combinations(dict.fromkeys(group.parts), 2):
                found[pair] = found.get(pair, 0) + group.parts.count(pair[1])
        return found

    def contradictions(self) -> list[Group]:
        """Equal images with different labels."""
        return [group for group in self.groups if len(set(group.labels)) > 1]


def look_at_pixels(parts: Mapping[str, Labelled]) -> Pixels:
    """Compare all images of all parts by a hash of their pixels."""
    places: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    constant: list[str] = []
    colourful = False
    for part, labelled in parts.items():
        for start, pixels in _chunks(labelled):
            flat = pixels.reshape(len(pixels), -1)
            for i, row in enumerate(flat, start):
                digest = hashlib.blake2b(row, digest_size=16).digest()
                places[digest].append((part, i))
            plain = (pixels == pixels[:, :, :1, :1]).all((1, 2, 3))
            constant += [labelled.names[start + i] for i in np.flatnonzero(plain)]
            colourful = colourful or bool((pixels != pixels[:, :1]).any())
    return Pixels(
        [_group(parts, found) for found in places.values() if len(found) > 1],
        constant,
        colourful,
    )


def _chunks(labelled: Labelled) -> Iterator[tuple[int, np.ndarray]]:
    for indices in torch.arange(len(labelled.labels)).split(CHUNK):
        yield int(indices[0]), np.ascontiguousarray(labelled.images[indices].numpy())


def _group(parts: Mapping[str, Labelled], found: list[tuple[str, int]]) -> Group:
    return Group(
        [parts[part].names[i] for part, i in found],
        [part for part, _ in found],
        [int(parts[part].labels[i]) for part, i in found],
    )
