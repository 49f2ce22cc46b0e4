"""The equation, the fast kernel and the tiles: three ways to one result."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from src.models.attention import attention_explicit, attention_sdpa
from src.models.masks import Mask
from src.models.positions import alibi_slopes
from src.models.tiled_attention import tiled_attention
from tests.attention_reference import attend_one_by_one


BATCH, HEADS, TOTAL, HEAD_DIM = 2, 4, 9, 6
PAD = torch.arange(TOTAL) < torch.tensor([[TOTAL], [6]])
DOCUMENT = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 2, 2], [5, 5, 5, 5, 5, 3, 3, 3, 3]])
MASKS = {
    "all": {},
    "causal": {"causal": True},
    "padded": {"pad_mask": PAD},
    "causal padded": {"causal": True, "pad_mask": PAD},
    "window": {"window": 3},
    "causal window": {"causal": True, "window": 3},
    "window of one": {"causal": True, "window": 1},
    "documents": {"causal": True, "document": DOCUMENT},
    "alibi": {"causal": True, "slopes": alibi_slopes(HEADS)},
    "alibi both ways": {"slopes": alibi_slopes(HEADS)},
    "together": {
        "causal": True,
        "window": 4,
        "pad_mask": PAD,
        "document": DOCUMENT,
        "slopes": alibi_slopes(HEADS),
    },
}
FORMS = {
    "explicit": attention_explicit,
    "sdpa": attention_sdpa,
    "tiled": partial(tiled_attention, tile=4),
    "one tile": tiled_attention,
}


def draw(time: int, total: int, kv_heads: int, seed: int = 0) -> list[Tensor]:
    source = torch.Generator().manual_seed(seed)
    shapes = [(HEADS, time), (kv_heads, total), (kv_heads, total)]
    return [
        torch.randn(
            BATCH, *shape, HEAD_DIM, dtype=torch.float64, generator=source
        ).requires_grad_()
        for shape in shapes
    ]


def values_and_gradients(form, inputs: list[Tensor], mask: Mask) -> list[Tensor]:
    out = form(*inputs, mask)
    weight = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).view_as(out)
    return [out, *torch.autograd.grad((out * weight).sum(), inputs)]


@pytest.mark.spec("SEQ-049", "give the same values and gradients (1e-10 in float64)")
@pytest.mark.spec("SEQ-050", "the queries are the last of the tokens")
@pytest.mark.parametrize(
    ("time", "kv_heads"), [(TOTAL, HEADS), (TOTAL, 2), (4, 1), (1, 2)]
)
@pytest.mark.parity("attention: equation, kernel, tiles", "one query after another")
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_each_form_equals_attention_query_by_query(parity, mask, time, kv_heads):
    inputs = draw(time, TOTAL, kv_heads)
    wanted = values_and_gradients(attend_one_by_one, inputs, Mask(**mask))
    for form in FORMS.values():
        out, *slopes = values_and_gradients(form, inputs, Mask(**mask))
        parity.value(out, wanted[0], atol=1e-12)
        parity.gradient(slopes, wanted[1:], atol=1e-12)


SDPA = torch.nn.functional.scaled_dot_product_attention
AGAINST_SDPA = [
    pytest.param(
        attention_explicit,
        marks=pytest.mark.parity(
            "attention, the equation",
            "torch.nn.functional.scaled_dot_product_attention",
        ),
    ),
    pytest.param(
        FORMS["tiled"],
        marks=pytest.mark.parity(
            "tiled attention", "torch.nn.functional.scaled_dot_product_attention"
        ),
    ),
]


@pytest.mark.spec("SEQ-049", "`F.scaled_dot_product_attention` and tiled attention")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("form", AGAINST_SDPA)
def test_each_form_equals_the_kernel_of_torch(parity, form, causal):
    inputs = draw(TOTAL, TOTAL, 2)
    kernel = lambda q, k, v, _: SDPA(q, k, v, is_causal=causal, enable_gqa=True)  # noqa: E731
    out, *slopes = values_and_gradients(form, inputs, Mask(causal=causal))
    wanted, *their_slopes = values_and_gradients(kernel, inputs, Mask())
    parity.value(out, wanted, atol=1e-12)
    parity.gradient(slopes, their_slopes, atol=1e-12)


@pytest.mark.spec("SEQ-049", "the tiles may have any size")
@settings(max_examples=40, deadline=None)
@given(
    total=st.integers(1, 12),
    ahead=st.integers(0, 11),
    tile=st.integers(1, 13),
    window=st.none() | st.integers(1, 13),
    causal=st.booleans(),
    documents=st.booleans(),
    seed=st.integers(0, 99),
)
def test_tiles_of_any_size_give_the_same(
    total, ahead, tile, window, causal, documents, seed
):
    time = max(1, total - ahead)
    inputs = draw(time, total, 2, seed)
    mask = {"causal": causal, "window": window}
    if documents:
        mask["document"] = torch.randint(0, 3, (BATCH, total))
    wanted = values_and_gradients(attention_explicit, inputs, Mask(**mask))
    tiled = partial(tiled_attention, tile=tile)
    for got, want in zip(
        values_and_gradients(tiled, inputs, Mask(**mask)), wanted, strict=True
    ):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-10)


@pytest.mark.spec("SEQ-050", "unlike `is_causal` of torch")
def test_the_first_query_behind_a_cache_sees_more_than_the_first_key():
    q, k, v = draw(2, 5, HEADS)
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    for form in FORMS.values():
        ours = form(q, k, v, Mask(causal=True))
        seen = form(q[:, :, :1], k[:, :, :4], v[:, :, :4])
        torch.testing.assert_close(ours[:, :, :1], seen)
        assert not torch.allclose(ours, theirs)


@pytest.mark.spec("SEQ-051", "gets zeros and gives no gradient")
@pytest.mark.parametrize("slopes", [None, alibi_slopes(HEADS)], ids=["plain", "alibi"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_query_that_sees_nothing_gives_zeros(form, slopes):
    real = torch.ones(BATCH, TOTAL, dtype=torch.bool)
    real[0] = False  # nothing in row 0
    real[1, :3] = False  # padding on the left: the first three queries of row 1
    inputs = draw(TOTAL, TOTAL, 2)
    mask = Mask(causal=True, pad_mask=real, slopes=slopes)
    out, *gradients = values_and_gradients(form, inputs, mask)
    assert (out[0] == 0).all() and (out[1, :, :3] == 0).all()
    assert (out[1, :, 3:] != 0).all()
    for gradient in gradients:
        assert (gradient[0] == 0).all() and (gradient[1, :, :3] == 0).all()
        assert gradient.isfinite().all()


@pytest.mark.spec("SEQ-051", "Neither do hidden keys")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_hidden_may_hold_anything_finite(form):
    q, k, v = draw(TOTAL, TOTAL, HEADS)
    mask = Mask(pad_mask=PAD)
    before = form(q, k, v, mask)
    hidden = ~PAD[:, None, :, None]
    after = form(q, k.masked_fill(hidden, 1e6), v.masked_fill(hidden, -1e6), mask)
    torch.testing.assert_close(after, before, rtol=0, atol=0)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_huge_scores_do_not_overflow(form):
    q, k, v = (x.detach().float() for x in draw(TOTAL, TOTAL, HEADS))
    out = form(1e4 * q, 1e4 * k, v, Mask(causal=True))
    wanted = attend_one_by_one(1e4 * q, 1e4 * k, v, Mask(causal=True))
    torch.testing.assert_close(out, wanted)


def test_the_hand_derived_gradient_is_that_of_differences():
    inputs = [x[:1, :2, :5, :3].detach().requires_grad_() for x in draw(5, 5, HEADS)]
    mask = Mask(causal=True, window=3, slopes=alibi_slopes(2))
    assert torch.autograd.gradcheck(
        lambda q, k, v: tiled_attention(q, k, v, mask, tile=2), inputs
    )


def test_no_sequence_and_no_query_are_possible():
    for form in FORMS.values():
        q, k, v = draw(TOTAL, TOTAL, HEADS)
        assert form(q[:0], k[:0], v[:0], Mask(causal=True)).shape == q[:0].shape
        none = form(q[:, :, :0], k, v, Mask(causal=True))
        assert none.shape == (BATCH, HEADS, 0, HEAD_DIM)


def test_a_mask_of_another_length_is_refused():
    q, k, v = draw(TOTAL, TOTAL, HEADS)
    for name, given_ in {"pad_mask": PAD, "document": DOCUMENT}.items():
        for form in FORMS.values():
            with pytest.raises(ValueError, match=f"{name} is .*, as there are 9 keys"):
                form(q, k, v, Mask(**{name: given_[:, :8]}))
            with pytest.raises(ValueError, match=rf"{name} is \(9,\): must be \(batch"):
                form(q, k, v, Mask(**{name: given_[0]}))


@pytest.mark.parametrize(
    "given_, words",
    [
        ({"window": 0}, "window 0"),
        ({"pad_mask": PAD.long()}, "pad_mask is torch.int64: must be bool"),
        ({"slopes": torch.ones(2, 1)}, r"slopes of \(2, 1\): must be one per head"),
    ],
)
def test_a_mask_of_another_kind_is_refused(given_, words):
    with pytest.raises(ValueError, match=words):
        Mask(**given_)


def test_a_mask_of_inference_serves_a_gradient_too():
    q, k, v = (x.detach().requires_grad_() for x in draw(TOTAL, TOTAL, HEADS))
    mask = Mask(pad_mask=PAD)
    with torch.inference_mode():
        before = attention_sdpa(q, k, v, mask)
    after = attention_sdpa(q, k, v, mask)
    after.sum().backward()
    assert torch.equal(before, after) and q.grad is not None
