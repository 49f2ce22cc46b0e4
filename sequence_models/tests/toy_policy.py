"""A policy so small that each of its responses can be written down.

Three tokens, the last of which ends a response; at most three tokens a response. The
logits of a token depend on the one before it: a table of 4 x 3, its last row for the
first token.
"""

import itertools
import math

import torch
from torch import Tensor


END, LONGEST = 2, 3


def complete(tokens: tuple[int, ...]) -> bool:
    ends = END in tokens
    return tokens.index(END) == len(tokens) - 1 if ends else len(tokens) == LONGEST


RESPONSES = [
    tokens
    for length in range(1, LONGEST + 1)
    for tokens in itertools.product(range(3), repeat=length)
    if complete(tokens)
]
LENGTHS = torch.tensor([len(tokens) for tokens in RESPONSES])
MASK = torch.arange(LONGEST) < LENGTHS[:, None]
"""Rows of tensors below are responses: RESPONSES[i] is row i."""


def table(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 3, dtype=torch.float64, generator=generator)


def rewards(seed: int = 0) -> Tensor:
    """A reward for each response, no two alike."""
    generator = torch.Generator().manual_seed(100 + seed)
    return torch.rand(len(RESPONSES), dtype=torch.float64, generator=generator)


def log_probs(theta: Tensor) -> Tensor:
    """log pi(o_t | o_<t) of each token of each response, NaN behind its end."""
    tokens = torch.tensor([[*t, *[0] * (LONGEST - len(t))] for t in RESPONSES])
    before = torch.cat([torch.full((len(tokens), 1), 3), tokens[:, :-1]], 1)
    return theta.log_softmax(1)[before, tokens].where(MASK, math.nan)


def chances(theta: Tensor) -> Tensor:
    """pi(o) of each response; they add up to one."""
    return log_probs(theta).where(MASK, 0).sum(1).exp()


def slope(function, x: Tensor, step: float = 1e-5) -> Tensor:
    """The gradient of a function that gives a number, by central differences."""
    grad = torch.zeros_like(x)
    for place in itertools.product(*map(range, x.shape)):
        move = torch.zeros_like(x)
        move[place] = step
        grad[place] = (function(x + move) - function(x - move)) / (2 * step)
    return grad


def true_gradient(theta: Tensor, reward: Tensor) -> Tensor:
    """Of the expected reward sum_o pi(o) R(o), without any objective."""
    return slope(lambda x: float(chances(x) @ reward), theta)
