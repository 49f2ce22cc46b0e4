"""Which samples train, validate and test: a pure function of their order and a seed."""

from typing import Literal

import numpy as np

from ..utils.errors import InputError


SPLIT_KEY = 0x5B117  # no other use of the seed draws these numbers


def split_indices(
    count: int,
    kind: Literal["random", "contiguous"],
    seed: int,
    val_share: float = 0.2,
    test_share: float = 0.0,
    folds: int = 0,
    fold: int = 0,
) -> dict[str, list[int]]:
    """Disjoint ascending indices under train, val and, if any, test; all of 0..count-1.

    `contiguous`: test is the last block, val the one before it. With `folds`, val is
    block number `fold` of what test leaves, and `val_share` is not read. A share above
    zero is at least one sample. Raises InputError where a part would stay empty.
    """
    order = np.arange(count)
    if kind == "random":
        order = np.random.default_rng([seed, SPLIT_KEY]).permutation(count)
    test_count = max(1, round(count * test_share)) if test_share else 0
    rest, test = np.split(order, [max(0, count - test_count)])
    if folds:
        blocks = np.array_split(rest, folds)
        val = blocks.pop(fold)
        train = np.concatenate(blocks)
        needed = folds + test_count
        rule = f"folds={folds}, test_share={test_share}"
    else:
        train, val = np.split(
            rest, [max(0, len(rest) - max(1, round(count * val_share)))]
        )
        needed = 2 + test_count
        rule = f"val_share={val_share}, test_share={test_share}"
    if not len(train) or not len(val) or count < needed:
        raise InputError(
            f"{count} image{'s' * (count != 1)} cannot be split by {rule}: each part "
            f"needs one, {max(needed, 2 + bool(test_share))} at least; add images, or "
            "cut the image into several files, or change the shares"
        )
    parts = {"train": train, "val": val, "test": test}
    return {name: sorted(part.tolist()) for name, part in parts.items() if len(part)}
