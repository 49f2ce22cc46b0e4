"""Integrate-and-fire: against the definition and the loop, and at the last token."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from src.models.cif import _on_cpu, cif, cif_weights, integrate, token_ends
from tests.benchmarks.plain_cif import plain_cif


FORMS = ("clip", "scatter", "gather")
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def inputs(seed, batch, time, d_model=3, dtype=torch.float64, dense=1.0):
    """Hidden states and weights with rows of different lengths, 0 behind their ends."""
    draw = torch.Generator().manual_seed(seed)
    hidden = torch.randn(batch, time, d_model, generator=draw, dtype=torch.float64)
    alphas = torch.rand(batch, time, generator=draw, dtype=torch.float64) * dense + 0.01
    lengths = torch.randint(1, time + 1, (batch,), generator=draw)
    lengths[0] = time
    mask = torch.arange(time) < lengths[:, None]
    return hidden.to(dtype), (alphas * mask).to(dtype), lengths, mask


def exact(hidden, S, tokens):
    """The definition, number by number."""
    c = torch.zeros(len(hidden), tokens, hidden.shape[2], dtype=torch.float64)
    for b, row in enumerate(S.tolist()):
        for u in range(1, tokens + 1):
            before = 0.0
            for t, now in enumerate(row):
                c[b, u - 1] += max(0, min(now, u) - max(before, u - 1)) * hidden[b, t]
                before = now
    return c


seeds = st.integers(0, 2**31 - 1)
shapes = {"seed": seeds, "batch": st.integers(1, 3), "time": st.integers(1, 12)}


@pytest.mark.spec("ASR-061", "those of a complete token sum to 1")
@pytest.mark.spec("ASR-061", "those of a frame to its own weight")
@given(**shapes, dense=st.sampled_from([0.1, 1.0, 5.0]))
def test_no_weight_is_lost_or_made(seed, batch, time, dense):
    _, alphas, *_ = inputs(seed, batch, time, dense=dense)
    S = alphas.cumsum(1)
    w = cif_weights(S, int(S.max()) + 1)
    complete = torch.arange(1, w.shape[1] + 1) <= S[:, -1:]
    assert (w >= 0).all()
    assert (w.sum(2)[complete] - 1).abs().le(1e-12).all()
    assert (w.sum(1) - alphas).abs().le(1e-12).all()


@pytest.mark.spec("ASR-062", "the sum over the frames, number by number")
@pytest.mark.parametrize("form", FORMS)
@given(**shapes, dense=st.sampled_from([0.1, 1.0, 5.0]))
def test_each_form_is_the_definition(form, seed, batch, time, dense):
    hidden, alphas, *_ = inputs(seed, batch, time, dense=dense)
    tokens = int(alphas.sum(1).max()) + 2
    S = alphas.cumsum(1).minimum(torch.tensor(float(tokens)))
    c = integrate(hidden, S, tokens, form)
    assert (c - exact(hidden, S, tokens)).abs().max() <= 1e-12


@pytest.mark.spec("ASR-062", "the integrate-and-fire loop")
@pytest.mark.parity("integrate-and-fire", "the loop over the frames")
@pytest.mark.parametrize("time, tokens", [(250, 50), (1000, 97), (20, 7)])
def test_the_loop_gives_the_same_embeddings(parity, time, tokens):
    draw = torch.Generator().manual_seed(0)
    hidden = torch.randn(4, time, 3, generator=draw, dtype=torch.float64)
    alphas = torch.rand(4, time, generator=draw, dtype=torch.float64)
    lengths, leaves = torch.full((4,), tokens), (hidden, alphas)
    for leaf in leaves:
        leaf.requires_grad_()
    ours, loop = cif(hidden, alphas, lengths).embeds, plain_cif(hidden, alphas, lengths)
    # All but the last: that one the loop loses to rounding now and then.
    ours, loop = ours[:, :-1], loop[:, :-1]
    parity.value(ours, loop, atol=1e-11)
    towards = torch.randn(ours.shape, generator=draw, dtype=torch.float64)
    slopes = (torch.autograd.grad((c * towards).sum(), leaves) for c in (ours, loop))
    parity.gradient(*slopes, atol=1e-10)


@pytest.mark.spec(
    "ASR-062", "a frame that weighs more than 1 is part of several tokens"
)
@pytest.mark.parametrize("form", FORMS)
def test_one_frame_fills_five_tokens(form):
    hidden = torch.tensor([[[2.0], [7.0]]])
    out = cif(hidden, torch.tensor([[0.5, 4.5]]), form=form)
    assert out.embeds[0, :, 0].tolist() == [4.5, 7, 7, 7, 7]


@pytest.mark.spec("ASR-063", "exactly as many tokens as are asked for")
@pytest.mark.parametrize("form", FORMS)
@given(
    **shapes,
    dtype=st.sampled_from(DTYPES),
    share=st.floats(0, 4),
    dense=st.sampled_from([1e-3, 0.1, 1.0]),
)
@example(seed=0, batch=2, time=6, dtype=torch.float32, share=11 / 6, dense=1.0)
def test_scaling_gives_each_token_all_its_weight(
    form, seed, batch, time, dtype, share, dense
):
    _, alphas, lengths, mask = inputs(seed, batch, time, 1, dtype, dense)
    tokens = (lengths * share).long()
    out = cif(mask[..., None].to(dtype), alphas, tokens, form=form)
    full = torch.arange(out.embeds.shape[1]) < tokens[:, None]
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    assert out.lengths.tolist() == tokens.tolist()
    assert (out.embeds[..., 0].double() - full.double()).abs().le(tolerance).all()
    assert (out.alphas.sum(1) - tokens).abs().le(1e-4).all()


@pytest.mark.spec("ASR-063", "the last is as complete as the others")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_last_token_is_lost_in_a_thousand_rows(dtype):
    draw = torch.Generator().manual_seed(0)
    for time, tokens in ((50, 10), (400, 61), (1000, 97)):
        alphas = torch.rand(340, time, generator=draw).to(dtype)
        ones = torch.ones(340, time, 1, dtype=dtype)
        out = cif(ones, alphas, torch.full((340,), tokens))
        assert (out.embeds[:, -1] - 1).abs().max() <= 1e-6


@pytest.mark.spec("ASR-063", "an hour of frames")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_hour_of_frames_is_counted_exactly(dtype):
    alphas = torch.rand(1, 36_000, generator=torch.Generator().manual_seed(0)).to(dtype)
    out = cif(torch.ones(1, 36_000, 1, dtype=dtype), alphas, tail=0.0)
    assert int(out.lengths) == int(alphas.double().sum())
    assert (out.embeds - 1).abs().max() <= 1e-6
    assert (out.boundaries[0].diff() > 0).all()


@pytest.mark.spec("ASR-064", "the same embeddings and the same gradients")
@given(**shapes, scaled=st.booleans(), dense=st.sampled_from([0.1, 1.0, 3.0]))
def test_three_forms_agree_in_value_and_gradient(seed, batch, time, scaled, dense):
    hidden, alphas, lengths, mask = inputs(seed, batch, time, dense=dense)
    tokens = (lengths * 0.7).long() + 1 if scaled else None
    results = []
    for form in FORMS:
        h, a = hidden.clone().requires_grad_(), alphas.clone().requires_grad_()
        out = cif(h, a, tokens, form=form)
        draw = torch.Generator().manual_seed(seed)
        towards = torch.randn(out.embeds.shape, generator=draw, dtype=h.dtype)
        (out.embeds * towards).sum().backward()
        slope = torch.zeros_like(a) if a.grad is None else a.grad  # nothing fired
        results.append((out.embeds.detach(), h.grad, slope * mask))
    for other in results[:2]:
        for mine, theirs in zip(results[2], other, strict=True):
            assert torch.allclose(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.spec("ASR-064", "the same embeddings and the same gradients")
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(
            "gather",
            marks=pytest.mark.parity(
                "integrate-and-fire by pieces, gradient by hand", "its definition"
            ),
        ),
        pytest.param(
            "scatter",
            marks=pytest.mark.parity(
                "integrate-and-fire by scattering", "its definition"
            ),
        ),
    ],
)
@pytest.mark.parametrize("scaled", [True, False])
def test_the_fast_forms_beside_the_definition(parity, form, scaled):
    for seed in range(10):
        hidden, alphas, lengths, mask = inputs(seed, 3, 40, dense=1 + seed % 3)
        tokens = (lengths * 0.7).long() + 1 if scaled else None
        leaves = hidden.requires_grad_(), alphas.requires_grad_()
        results = []
        for which in (form, "clip"):
            c = cif(*leaves, tokens, form=which).embeds
            towards = torch.linspace(-1, 1, c.numel(), dtype=c.dtype).view_as(c)
            h, a = torch.autograd.grad((c * towards).sum(), leaves)
            results.append((c, (h, a * mask)))
        (ours, slopes), (definition, its_slopes) = results
        parity.value(ours, definition, atol=1e-11)
        parity.gradient(slopes, its_slopes, atol=1e-10)


@pytest.mark.spec("ASR-064", "that of finite differences")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scaled", [True, False])
def test_the_gradient_is_that_of_finite_differences(form, scaled):
    hidden, alphas, *_ = inputs(3, 2, 6, d_model=2, dense=1.5)
    tokens = torch.tensor([4, 7]) if scaled else None
    alphas = alphas + 0.013  # no padding, and no whole number on the way

    def run(h, a):
        return cif(h, a, tokens, form=form).embeds

    leaves = hidden.requires_grad_(), alphas.requires_grad_()
    assert torch.autograd.gradcheck(run, leaves, eps=1e-7, atol=1e-6)


@pytest.mark.spec("ASR-064", "to the right where a weight ends on a whole number")
@pytest.mark.parametrize("form", FORMS)
def test_ends_on_whole_numbers_give_the_tokens_and_a_finite_gradient(form):
    hidden = torch.eye(4, dtype=torch.float64)[None].requires_grad_()
    alphas = torch.tensor([[0.5, 0.5, 1.0, 0.0]], dtype=torch.float64).requires_grad_()
    out = cif(hidden, alphas, form=form).embeds
    assert out[0].tolist() == [[0.5, 0.5, 0, 0], [0, 0, 1, 0]]
    out.square().sum().backward()
    assert hidden.grad.isfinite().all() and alphas.grad.isfinite().all()


def test_the_hand_derived_gradient_looks_right_where_a_token_is_complete():
    hidden = torch.tensor([[[1.0], [10.0], [100.0]]])
    S = torch.tensor([[0.5, 1.0, 2.0]], dtype=torch.float64).requires_grad_()
    integrate(hidden, S, 2)[0, 1, 0].backward()
    # At S_2 = 1 what frame 2 wins from frame 3 belongs to the second token.
    assert S.grad[0].tolist() == [0.0, 10.0 - 100.0, 0.0]


TAIL = [
    # the rest, a whole number before it, tokens
    (0.54, 0, 0),
    (0.55, 0, 1),
    (0.56, 0, 1),
    (0.54, 3, 3),
    (0.55, 3, 4),
    (0.56, 3, 4),
    (0.0, 0, 0),
    (0.0, 2, 2),
    (0.999, 1, 2),
]


@pytest.mark.spec("ASR-065", "a rest of 0.55 or more is one token more")
@pytest.mark.spec("ASR-065", "divided by the rest")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rest, whole, tokens", TAIL)
def test_the_table_of_the_tail(form, rest, whole, tokens):
    alphas = torch.tensor([[1.0] * whole + [rest, 0.0]], dtype=torch.float64)
    hidden = torch.full((1, whole + 2, 2), 3.0, dtype=torch.float64)
    out = cif(hidden, alphas, form=form)
    assert out.lengths.tolist() == [tokens]
    assert out.embeds.shape == (1, tokens, 2)
    assert (out.embeds - 3).abs().le(1e-12).all()
    assert out.counts.tolist() == pytest.approx([whole + rest])


@pytest.mark.spec("ASR-065", "the tail can be set")
@pytest.mark.parametrize("tail, tokens", [(0.0, 2), (0.2, 2), (0.31, 3), (1.0, 3)])
def test_another_tail_moves_the_threshold(tail, tokens):
    out = cif(torch.ones(1, 4, 1), torch.tensor([[0.9, 0.9, 0.9, 0.0]]), tail=tail)
    assert out.lengths.tolist() == [tokens]
    assert (out.embeds - 1).abs().le(1e-6).all()


@pytest.mark.parametrize("tail", [-0.1, 1.1, float("nan")])
def test_a_tail_that_is_no_weight_is_refused(tail):
    with pytest.raises(ValueError, match=r"tail = .*: must be in \[0, 1\]"):
        cif(torch.ones(1, 1, 1), torch.ones(1, 1), tail=tail)


@pytest.mark.spec("ASR-066", "an empty result")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch, time", [(0, 0), (0, 5), (2, 0), (2, 1), (3, 40)])
def test_nothing_heard_is_an_empty_result(form, batch, time):
    out = cif(torch.randn(batch, time, 4), torch.zeros(batch, time), form=form)
    assert out.embeds.shape == (batch, 0, 4)
    assert out.lengths.tolist() == [0] * batch
    assert out.boundaries.shape == (batch, 0)


@pytest.mark.spec("ASR-066", "zeros, with a finite gradient")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("time", [0, 1, 5])
def test_weights_of_zero_cannot_be_scaled(form, time):
    hidden = torch.randn(2, time, 4, requires_grad=True)
    alphas = torch.zeros(2, time, requires_grad=True)
    out = cif(hidden, alphas, torch.tensor([3, 0]), form=form)
    assert out.embeds.shape == (2, 3, 4) and (out.embeds == 0).all()
    if time:
        out.embeds.sum().backward()
        assert alphas.grad.isfinite().all() and (hidden.grad == 0).all()


@pytest.mark.spec("ASR-066", "A single frame")
@pytest.mark.parametrize("form", FORMS)
def test_a_single_frame_can_be_any_number_of_tokens(form):
    out = cif(torch.full((1, 1, 2), 5.0), torch.tensor([[0.3]]), torch.tensor([4]))
    assert (out.embeds == 5).all() and out.embeds.shape == (1, 4, 2)
    assert out.boundaries.tolist() == [[0.25, 0.5, 0.75, 1.0]]


@pytest.mark.spec("ASR-067", "what it gives alone")
@pytest.mark.parametrize("form", FORMS)
@given(seed=seeds, batch=st.integers(2, 4), time=st.integers(1, 12))
def test_a_batch_gives_what_each_row_gives_alone(form, seed, batch, time):
    hidden, alphas, lengths, _ = inputs(seed, batch, time)
    targets = (lengths * 0.6).long()
    for tokens in (None, targets):
        together = cif(hidden, alphas, tokens, form=form)
        for b, n in enumerate(lengths.tolist()):
            one = None if tokens is None else tokens[b : b + 1]
            row = slice(b, b + 1)
            alone = cif(hidden[row, :n], alphas[row, :n], one, form=form)
            count = int(alone.lengths)
            assert int(together.lengths[b]) == count
            error = together.embeds[b, :count] - alone.embeds[0]
            assert error.abs().le(1e-12).all()
            times = together.boundaries[b, :count] - alone.boundaries[0]
            assert times.abs().le(1e-12).all()
            assert (together.embeds[b, count:] == 0).all()


@pytest.mark.spec("ASR-067", "No gradient reaches a hidden state at padding")
@pytest.mark.parametrize("form", FORMS)
def test_no_gradient_reaches_padding(form):
    hidden, alphas, _, mask = inputs(5, 4, 12)
    hidden.requires_grad_()
    cif(hidden, alphas, torch.tensor([5, 2, 1, 3]), form=form).embeds.sum().backward()
    assert (hidden.grad[~mask] == 0).all() and (hidden.grad[mask] != 0).all()


@pytest.mark.spec("ASR-068", "where between two frames")
def test_boundaries_lie_where_the_weight_is_reached():
    alphas = torch.tensor([[0.5, 0.0, 1.0, 0.25, 0.75, 0.6]])
    out = cif(torch.ones(1, 6, 1), alphas)
    assert out.boundaries[0].tolist() == pytest.approx([2.5, 4 + 1 / 3, 5 + 5 / 6])


@pytest.mark.spec("ASR-068", "invert the cumulative weight")
@given(**shapes)
def test_the_cumulative_weight_at_a_boundary_is_the_token(seed, batch, time):
    _, alphas, *_ = inputs(seed, batch, time, dense=2.0)
    S = alphas.cumsum(1)
    lengths = S[:, -1].long()
    tokens = int(lengths.max())
    for b, ends in enumerate(token_ends(S, lengths, tokens)):
        for u, end in enumerate(ends[: lengths[b]].tolist(), start=1):
            frame = min(int(end), time - 1)
            before = float(S[b, frame - 1]) if frame else 0.0
            assert before + (end - frame) * float(alphas[b, frame]) == pytest.approx(u)


@pytest.mark.spec("ASR-068", "The token of the tail ends with the last frame")
def test_the_token_of_the_tail_ends_with_the_last_weight():
    alphas = torch.tensor([[0.7, 0.9, 0.0, 0.0, 0.0], [0.1, 0.1, 0.1, 0.1, 0.2]])
    out = cif(torch.ones(2, 5, 1), alphas)
    assert out.boundaries[0].tolist() == pytest.approx([1 + 1 / 3, 2.0])
    assert out.boundaries[1].tolist() == [5.0, 0.0]


@pytest.mark.spec("ASR-070", "does not change what it is given")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tokens", [None, [3, 2]])
def test_nothing_is_changed_in_place(form, tokens):
    hidden, alphas, *_ = inputs(2, 2, 9)
    lengths = None if tokens is None else torch.tensor(tokens)
    given_to = [t.clone() for t in (hidden, alphas)]
    hidden.requires_grad_()
    cif(hidden, alphas, lengths, form=form).embeds.sum().backward()
    assert torch.equal(hidden, given_to[0]) and torch.equal(alphas, given_to[1])
    assert lengths is None or lengths.tolist() == tokens


@pytest.mark.spec("ASR-070", "NaN in one row")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 3, 8])
def test_a_bad_weight_spoils_its_row_alone(form, bad, place):
    hidden, alphas, *_ = inputs(2, 2, 9, dtype=torch.float32)
    right = cif(hidden, alphas, torch.tensor([3, 2]), form=form).embeds[0]
    alphas[1, place] = bad
    hidden.requires_grad_()
    out = cif(hidden, alphas, torch.tensor([3, 2]), form=form).embeds
    assert torch.equal(out[0], right)
    assert not out[1].isfinite().all()
    out.sum().backward()
    assert hidden.grad[0].isfinite().all()
    assert cif(hidden, alphas, form=form).lengths[1] == 0


@pytest.mark.spec("ASR-070", "in the type of the hidden states")
@pytest.mark.parametrize("dtype", DTYPES)
def test_results_have_the_type_of_what_was_given(dtype):
    hidden, alphas, *_ = inputs(2, 2, 9, dtype=dtype)
    out = cif(hidden.requires_grad_(), alphas, torch.tensor([3, 2]))
    plain = torch.promote_types(dtype, torch.float32)
    assert out.embeds.dtype == dtype
    assert {out.counts.dtype, out.alphas.dtype, out.boundaries.dtype} == {plain}
    out.embeds.float().sum().backward()
    assert hidden.grad.dtype == dtype


@pytest.mark.spec("ASR-067", "as many rows as are asked for")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tokens", [None, [3, 2]])
def test_a_wider_or_narrower_result_has_the_same_embeddings(form, tokens):
    hidden, alphas, *_ = inputs(2, 2, 9)
    lengths = None if tokens is None else torch.tensor(tokens)
    plain = cif(hidden, alphas, lengths, form=form)
    rows = plain.embeds.shape[1]
    for size in (rows + 3, rows, rows - 1, 0):
        out = cif(hidden, alphas, lengths, size=size, form=form)
        kept = min(size, rows)
        assert out.embeds.shape[1] == out.boundaries.shape[1] == size
        assert (out.embeds[:, :kept] - plain.embeds[:, :kept]).abs().le(1e-12).all()
        assert (out.embeds[:, rows:] == 0).all()


def test_what_goes_over_the_cpu_comes_back_the_same_with_its_gradient():
    hidden, alphas, *_ = inputs(2, 2, 9)
    lengths = torch.tensor([3, 2])
    for tokens in (None, lengths):
        leaf, other = (alphas.clone().requires_grad_() for _ in range(2))
        here = cif(hidden, leaf, tokens)
        there = _on_cpu(hidden, other, tokens, size=None, tail=0.45, form="gather")
        assert all(map(torch.equal, here, there))
        here.embeds.square().sum().backward()
        there.embeds.square().sum().backward()
        assert torch.equal(leaf.grad, other.grad)
