"""Connectionist temporal classification: the loss, its gradient, the alignment."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from src.losses import ctc_loss
from src.models.ctc_align import ctc_align
from src.models.ctc_predictor import CtcPredictor


def case(seed, batch, time, size, vocab=4, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, time, vocab, generator=draw, dtype=torch.float64) * 2
    tokens = torch.randint(1, vocab, (batch, size), generator=draw)
    times = torch.randint(1, time + 1, (batch,), generator=draw)
    lengths = torch.randint(0, size + 1, (batch,), generator=draw)
    return logits.to(dtype).requires_grad_(), times, tokens, lengths


def read(path):
    """What a path of tokens reads as."""
    return [k for k, _ in itertools.groupby(path) if k]


def paths_of(log_probs, tokens):
    """Each path that reads as the tokens, with its log-probability."""
    time, vocab = log_probs.shape
    for path in itertools.product(range(vocab), repeat=time):
        if read(path) == tokens:
            yield path, sum(float(log_probs[t, k]) for t, k in enumerate(path))


cases = {
    "seed": st.integers(0, 2**31 - 1),
    "batch": st.integers(1, 4),
    "time": st.integers(1, 14),
    "size": st.integers(0, 6),
}


def beside_torch(seed, batch, time, size):
    """(values, values without infinity, gradients), by ours and by torch."""
    logits, times, tokens, lengths = case(seed, batch, time, size)
    weights = torch.rand(batch, dtype=torch.float64)
    log_probs = logits.log_softmax(-1)

    def theirs(zero_infinity=False):
        said = (log_probs.transpose(0, 1), tokens, times, lengths)
        return F.ctc_loss(*said, reduction="none", zero_infinity=zero_infinity)

    def ours(zero_infinity=False):
        said = (log_probs, times, tokens, lengths)
        return ctc_loss(*said, zero_infinity=zero_infinity)

    for loss in (ours, theirs):
        finite = loss(zero_infinity=True)
        (slope,) = torch.autograd.grad((finite * weights).sum(), logits)
        log_probs = logits.log_softmax(-1)  # the graph of the other one
        yield loss().detach(), finite.detach(), slope


@pytest.mark.spec("ASR-075", "those of torch")
@given(**cases)
def test_value_and_gradient_are_those_of_torch(seed, batch, time, size):
    for mine, other in zip(*beside_torch(seed, batch, time, size), strict=True):
        assert torch.allclose(mine, other, rtol=1e-9, atol=1e-9)


@pytest.mark.spec("ASR-075", "those of torch")
@pytest.mark.parity("CTC loss", "torch.nn.functional.ctc_loss")
@pytest.mark.parametrize("seed", range(20))
def test_value_and_gradient_beside_torch(parity, seed):
    ours, theirs = beside_torch(seed, 4, 30 + seed, 1 + seed % 9)
    parity.value(ours[:2], theirs[:2], atol=1e-10)
    parity.gradient(ours[2], theirs[2], atol=1e-10)


@pytest.mark.spec("ASR-075", "the sum over all paths")
@pytest.mark.parity("CTC loss", "the sum over all paths")
@pytest.mark.parametrize("tokens", [[], [1], [1, 1], [1, 2], [2, 1, 2], [1, 1, 1]])
def test_the_probability_is_the_sum_over_all_paths(parity, tokens):
    logits, *_ = case(0, 1, 5, 0, vocab=3)
    log_probs = logits.detach().log_softmax(-1)
    each = [p for _, p in paths_of(log_probs[0], tokens)]
    brute = torch.tensor(each, dtype=torch.float64).logsumexp(0)
    loss = ctc_loss(
        log_probs,
        torch.tensor([5]),
        torch.tensor([tokens]).long().view(1, -1),
        torch.tensor([len(tokens)]),
    )
    parity.value(loss[0], -brute, atol=1e-10)


@pytest.mark.spec("ASR-075", "the hand-derived gradient is that of finite differences")
def test_the_gradient_to_the_log_probabilities_is_that_of_finite_differences():
    logits, times, tokens, _ = case(1, 3, 7, 3)
    times, lengths = torch.tensor([7, 5, 6]), torch.tensor([3, 2, 0])

    def run(log_probs):
        return ctc_loss(log_probs, times, tokens, lengths)

    log_probs = logits.detach().log_softmax(-1).requires_grad_()
    assert torch.autograd.gradcheck(run, (log_probs,))


@pytest.mark.spec("ASR-076", "infinity, or 0 on request")
def test_a_row_with_too_few_frames_costs_infinity_or_nothing():
    logits, *_ = case(0, 3, 4, 3)
    tokens = torch.tensor([[1, 1, 1], [1, 2, 3], [1, 2, 3]])
    said = (torch.tensor([4, 2, 0]), tokens, torch.tensor([3, 3, 1]))
    loss = ctc_loss(logits.log_softmax(-1), *said)
    assert loss.isinf().all()
    loss.sum().backward()
    assert (logits.grad == 0).all()
    zero = ctc_loss(logits.log_softmax(-1), *said, zero_infinity=True)
    assert zero.tolist() == [0, 0, 0]


@pytest.mark.spec("ASR-076", "An empty text")
@pytest.mark.parametrize("time", [0, 1, 5])
@pytest.mark.parametrize("size", [0, 2])
def test_an_empty_text_costs_its_blanks(time, size):
    log_probs = torch.randn(2, 5, 3, dtype=torch.float64).log_softmax(-1)[
        :, : time or 5
    ]
    tokens, none = torch.ones(2, size, dtype=torch.long), torch.tensor([0, 0])
    loss = ctc_loss(log_probs, torch.tensor([time, time]), tokens, none)
    assert torch.allclose(loss, -log_probs[:, :time, 0].sum(1))


def test_no_row_and_no_frame_give_no_loss():
    none = torch.zeros(0, dtype=torch.long)
    assert ctc_loss(torch.zeros(0, 3, 2), none, none.view(0, 1), none).shape == (0,)
    zero = torch.zeros(2, dtype=torch.long)
    assert ctc_loss(torch.zeros(2, 0, 2), zero, zero.view(2, 1), zero).tolist() == [
        0,
        0,
    ]


@pytest.mark.spec("ASR-076", "What lies behind the end of a row")
@pytest.mark.parametrize("rubbish", [float("nan"), float("inf"), 1e30])
def test_padding_changes_neither_loss_nor_gradient(rubbish):
    logits, times, tokens, lengths = case(4, 3, 9, 4)
    times, lengths = torch.tensor([9, 6, 3]), torch.tensor([4, 3, 1])
    log_probs = logits.detach().log_softmax(-1)
    bad = log_probs.clone()
    bad[1, 6:], bad[2, 3:] = rubbish, rubbish
    other = tokens.clone()
    other[1, 3:], other[2, 1:] = 1, 1
    grads = []
    for values, said in ((log_probs, tokens), (bad, other)):
        leaf = values.clone().requires_grad_()
        loss = ctc_loss(leaf, times, said, lengths)
        loss.sum().backward()
        grads.append((loss.detach(), leaf.grad))
    assert torch.equal(grads[0][0], grads[1][0])
    assert torch.equal(grads[0][1], grads[1][1])
    assert (grads[1][1][2, 3:] == 0).all()


def test_a_token_that_cannot_be_said_costs_infinity_with_a_gradient_of_0():
    log_probs = torch.zeros(1, 3, 3)
    log_probs[0, :, 1] = -torch.inf
    log_probs.requires_grad_()
    said = (torch.tensor([3]), torch.tensor([[1]]), torch.tensor([1]))
    loss = ctc_loss(log_probs, *said)
    loss.sum().backward()
    assert loss.isinf().all() and (log_probs.grad == 0).all()


def test_a_nan_stays_in_its_row():
    logits, times, tokens, lengths = case(4, 2, 6, 2)
    times, lengths = torch.tensor([6, 6]), torch.tensor([2, 2])
    log_probs = logits.detach().log_softmax(-1)
    log_probs[1, 2] = float("nan")
    log_probs.requires_grad_()
    loss = ctc_loss(log_probs, times, tokens, lengths, zero_infinity=True)
    loss.sum().backward()
    assert loss[0].isfinite() and loss[1].isnan()
    assert log_probs.grad[0].isfinite().all() and log_probs.grad[1].isnan().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_long_row_in_low_precision_keeps_its_gradient(dtype):
    logits, _, tokens, _ = case(0, 1, 1500, 300, vocab=8)
    said = (torch.tensor([1500]), tokens, torch.tensor([300]))
    low = logits.detach().log_softmax(-1).to(dtype)
    grads = []
    for values in (low.double(), low):
        leaf = values.clone().requires_grad_()
        loss = ctc_loss(leaf, *said)
        loss.sum().backward()
        grads.append(leaf.grad.double())
    assert loss.dtype == torch.float32
    assert (grads[0] - grads[1]).abs().max() <= 3 * torch.finfo(dtype).eps


def posteriors(*rows):
    """Logits of a path that is nearly certain."""
    return torch.stack([F.one_hot(torch.tensor(row), 4) * 20.0 for row in rows])


@pytest.mark.spec("ASR-074", "repeats are merged and blanks dropped")
def test_a_token_for_each_stretch_of_the_best_path():
    logits = posteriors([0, 1, 1, 0, 1, 2, 2], [3, 3, 3, 3, 0, 1, 1])
    out = CtcPredictor(5, 4)(torch.randn(2, 7, 5), logits, torch.tensor([7, 5]))
    assert out.lengths.tolist() == [3, 1] and out.counts.tolist() == [3, 1]
    assert out.boundaries.tolist() == [[3, 5, 7], [4, 0, 0]]
    assert out.alphas.tolist() == [
        [0, 0.5, 0.5, 0, 1, 0.5, 0.5],
        [0.25] * 4 + [0] * 3,
    ]
    assert (out.embeds[1, 1:] == 0).all()


def test_an_embedding_is_the_projected_mean_posterior():
    torch.manual_seed(0)
    predictor, logits = CtcPredictor(5, 4), torch.randn(1, 6, 4) + posteriors([1] * 6)
    out = predictor(torch.zeros(1, 6, 5), logits, torch.tensor([6]))
    mean = logits.softmax(-1).mean(1)
    assert torch.allclose(out.embeds[0], predictor.project(mean), atol=1e-6)


@pytest.mark.spec("ASR-074", "exactly the true number of tokens")
@given(**cases)
def test_training_gives_the_true_number_of_tokens(seed, batch, time, size):
    logits, times, tokens, lengths = case(seed, batch, time, size, dtype=torch.float32)
    torch.manual_seed(0)
    out = CtcPredictor(3, 4)(
        torch.randn(batch, time, 3), logits, times, tokens, lengths
    )
    assert out.lengths.tolist() == lengths.tolist()
    assert out.embeds.shape[1] == size and out.embeds.isfinite().all()
    ends = out.boundaries
    for b, n in enumerate(lengths.tolist()):
        assert (ends[b, :n].diff() >= 0).all() and (ends[b, :n] <= times[b]).all()


@pytest.mark.spec("ASR-074", "the best of all paths that read as it")
@given(
    seed=st.integers(0, 2**31 - 1),
    tokens=st.lists(st.integers(1, 2), max_size=3),
    time=st.integers(1, 5),
)
def test_the_alignment_is_the_best_of_all_paths(seed, tokens, time):
    logits, *_ = case(seed, 1, time, 0, vocab=3)
    log_probs = logits.detach().log_softmax(-1)
    said = (torch.tensor([tokens]).long().view(1, -1), torch.tensor([len(tokens)]))
    owner = ctc_align(log_probs, torch.tensor([time]), *said)[0].tolist()
    paths = list(paths_of(log_probs[0], tokens))
    if not paths:
        assert owner == [-1] * time
        return
    path = tuple(0 if u < 0 else tokens[u] for u in owner)
    best = max(p for _, p in paths)
    assert dict(paths)[path] == pytest.approx(best)


def test_rows_of_a_batch_are_aligned_as_alone():
    logits, times, tokens, lengths = case(3, 6, 12, 4)
    log_probs = logits.detach().log_softmax(-1)
    together = ctc_align(log_probs, times, tokens, lengths)
    for b in range(6):
        t, n = int(times[b]), int(lengths[b])
        row = slice(b, b + 1)
        alone = ctc_align(log_probs[row, :t], times[row], tokens[row, :n], lengths[row])
        assert together[b, :t].tolist() == alone[0].tolist()
        assert (together[b, t:] == -1).all()


@pytest.mark.spec("ASR-074", "spread evenly")
def test_tokens_that_have_too_few_frames_are_spread_over_them():
    torch.manual_seed(0)
    said = (torch.tensor([[1, 1, 1], [1, 2, 3]]), torch.tensor([3, 3]))
    out = CtcPredictor(5, 4)(
        torch.randn(2, 4, 5), torch.randn(2, 4, 4), torch.tensor([4, 2]), *said
    )
    assert out.alphas[0].tolist() == [0.5, 0.5, 1, 1]
    assert out.alphas[1].tolist() == [1, 1, 0, 0]
    assert out.boundaries.tolist() == [[2, 3, 4], [1, 2, 2]]


def test_a_path_that_ends_in_the_impossible_is_none():
    log_probs = torch.randn(1, 4, 3).log_softmax(-1)
    log_probs[0, 3] = -torch.inf
    said = (torch.tensor([[1, 2]]), torch.tensor([2]))
    assert ctc_align(log_probs, torch.tensor([4]), *said).tolist() == [[-1] * 4]
