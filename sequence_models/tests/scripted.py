"""A language model that does what a rule says."""

import torch
from torch import nn


class Scripted(nn.Module):
    """`rule(ids)` gives the chances of the next token after these, by token."""

    def __init__(self, rule, vocab: int, context: int | None = None):
        super().__init__()
        self.rule, self.vocab, self.context = rule, vocab, context
        self.unused = nn.Parameter(torch.zeros(1))

    def new_memory(self, batch: int, length: int) -> torch.Tensor:
        return torch.zeros(batch, 0, dtype=torch.long)

    def forward(self, tokens, memory=None):
        seen = tokens if memory is None else torch.cat((memory, tokens), 1)
        if self.context is not None and seen.shape[1] > self.context:
            raise ValueError(f"{seen.shape[1]} tokens: the model sees {self.context}")
        begin = seen.shape[1] - tokens.shape[1]
        logits = torch.full((*tokens.shape, self.vocab), -torch.inf)
        for row, ids in enumerate(seen.tolist()):
            for place in range(tokens.shape[1]):
                for token, chance in self.rule(ids[: begin + place + 1]).items():
                    logits[row, place, token] = torch.tensor(chance).log()
        return logits, seen
