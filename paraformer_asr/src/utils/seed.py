# pattern: utils/seed.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/seed.py --from <sub-project>
"""One seed for a run, and generators that are pure functions of a key."""

import numpy as np
import torch


def seed_everything(seed: int, rank: int = 0, deterministic: bool = True) -> None:
    """Seed torch; each rank draws its own dropout masks.

    Nothing else here uses global RNGs.
    """
    torch.manual_seed(seed * 1000 + rank)
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False


def keyed_rng(*key: int) -> np.random.Generator:
    """The generator of one key, such as (seed, epoch, index)."""
    return np.random.default_rng(np.random.SeedSequence(key))


def permutation(n: int, *key: int) -> list[int]:
    """The order of `n` items that belongs to `key`."""
    return keyed_rng(*key).permutation(n).tolist()


def rng_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The state of the generators that dropout draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_rng_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
