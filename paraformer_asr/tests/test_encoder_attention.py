"""Attention against torch's, relative attention against the formula of all pairs."""

import pytest
import torch
from torch import nn

from src.models.attention import Attention, attention_explicit, attention_sdpa
from src.models.positions import sinusoids
from src.models.relative_attention import RelativeAttention, shift


def draw(*shape):
    return torch.randn(*shape, dtype=torch.double, requires_grad=True)


def some_mask(batch, time, total):
    """Random, but every query sees its own key."""
    return (torch.rand(batch, time, total) < 0.5) | torch.eye(time, total).bool()


def gradients(result, *inputs):
    weights = torch.linspace(-1, 1, result.numel(), dtype=result.dtype)
    return torch.autograd.grad((result.flatten() * weights).sum(), inputs)


@pytest.mark.spec("ASR-043", "its two forms agree in value and gradient")
@pytest.mark.parity("attention, the kernel", "the equation")
@pytest.mark.parametrize("kind", ["pairs", "row", "none"])
def test_the_fast_form_is_the_equation(parity, kind):
    torch.manual_seed(0)
    q, k, v = draw(2, 3, 5, 4), draw(2, 3, 7, 4), draw(2, 3, 7, 4)
    mask = {"pairs": some_mask(2, 5, 7), "row": some_mask(2, 1, 7), "none": None}[kind]
    plain, fast = attention_explicit(q, k, v, mask), attention_sdpa(q, k, v, mask)
    parity.value(fast, plain, atol=1e-12)
    parity.gradient(gradients(fast, q, k, v), gradients(plain, q, k, v), atol=1e-12)


@pytest.mark.spec("ASR-043", "a query that sees nothing gets zeros")
@pytest.mark.parametrize("form", [attention_explicit, attention_sdpa])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients(form, dtype):
    q, k, v = (torch.randn(2, 1, 3, 8, dtype=dtype, requires_grad=True) for _ in "qkv")
    mask = torch.ones(2, 3, 3, dtype=torch.bool)
    mask[0, 1] = False
    mask[1] = False
    mixed = form(q, k, v, mask)
    assert (mixed[0, :, 1] == 0).all() and (mixed[1] == 0).all()
    assert (mixed[0, :, 0] != 0).any()
    assert all(g.isfinite().all() for g in gradients(mixed, q, k, v))


@pytest.mark.spec("ASR-043", "equals `nn.MultiheadAttention` in float64")
@pytest.mark.parity("multi-head attention", "torch.nn.MultiheadAttention")
@pytest.mark.parametrize("self_attention", [True, False])
def test_attention_equals_torchs(parity, self_attention):
    torch.manual_seed(0)
    ours = Attention(12, 3).double()
    theirs = nn.MultiheadAttention(12, 3, batch_first=True, dtype=torch.double)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.qkv.weight)
        theirs.in_proj_bias.copy_(ours.qkv.bias)
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias)
    x = draw(2, 5, 12)
    keys = x if self_attention else draw(2, 6, 12)
    mask = some_mask(2, 5, keys.shape[1])
    hidden = (~mask).repeat_interleave(3, 0)
    expected, _ = theirs(x, keys, keys, attn_mask=hidden, need_weights=False)
    result = ours(x, keys, mask)
    parity.value(result, expected, atol=1e-12)
    parity.gradient(
        gradients(result, x, keys, ours.qkv.weight, ours.out.bias),
        gradients(expected, x, keys, theirs.in_proj_weight, theirs.out_proj.bias),
        atol=1e-12,
    )


@pytest.mark.spec("ASR-044", "the same as with the keys themselves")
def test_kept_keys_and_values_serve_as_the_keys_themselves():
    torch.manual_seed(0)
    attention = Attention(8, 2).double()
    queries, keys = draw(2, 3, 8), draw(2, 6, 8)
    kept = attention.project(keys[:, :2]).append(attention.project(keys[:, 2:]))
    mask = some_mask(2, 3, 6)
    torch.testing.assert_close(
        attention.attend(queries, kept, mask), attention(queries, keys, mask)
    )


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="d_model 10 is not a multiple of heads 4"):
        Attention(10, 4)


def relative_by_pairs(attention, x, mask):
    """Each pair by itself: (q_i + u)' k_j + (q_i + v)' W_r r_(i-j), section 3.3."""
    batch, time, width = x.shape
    heads, size = attention.heads, attention.head_dim
    q, k, value = (part for part in attention.qkv(x).split(width, -1))
    items = []
    for b in range(batch):
        mixed = []
        for i in range(time):
            parts = []
            for h in range(heads):
                here = slice(h * size, (h + 1) * size)
                scores = []
                for j in range(time):
                    distance = torch.tensor([float(i - j)], dtype=x.dtype)
                    r = attention.r(sinusoids(distance, width))[0, here]
                    content = (q[b, i, here] + attention.u[h]) @ k[b, j, here]
                    place = (q[b, i, here] + attention.v[h]) @ r
                    scores.append((content + place) / size**0.5)
                seen = mask[b, i if mask.shape[1] > 1 else 0]
                row = torch.stack(scores).masked_fill(~seen, -torch.inf)
                parts.append(row.softmax(-1) @ value[b, :, here])
            mixed.append(torch.cat(parts))
        items.append(torch.stack(mixed))
    return attention.out(torch.stack(items))


def make_relative(width, heads):
    attention = RelativeAttention(width, heads).double()
    nn.init.normal_(attention.u)
    nn.init.normal_(attention.v)
    return attention


def all_distances(time, width):
    places = torch.arange(time - 1, -time, -1)
    return sinusoids(places.double(), width)


@pytest.mark.spec("ASR-045", "equals the formula of each pair in float64")
@pytest.mark.parity("relative attention", "the formula, pair by pair")
@pytest.mark.parametrize("rows", [1, 5])
def test_relative_attention_equals_the_formula_of_all_pairs(parity, rows):
    torch.manual_seed(1)
    attention, x = make_relative(8, 2), draw(2, 5, 8)
    mask = some_mask(2, rows, 5)
    result = attention(x, all_distances(5, 8), mask)
    expected = relative_by_pairs(attention, x, mask)
    parity.value(result, expected, atol=1e-12)
    inputs = (x, *attention.parameters())
    slopes = (gradients(out, *inputs) for out in (result, expected))
    parity.gradient(*slopes, atol=1e-11)


@pytest.mark.spec("ASR-045", "that of transformers' Wav2Vec2-Conformer")
@pytest.mark.parity(
    "relative attention",
    "transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer."
    "Wav2Vec2ConformerSelfAttention",
)
def test_relative_attention_equals_that_of_transformers(parity):
    module = pytest.importorskip(
        "transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer",
        reason="compares with transformers",
    )
    from transformers import Wav2Vec2ConformerConfig

    torch.manual_seed(0)
    config = Wav2Vec2ConformerConfig(
        hidden_size=16,
        num_attention_heads=4,
        attention_dropout=0.0,
        position_embeddings_type="relative",
    )
    theirs = module.Wav2Vec2ConformerSelfAttention(config).double().eval()
    ours = make_relative(16, 4)
    names = ("linear_q", "linear_k", "linear_v")
    with torch.no_grad():
        for name, part in zip(names, ours.qkv.weight.chunk(3), strict=True):
            getattr(theirs, name).weight.copy_(part)
        for name, part in zip(names, ours.qkv.bias.chunk(3), strict=True):
            getattr(theirs, name).bias.copy_(part)
        theirs.linear_out.load_state_dict(ours.out.state_dict())
        theirs.linear_pos.load_state_dict(ours.r.state_dict())
        theirs.pos_bias_u.copy_(ours.u)
        theirs.pos_bias_v.copy_(ours.v)
    x, distances = draw(2, 7, 16), all_distances(7, 16)
    expected, _ = theirs(x, relative_position_embeddings=distances[None])
    result = ours(x, distances)
    parity.value(result, expected, atol=1e-12)
    parity.gradient(gradients(result, x), gradients(expected, x), atol=1e-12)


def test_shift_moves_row_i_by_i_and_gives_the_gradient_back():
    time, total = 3, 5  # two frames came before
    x = torch.randn(2, 2, time, time + total - 1, dtype=torch.double)
    x = x.transpose(0, 1).requires_grad_()
    expected = torch.stack(
        [x[:, :, i, time - 1 - i : time - 1 - i + total] for i in range(time)], 2
    )
    result = shift(x)
    assert torch.equal(result, expected)
    (ours,), (theirs,) = gradients(result, x), gradients(expected, x)
    assert torch.equal(ours, theirs)
