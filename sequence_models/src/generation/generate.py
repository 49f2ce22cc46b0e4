"""Text from any causal language model, one token at a time.

A model reads each token once: what it must remember of the past, a KV cache or a
recurrent state, is its memory. A model with a context of C tokens that has read C of
them begins anew with the last C // 2, so that a text may be longer than the context at
the price of one such reading in C // 2 tokens; a recurrent model needs none of it.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.errors import FaultError
from .sampling import PLAIN, Sampling, next_token, uniforms


@contract
def generate(
    model: nn.Module,
    prompt: Int[Tensor, "batch time"],
    count: int,
    sampling: Sampling = PLAIN,
    *,
    seed: int = 0,
    lengths: Int[Tensor, " batch"] | None = None,
    uniform: Float[Tensor, "batch {count}"] | None = None,
    stop: Collection[int] = (),
) -> Int[Tensor, "batch {count}"]:
    """The `count` tokens that follow each prompt.

    `lengths` are the prompts' own where they differ: what stands to their right is not
    read. A row is what it would be alone, whichever rows are beside it. It draws from
    its numbers of `uniform`, in [0, 1); None: from those that belong to (seed, row).
    After a token of `stop` a row repeats it.
    The model is put into evaluation mode meanwhile. Raises FaultError if it gives NaN.
    """
    rows = _Rows(prompt, count, seed, lengths, uniform)
    for _ in _fill(model, rows, sampling, stop):
        pass
    place = rows.lengths[:, None] + torch.arange(count, device=prompt.device)
    return rows.tokens.gather(1, place)


@contract
def stream(
    model: nn.Module,
    prompt: Int[Tensor, " time"],
    count: int,
    sampling: Sampling = PLAIN,
    *,
    seed: int = 0,
    stop: Collection[int] = (),
) -> Iterator[int]:
    """Yield what row 0 of `generate` would be, token by token, up to one of `stop`."""
    rows = _Rows(prompt[None], count, seed)
    for place in _fill(model, rows, sampling, stop):
        yield int(rows.tokens[0, place])


class Reader:
    """A model and what it has read of rows that grow."""

    def __init__(self, model: nn.Module, batch: int, length: int):
        self.model, self.batch, self.length = model, batch, length
        self.start = self.seen = 0
        self.memory = None

    @contract
    def read(
        self, tokens: Int[Tensor, "{self.batch} time"]
    ) -> Float[Tensor, "{self.batch} vocab"]:
        """The logits of the token after `tokens`, which begin as in the last call."""
        end = tokens.shape[1]
        start = window_start(end, self.model.context)
        fresh = self.memory is None or start != self.start
        if fresh:
            room = min(self.length - start, self.model.context or self.length)
            self.memory = self.model.new_memory(self.batch, room)
            self.start = self.seen = start
        logits, self.memory = self.model(tokens[:, self.seen : end], self.memory)
        self.seen = end
        if fresh:
            require_numbers(logits[:, -1])
        return logits[:, -1]

    def reorder(self, rows: Tensor) -> None:
        """Let row i be what row rows[i] was."""
        self.memory = reorder_memory(self.memory, rows)


def reorder_memory(memory: Any, rows: Tensor) -> Any:
    """The memory of these rows: a cache does it itself, states have rows on axis 0."""
    if hasattr(memory, "reorder"):
        memory.reorder(rows)
        return memory
    if isinstance(memory, Tensor):
        return memory.index_select(0, rows)
    if isinstance(memory, dict):
        return {name: reorder_memory(part, rows) for name, part in memory.items()}
    parts = [reorder_memory(part, rows) for part in memory]
    return type(memory)(*parts) if hasattr(memory, "_fields") else type(memory)(parts)


def window_start(end: int, context: int | None) -> int:
    """The first token that a model sees when it has `end` tokens behind it.

    0 while they fit; then the window is cut to its last half whenever it is full.
    """
    if context is None or end <= context:
        return 0
    step = context + 1 - max(1, context // 2)
    return step * (1 + (end - context - 1) // step)


@contract
def require_numbers(logits: Float[Tensor, "batch vocab"]) -> None:
    """Raise FaultError if there is a NaN among the logits."""
    if logits.isnan().any():
        raise FaultError(
            "the model gives NaN. Use another checkpoint of its run, or train again "
            "with a lower optim.lr"
        )


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, afterwards each part of it as it was."""
    trained = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in trained:
            module.training = True


class _Rows:
    """Prompts with room behind them, and the numbers that their tokens are drawn with.

    The rows begin together, so a token has the same position as if its row were alone.
    """

    def __init__(
        self,
        prompt: Tensor,
        count: int,
        seed: int,
        lengths: Tensor | None = None,
        noise: Tensor | None = None,
    ):
        batch, time = prompt.shape
        device = prompt.device
        if lengths is None:
            lengths = torch.full((batch,), time, device=device)
        known = lengths.tolist()
        if known and not 1 <= min(known) <= max(known) <= time:
            raise ValueError(f"prompts of {known} tokens do not fit 1..{time}")
        if count < 0:
            raise ValueError(f"count is {count}")
        self.lengths = lengths
        self.first = min(known, default=time)
        self.ragged = len(set(known)) > 1
        self.tokens = F.pad(prompt.long(), (0, count))
        self.end = max(known, default=time) + count
        if noise is None:
            noise = uniforms(seed, batch, count)
        if noise.numel() and not 0 <= float(noise.min()) <= float(noise.max()) < 1:
            raise ValueError("a number to draw with is outside of [0, 1)")
        self.noise = noise.to(device, torch.float64)

    def uniform(self, place: int) -> Tensor:
        if not self.ragged:
            return self.noise[:, place - self.first]
        nth = (place - self.lengths).clamp(0, self.noise.shape[1] - 1)
        return self.noise.gather(1, nth[:, None])[:, 0]


@torch.inference_mode()
def _fill(
    model: nn.Module, rows: _Rows, sampling: Sampling, stop: Collection[int]
) -> Iterator[int]:
    """Write the columns of `rows.tokens` behind the shortest prompt; yields each."""
    tokens, lengths = rows.tokens, rows.lengths
    if not rows.noise.numel():
        return
    if int(tokens.max()) >= model.vocab or int(tokens.min()) < 0:
        raise ValueError(f"the prompt has tokens outside of 0..{model.vocab - 1}")
    ends = torch.tensor(sorted(stop), device=tokens.device)
    done = torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)
    reader = Reader(model, len(tokens), rows.end)
    with evaluating(model):
        for place in range(rows.first, rows.end):
            past = tokens[:, :place]
            column = next_token(reader.read(past), past, rows.uniform(place), sampling)
            if rows.ragged:  # the longer prompts go on
                column = torch.where(place < lengths, tokens[:, place], column)
            if stop:
                column = torch.where(done, past[:, -1], column)
                done |= torch.isin(column, ends) & (place >= lengths)
            tokens[:, place] = column
            yield place
            if stop and bool(done.all()):
                tokens[:, place + 1 :] = column[:, None]
                return
