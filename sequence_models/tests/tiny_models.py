"""Language models of a few parameters, for the tests of generation.

They keep the conventions of src/models: `vocab`, `context`, `new_memory`, and a call
with tokens and memory that gives logits and memory.
"""

import torch
from torch import Tensor, nn


class TinyRNN(nn.Module):
    """Unbounded; its memory is its state, and each call gives a new one."""

    context = None

    def __init__(self, vocab: int, hidden: int = 8, seed: int = 0, sharp: float = 2):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.vocab, self.hidden = vocab, hidden
        self.calls = 0
        for name, shape in {
            "embed": (vocab, hidden),
            "recur": (hidden, hidden),
            "head": (hidden, vocab),
        }.items():
            weight = torch.randn(shape, generator=g, dtype=torch.float64)
            setattr(self, name, nn.Parameter(weight * sharp / hidden**0.5))

    def new_memory(self, batch: int, length: int) -> Tensor:
        return self.embed.new_zeros(batch, self.hidden)

    def forward(self, tokens: Tensor, memory: Tensor | None = None):
        self.calls += 1
        state = self.new_memory(len(tokens), 0) if memory is None else memory
        states = []
        for x in self.embed[tokens].unbind(1):
            state = torch.tanh(x + state @ self.recur)
            states.append(state)
        return torch.stack(states, 1) @ self.head, state


class Cache:
    """What TinyGPT has read; changed in place, as a KV cache is."""

    def __init__(self, batch: int, length: int, width: int):
        self.values = torch.zeros(batch, length, width, dtype=torch.float64)
        self.length = 0

    def reorder(self, rows: Tensor) -> None:
        self.values = self.values[rows]

    def crop(self, length: int) -> None:
        self.length = length


class TinyGPT(nn.Module):
    """One attention over embeddings and positions, with a context and a cache."""

    def __init__(self, vocab: int, context: int, width: int = 8, seed: int = 0):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.vocab, self.context, self.width = vocab, context, width
        self.calls = 0

        def weight(*shape):
            values = torch.randn(shape, generator=g, dtype=torch.float64)
            return nn.Parameter(2 * values / width**0.5)

        self.embed, self.place = weight(vocab, width), weight(context, width)
        self.mix, self.head = weight(width, width), weight(width, vocab)

    def new_memory(self, batch: int, length: int) -> Cache:
        return Cache(batch, length, self.width)

    def forward(self, tokens: Tensor, memory: Cache | None = None):
        self.calls += 1
        if memory is None:
            memory = self.new_memory(len(tokens), self.context)
        start, end = memory.length, memory.length + tokens.shape[1]
        if end > memory.values.shape[1]:
            raise ValueError(f"{end} tokens do not fit {memory.values.shape[1]}")
        memory.values[:, start:end] = self.embed[tokens] + self.place[start:end]
        memory.length = end
        known = memory.values[:, :end]
        scores = known[:, start:] @ self.mix @ known.mT
        future = torch.ones(end - start, end, dtype=torch.bool).triu(start + 1)
        weights = scores.masked_fill(future, -torch.inf).softmax(2)
        return torch.tanh(weights @ known) @ self.head, memory
