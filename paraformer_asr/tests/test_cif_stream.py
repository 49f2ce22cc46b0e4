"""Integrate-and-fire in chunks fires what the whole fires."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.models.cif import CifStream, cif


def stream(hidden, alphas, cuts, tail=0.45):
    """Embeddings and boundaries of each row, from chunks that end at `cuts`."""
    machine = CifStream(hidden.shape[2], len(hidden), tail=tail)
    edges = [0, *sorted(cuts), hidden.shape[1]]
    fired = [
        machine.push(hidden[:, a:b], alphas[:, a:b])
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    fired.append(machine.finish())
    return [
        (
            torch.cat([part.embeds[b, : part.lengths[b]] for part in fired]),
            torch.cat([part.boundaries[b, : part.lengths[b]] for part in fired]),
        )
        for b in range(len(hidden))
    ]


@pytest.mark.spec("ASR-069", "chunks of any sizes")
@given(
    seed=st.integers(0, 2**31 - 1),
    batch=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 30), max_size=12),
    time=st.integers(0, 30),
    dense=st.sampled_from([0.2, 1.0, 4.0]),
    tail=st.sampled_from([0.0, 0.45, 1.0]),
)
def test_chunks_fire_what_the_whole_fires(seed, batch, cuts, time, dense, tail):
    draw = torch.Generator().manual_seed(seed)
    hidden = torch.randn(batch, time, 3, generator=draw, dtype=torch.float64)
    alphas = torch.rand(batch, time, generator=draw) * dense
    alphas[1:, time // 2 :] = 0
    whole = cif(hidden, alphas, tail=tail)
    rows = stream(hidden, alphas, [c for c in cuts if c <= time], tail)
    for b, (embeds, times) in enumerate(rows):
        n = int(whole.lengths[b])
        assert len(embeds) == n
        assert torch.allclose(embeds, whole.embeds[b, :n], rtol=1e-9, atol=1e-9)
        assert torch.allclose(times.float(), whole.boundaries[b, :n], atol=1e-5)


@pytest.mark.spec("ASR-069", "to the last bit of the cumulative weight")
def test_a_sum_that_just_misses_a_token_misses_it_in_chunks_too():
    alphas = torch.full((1, 3000), 0.1, dtype=torch.float64)  # 0.1 ten times is no 1.0
    hidden = torch.ones(1, 3000, 1, dtype=torch.float64)
    whole = cif(hidden, alphas, tail=0.0)
    (embeds, times), *_ = stream(hidden, alphas, range(0, 3000, 7), 0.0)
    assert len(embeds) == int(whole.lengths)
    assert (times - whole.boundaries[0]).abs().max() <= 1e-9


def test_nothing_pushed_finishes_with_nothing():
    assert CifStream(4).finish().embeds.shape == (1, 0, 4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_types_are_carried_in_float32(dtype):
    hidden = torch.randn(1, 400, 8, generator=torch.Generator().manual_seed(0))
    alphas = torch.full((1, 400), 0.01)
    whole = cif(hidden.to(dtype), alphas)
    (embeds, _), *_ = stream(hidden.to(dtype), alphas, range(400))
    error = (embeds - whole.embeds[0]).abs() / whole.embeds[0].abs()
    assert embeds.dtype == dtype
    assert error.max() <= 2 * torch.finfo(dtype).eps
