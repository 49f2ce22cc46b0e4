"""Masked language modelling (Devlin et al. 2019, arXiv 1810.04805, section 3.1).

Of the tokens 15 % are targets: 80 % of these are replaced by MASK, 10 % by a random
token, 10 % stay as they are, so that the model must have a view on every token.
"""

import numpy as np
import torch
from torch import Tensor

from ..tokenizers import Tokenizer
from ..utils.contracts import contract
from .draws import integers, uniform
from .windows import IGNORED, Batch, Batches, Key, as_array, check_length, split_keys


MASK, PAD = "<|mask|>", "<|pad|>"
REPLACED, RANDOM = 0.8, 0.1  # of the targets


class Masked(Batches):
    """Windows side by side, each token in one, corrupted by (seed, epoch, index).

    A batch is {"tokens" corrupted, "targets" -100 where nothing is asked, "pad_mask"
    bool, True at real tokens}, all (batch block). Special tokens are never chosen; a
    window in which chance chose nothing asks for one token. The tokenizer has MASK and
    PAD.
    """

    def __init__(
        self,
        tokens: Tensor | np.ndarray,
        block: int,
        tokenizer: Tokenizer,
        seed: int,
        share: float = 0.15,
    ):
        check_length(tokens, 1)
        if block < 1 or not 0 < share <= 1:
            raise ValueError(f"block {block}, share {share}; at least 1, above 0 to 1")
        self.tokens, self.block = as_array(tokens), block
        self.seed, self.share = seed, share
        self.mask, self.pad = tokenizer.specials[MASK], tokenizer.specials[PAD]
        special = list(tokenizer.specials.values())
        self.ordinary = np.setdiff1d(np.arange(tokenizer.vocab_size), special)
        self.special = np.array(special)

    def __len__(self) -> int:
        return -(-len(self.tokens) // self.block)

    @contract
    def __getitems__(self, keys: list[Key]) -> Batch:
        epoch, indices = split_keys(keys)
        places = indices[:, None] * self.block + np.arange(self.block)
        real = places < len(self.tokens)
        original = self.tokens[np.where(real, places, 0)].astype(np.int64)
        chosen = self._chosen(original, real, epoch, places)
        kind = uniform((self.seed, epoch, 1), places)
        wrong = self.ordinary[
            integers((self.seed, epoch, 2), places, len(self.ordinary))
        ]
        tokens = np.where(real, original, self.pad)
        tokens[chosen & (kind < REPLACED)] = self.mask
        random = chosen & (kind >= REPLACED) & (kind < REPLACED + RANDOM)
        tokens[random] = wrong[random]
        targets = np.where(chosen, original, IGNORED)
        batch = {"tokens": tokens, "targets": targets, "pad_mask": real}
        return {name: torch.from_numpy(value) for name, value in batch.items()}

    def _chosen(
        self, original: np.ndarray, real: np.ndarray, epoch: int, places: np.ndarray
    ) -> np.ndarray:
        may = real & ~np.isin(original, self.special)
        draw = np.where(may, uniform((self.seed, epoch, 0), places), 2.0)
        # The smallest draw of a row is chosen in any case: no loss without a target.
        return may & ((draw < self.share) | (draw == draw.min(1, keepdims=True)))
