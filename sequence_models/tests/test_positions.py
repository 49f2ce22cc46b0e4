"""Positions: the papers' equations, transformers' Llama, documents."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.models.positions import (
    LearnedPositions,
    RotaryPositions,
    SinusoidalPositions,
    alibi_slopes,
    restart,
    rotate,
)


@pytest.mark.spec("SEQ-056", "PE(p, 2i) = sin(p / 10000^(2i / d_model))")
@pytest.mark.parametrize("d_model", [8, 7, 1])
def test_sinusoidal_positions_are_those_of_the_paper(d_model):
    table = SinusoidalPositions(50, d_model)(slice(0, 50))
    for p in (0, 1, 49):
        for c in range(d_model):
            angle = p / 10000 ** ((c - c % 2) / d_model)
            wanted = math.cos(angle) if c % 2 else math.sin(angle)
            assert table[p, c] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    "module", [LearnedPositions(9, 4), SinusoidalPositions(9, 4), RotaryPositions(9, 4)]
)
def test_a_slice_and_a_tensor_read_the_same_and_the_end_is_the_end(module):
    def read(index):
        out = module(index)
        return torch.stack(out) if isinstance(out, tuple) else out

    places = torch.tensor([[3, 4, 5, 6]])
    by_slice, by_tensor = read(slice(3, 7)), read(places)
    assert torch.equal(by_tensor.squeeze(), by_slice.squeeze())
    assert by_slice.shape[-2:] == by_tensor.shape[-2:]
    with pytest.raises(ValueError, match="position 9: there are only 9"):
        module(slice(8, 10))
    with pytest.raises(IndexError):
        module(places + 5)


def test_learned_positions_are_learned():
    module = LearnedPositions(5, 4)
    module(slice(1, 3)).sum().backward()
    assert module.weight.grad.sum(1).tolist() == [0, 4, 4, 0, 0]


@pytest.mark.spec("SEQ-057", "as Llama of transformers turns them")
@pytest.mark.parity(
    "rotary positions", "transformers.models.llama.modeling_llama.apply_rotary_pos_emb"
)
@pytest.mark.parametrize("past", [0, 11])
def test_rotation_equals_that_of_llama(parity, past):
    llama = pytest.importorskip(
        "transformers.models.llama.modeling_llama", reason="the reference of this test"
    )
    config = llama.LlamaConfig(
        hidden_size=24, num_attention_heads=3, max_position_embeddings=20
    )
    q, k = torch.randn(2, 5, 3, 8).double(), torch.randn(2, 5, 1, 8).double()
    places = torch.arange(past, past + 5)[None]
    cos, sin = llama.LlamaRotaryEmbedding(config)(q, places)
    wanted = llama.apply_rotary_pos_emb(q.transpose(1, 2), k.transpose(1, 2), cos, sin)
    rotation = RotaryPositions(20, 8)(slice(past, past + 5))
    for x, theirs in zip((q, k), wanted, strict=True):
        ours = rotate(x, rotation)
        # Both tables are float32: of angles up to 16.
        parity.value(ours, theirs.transpose(1, 2), atol=5e-6)


@pytest.mark.spec("SEQ-057", "depends on the distance of the two alone")
@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 300))
def test_scores_of_turned_vectors_depend_on_the_distance(i, j, shift):
    torch.set_default_dtype(torch.float64)
    try:
        rotary = RotaryPositions(501, 6)
        q, k = torch.randn(2, 1, 1, 1, 6)

        def score(a: int, b: int) -> torch.Tensor:
            at = slice(a, a + 1), slice(b, b + 1)
            return (rotate(q, rotary(at[0])) * rotate(k, rotary(at[1]))).sum()

        torch.testing.assert_close(
            score(i, j), score(i + shift, j + shift), rtol=0, atol=1e-10
        )
        assert i == j or (score(i, j) - score(i, i)).abs() > 1e-12
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.spec("SEQ-057", "keeps their lengths")
def test_a_rotation_keeps_lengths_and_leaves_place_0():
    x = torch.randn(2, 9, 3, 8)
    turned = rotate(x, RotaryPositions(9, 8)(slice(0, 9)))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[:, 0], x[:, 0])
    with pytest.raises(ValueError, match="head_dim 5 is odd"):
        RotaryPositions(9, 5)


@pytest.mark.spec("SEQ-058", "2^(-8/n), 2^(-16/n), ...")
def test_alibi_slopes_of_a_power_of_two():
    assert alibi_slopes(8).tolist() == [2.0**-i for i in range(1, 9)]
    assert alibi_slopes(1).tolist() == [2.0**-8]
    wanted = [2 ** (-i / 2) for i in range(1, 17)]
    torch.testing.assert_close(alibi_slopes(16), torch.tensor(wanted))


@pytest.mark.spec("SEQ-058", "no power of two")
@pytest.mark.parity(
    "slopes of ALiBi", "transformers.models.bloom.modeling_bloom.build_alibi_tensor"
)
@pytest.mark.parametrize("heads", range(1, 41))
def test_alibi_slopes_are_those_of_the_papers_code(parity, heads):
    bloom = pytest.importorskip(
        "transformers.models.bloom.modeling_bloom", reason="the reference of this test"
    )
    mask = torch.ones(1, 2)
    theirs = bloom.build_alibi_tensor(mask, heads, torch.float32)[:, 0, 1]
    parity.value(alibi_slopes(heads), theirs, atol=1e-6)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_places_begin_again_with_each_document(lengths):
    ids = [i % 2 for i, n in enumerate(lengths) for _ in range(n)]
    wanted = [p for n in lengths for p in range(n)]
    document = torch.tensor([ids, [7] * len(ids)])
    assert restart(document).tolist() == [wanted, list(range(len(ids)))]
