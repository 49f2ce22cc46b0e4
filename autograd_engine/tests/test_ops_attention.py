"""Attention: torch's values and gradients for every mask, and what is refused."""

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import src as ag
from src import functional as F
from src.ops.attention import BLOCK, Attention
from tests.torch_compare import agree, normal


name = "scaled_dot_product_attention"


def qkv(*lead: int, queries: int = 4, keys: int = 5, width: int = 3) -> list:
    shapes = [(*lead, queries, width), (*lead, keys, width), (*lead, keys, width + 1)]
    return [normal(*shape, seed=i) for i, shape in enumerate(shapes)]


def attend(**options):
    def call(module, wrap):
        fixed = {
            k: wrap(v) if isinstance(v, np.ndarray) else v for k, v in options.items()
        }
        return lambda *t: getattr(module, name)(*t, **fixed)

    return call(F, ag.tensor), call(TF, torch.tensor)


SEEN = np.tri(4, 5, 1) > 0
SEEN[2] = False
OPTIONS = [
    {},
    {"scale": 0.3},
    {"is_causal": True},
    {"attn_mask": SEEN},
    {"attn_mask": np.where(SEEN, normal(4, 5, seed=9), -np.inf)},
    {"attn_mask": normal(5, seed=9)},
]


@pytest.mark.parity("attention", "torch.nn.functional.scaled_dot_product_attention")
@pytest.mark.spec("AGE-048", "a query that sees no key answers 0")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_attention_is_torch_s(options, lead, parity):
    if options.get("attn_mask") is not None and options["attn_mask"].ndim == 1:
        options = {"attn_mask": np.broadcast_to(options["attn_mask"], (4, 5)).copy()}
    agree(*attend(**options), qkv(*lead), parity=parity)


@pytest.mark.parametrize("queries, keys", [(1, 1), (7, 3), (3, 7)])
def test_causal_attention_of_unequal_lengths(queries, keys):
    agree(*attend(is_causal=True), qkv(2, 2, queries=queries, keys=keys))


@pytest.mark.parity("attention", "torch.nn.functional.scaled_dot_product_attention")
@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize("keys", [BLOCK // 2, 2 * BLOCK, 3 * BLOCK])
def test_causal_blocks_join_without_a_seam(extra, keys, parity):
    arrays = qkv(2, queries=2 * BLOCK + extra, keys=keys)
    agree(*attend(is_causal=True), arrays, second=False, parity=parity)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("scale", [300.0, 1e4])
def test_scores_beyond_the_range_of_exp(causal, scale):
    arrays = [a * s for a, s in zip(qkv(2), (scale, 1, 1), strict=True)]
    agree(*attend(is_causal=causal), arrays, second=False, tolerance=1e-9)


def test_masked_scores_cannot_drown_the_others():
    q, k, v = qkv(1, queries=3, keys=3)
    k[0, 2] *= 1e4  # what rows 0 and 1 must not see
    agree(*attend(is_causal=True), [q, k, v], second=False)


def test_heads_may_be_strided_views():
    def call(module):
        def run(x):
            parts = [
                x[..., i * 6 : i * 6 + 6].reshape(2, 5, 2, 3).transpose(1, 2)
                for i in range(3)
            ]
            out = getattr(module, name)(*parts, is_causal=True)
            return out.transpose(1, 2).reshape(2, 5, 6)

        return run

    # torch has no second derivative for four axes of one width.
    agree(call(F), call(TF), [normal(2, 5, 18)], second=False)


def test_joining_the_heads_again_is_a_view():
    out = F.scaled_dot_product_attention(*[ag.tensor(a) for a in qkv(2, 3)])
    joined = out.transpose(1, 2).reshape(2, 4, 12)
    assert np.shares_memory(joined.numpy(), out.numpy())


def test_grouped_heads_and_broadcast_batches():
    q, k, v = normal(2, 6, 4, 3), normal(2, 2, 5, 3, seed=1), normal(2, 2, 5, 3, seed=2)
    agree(*attend(enable_gqa=True), [q, k, v], second=False)
    agree(*attend(), [normal(1, 2, 4, 3), k, v], second=False)


def test_dropout_drops_probabilities_and_gradients_follow():
    q, k, v = (ag.tensor(a, requires_grad=True) for a in qkv(2, 2))
    results = []
    for run in range(2):
        ag.manual_seed(4)
        out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.4)
        results.append(ag.grad((out * out).sum(), (q, k, v), create_graph=bool(run)))
    for fused, plain in zip(*results, strict=True):
        np.testing.assert_allclose(fused.data, plain.detach().numpy(), atol=1e-12)
    kept = Attention.plain(q, k, v, None, np.zeros((2, 2, 4, 5)), False, 1.0)
    assert not kept.data.any()


def test_empty_sequences():
    for lead, queries, keys in [((0, 2), 3, 3), ((2,), 0, 3), ((2,), 3, 0)]:
        for causal in (False, True):
            arrays = qkv(*lead, queries=queries, keys=keys)
            agree(*attend(is_causal=causal), arrays, second=False)


def test_float32_is_as_close_to_the_truth_as_torch_s():
    arrays = [a.astype(np.float32) for a in qkv(2, 4, queries=64, keys=64, width=32)]
    wide = [torch.tensor(a.astype(np.float64)) for a in arrays]
    exact = TF.scaled_dot_product_attention(*wide, is_causal=True).numpy()
    ours = F.scaled_dot_product_attention(*map(ag.tensor, arrays), is_causal=True)
    theirs = TF.scaled_dot_product_attention(*map(torch.tensor, arrays), is_causal=True)
    assert ours.dtype == np.float32
    gap = np.abs(ours.numpy() - exact).max()
    assert gap < 3 * np.abs(theirs.numpy() - exact).max()


Q, K, V = (ag.tensor(a) for a in qkv(2, 2))
MASK = ag.tensor(np.ones((4, 5), bool))
REFUSED = [
    (lambda: F.scaled_dot_product_attention(Q, K, V, MASK, is_causal=True), "not both"),
    (lambda: F.scaled_dot_product_attention(Q, K, V[..., :3, :]), "axis keys is 3"),
    (lambda: F.scaled_dot_product_attention(Q, K[..., :2], V), "head_dim is 2"),
    (lambda: F.scaled_dot_product_attention(Q, K, V.float()), "float64, float64, floa"),
    (lambda: F.scaled_dot_product_attention(Q, K, V, MASK[:3]), r"\(3, 5\).*4, 5\)"),
    (lambda: F.scaled_dot_product_attention(Q, K, V, dropout_p=2.0), "0 to 1, not 2.0"),
    (lambda: F.scaled_dot_product_attention(Q[:, :1], K[:1], V[:0]), "others"),
]


@pytest.mark.parametrize("call, words", REFUSED)
def test_wrong_calls_say_what_does_not_fit(call, words):
    with pytest.raises((RuntimeError, ValueError, TypeError), match=words):
        call()


def test_a_mask_that_wants_gradients_is_refused():
    mask = ag.tensor(normal(4, 5), requires_grad=True)
    with pytest.raises(NotImplementedError, match="attn_mask"):
        F.scaled_dot_product_attention(Q, K, V, mask)
