"""A model that reads ahead of a text and can forget what did not stay in it."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .generate import require_numbers, window_start


class RewindingReader:
    """One text that grows at its end, whose last tokens may be guesses.

    A KV cache is cropped. A recurrent state cannot be: the one before the guesses is
    kept, and what stayed of them is read again.
    """

    def __init__(self, model: nn.Module, length: int):
        self.model, self.length = model, length
        self.start = self.seen = 0  # `memory` holds the tokens from start to seen
        self.memory: Any = None
        self.safe: tuple[int, Any] = (0, None)  # a state before all guesses

    @contract
    def read(
        self, tokens: Int[Tensor, "batch time"], known: int
    ) -> Float[Tensor, "new vocab"]:
        """The logits behind `tokens`, of which the first `known` will stay.

        One row for each token that was not read before.
        """
        end = tokens.shape[1]
        start = window_start(end, self.model.context)
        fresh = self.memory is None or start != self.start
        if fresh:
            room = min(self.length - start, self.model.context or self.length)
            self.memory = self.model.new_memory(1, room)
            self.start = self.seen = start
            self.safe = start, self.memory
        parts = []
        for stop in self._stops(known, end):
            chunk = tokens[:, self.seen : stop]
            logits, self.memory = self.model(chunk, self.memory)
            parts.append(logits[0])
            self.seen = stop
            if stop <= known:
                self.safe = stop, self.memory
        logits = torch.cat(parts)
        if fresh:
            require_numbers(logits)
        return logits

    def forget(self, known: int) -> None:
        """Forget all but the first `known` tokens."""
        if known >= self.seen:
            return
        if known <= self.start:
            self.memory = None
        elif hasattr(self.memory, "crop"):
            self.memory.crop(known - self.start)
            self.seen = known
        else:
            self.seen, self.memory = self.safe

    def _stops(self, known: int, end: int) -> list[int]:
        """Where the calls end: a state is wanted at `known`, a cache needs no stop."""
        if hasattr(self.memory, "crop") or not self.seen < known < end:
            return [end]
        return [known, end]
