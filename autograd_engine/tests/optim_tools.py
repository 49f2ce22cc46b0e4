"""Parameters, steps and comparison for the tests of the optimisers."""

import numpy as np
import torch

import src as ag
from src import nn
from tests.nn_beside_torch import numbers


SHAPES = [(4, 3), (3,), (2, 5), (), (6, 2)]


def start(lib, shapes=SHAPES):
    kind = nn.Parameter if lib is ag else torch.nn.Parameter
    arrays = [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]
    wrap = np.array if lib is ag else torch.tensor
    return [kind(wrap(a)) for a in arrays]


def walk(lib, params, optimizer, steps, first=0):
    """Steps down a bowl whose slopes change; parameter 2 has no gradient in thirds."""
    for t in range(first, first + steps):
        optimizer.zero_grad()
        loss = 0
        for i, p in enumerate(params):
            if i != 2 or t % 3:
                loss = loss + (p * p * (1 + i)).sum() + (p * np.cos(t + i)).sum()
        loss.backward()
        if t == 15:
            optimizer.param_groups[0]["lr"] *= 0.5
        optimizer.step()
    return params


def same(ours, theirs, rtol=1e-10, keep=None):
    """`keep` is a method of the fixture `parity`."""
    for p, q in zip(ours, theirs, strict=True):
        wanted = q.detach().numpy()
        np.testing.assert_allclose(p.detach().numpy(), wanted, rtol=rtol, atol=rtol)
        if keep:
            keep(p, q, atol=rtol)
