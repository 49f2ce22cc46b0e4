"""The engine's random numbers: one generator, seeded by `manual_seed`."""

from typing import Any

import numpy as np


_generator = [np.random.default_rng(0)]


def manual_seed(seed: int) -> None:
    """Start the generator anew from `seed`."""
    _generator[0] = np.random.default_rng(seed)


def generator() -> np.random.Generator:
    """The generator that dropout, initialisation and `randn` draw from."""
    return _generator[0]


def get_rng_state() -> dict[str, Any]:
    """Plain values from which `set_rng_state` goes on."""
    return _generator[0].bit_generator.state


def set_rng_state(state: dict[str, Any]) -> None:
    """Go on from a state that `get_rng_state` gave; ValueError for any other."""
    try:
        _generator[0].bit_generator.state = state
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"this is no state of a generator: {error!r}") from None
