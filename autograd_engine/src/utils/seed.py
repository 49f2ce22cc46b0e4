"""Random generators that are pure functions of a seed and of what they are for.

`numpy.random.SeedSequence` mixes the keys, so that neighbouring seeds, epochs or
indices give unrelated streams, and no purpose draws from the stream of another.
"""

from typing import Any

import numpy as np


def generator(seed: int, *keys: int | str) -> np.random.Generator:
    """The generator of one purpose: `generator(seed, "augment", epoch, index)`.

    The same arguments give the same numbers on every machine. Raises ValueError if the
    seed or a key is negative, TypeError if it is neither a whole number nor text.
    """
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence(_words(seed, keys)))
    )


def permutation(n: int, seed: int, *keys: int | str) -> list[int]:
    """The order of `n` items that belongs to the seed and the keys."""
    return generator(seed, *keys).permutation(n).tolist()


def generator_state(source: np.random.Generator) -> dict[str, Any]:
    """The position of a generator in plain values, for a checkpoint."""
    return source.bit_generator.state


def set_generator_state(target: np.random.Generator, state: dict[str, Any]) -> None:
    """Go on where the state was taken; raises ValueError for any other state."""
    try:
        target.bit_generator.state = state
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"this is no state of a generator: {error!r}") from None


def _words(seed: int, keys: tuple[int | str, ...]) -> list[int]:
    """The arguments as words of 32 bits, such that no two arguments give the same."""
    words = [len(keys)]
    for value in (seed, *keys):
        if isinstance(value, str):
            text = value.encode("utf-8", "surrogatepass")
            words += [0, len(text), *text]
        elif isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            if value < 0:
                raise ValueError(f"the seed or key {value} is negative; use 0 or more")
            count = max(1, -(-int(value).bit_length() // 32))
            words += [count, *(int(value) >> 32 * i & 0xFFFFFFFF for i in range(count))]
        else:
            raise TypeError(f"a seed or key is a whole number or text, not {value!r}")
    return words
