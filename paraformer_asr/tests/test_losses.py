"""The number of tokens, the expected errors, and what the config allows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.losses import LossConfig, mwer_loss, quantity_loss
from src.losses.mwer import edit_distances, sample_hypotheses
from src.utils.lengths import length_mask


@pytest.mark.spec("ASR-077", "as a share of the true tokens")
def test_the_quantity_loss_is_the_miss_a_token():
    counts = torch.tensor([2.5, 6.0, 0.25], requires_grad=True)
    loss = quantity_loss(counts, torch.tensor([3, 4, 0]))
    loss.backward()
    assert float(loss.detach()) == pytest.approx((0.5 / 3 + 2 / 4 + 0.25) / 3)
    assert counts.grad.tolist() == pytest.approx([-1 / 9, 1 / 12, 1 / 3])


def test_the_quantity_loss_of_silence_is_what_was_counted():
    assert (
        float(quantity_loss(torch.tensor([0.5, 0.25]), torch.tensor([0, 0]))) == 0.375
    )


@pytest.mark.parametrize(
    "name, value",
    [
        ("label_smoothing", 1.5),
        ("ctc", -0.1),
        ("ctc_from", 2.0),
        ("mwer_from", -1.0),
        ("quantity", -1.0),
        ("mwer", float("nan")),
    ],
)
@pytest.mark.spec("ASR-077", "a weight that cannot be is refused")
def test_a_weight_that_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} = {value}: must be"):
        LossConfig(**{name: value})


def plain_distance(a, b):
    table = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            row.append(min(table[j] + 1, row[j - 1] + 1, table[j - 1] + (x != y)))
        table = row
    return table[-1]


@pytest.mark.spec("ASR-078", "edit distance")
@given(
    seed=st.integers(0, 2**31 - 1),
    batch=st.integers(1, 3),
    size=st.integers(0, 9),
    n=st.integers(1, 4),
)
def test_edit_distances_are_those_of_the_table(seed, batch, size, n):
    draw = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 3, (batch, n, size), generator=draw)
    tokens = torch.randint(0, 3, (batch, size), generator=draw)
    lengths = torch.randint(0, size + 1, (batch,), generator=draw)
    found = edit_distances(y, tokens, lengths)
    for b, length in enumerate(lengths.tolist()):
        true = tokens[b, :length].tolist()
        wanted = [plain_distance(row[:length].tolist(), true) for row in y[b]]
        assert found[b].tolist() == wanted


@pytest.mark.spec("ASR-078", "its second-best token at one to half of the positions")
@given(
    seed=st.integers(0, 2**31 - 1), size=st.integers(1, 12), length=st.integers(0, 12)
)
def test_hypotheses_are_the_greedy_one_and_copies_with_second_bests(seed, size, length):
    draw = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(1, size, 5, generator=draw)
    length = min(length, size)
    mask = length_mask(torch.tensor([length]), size)
    y = sample_hypotheses(log_probs, mask, 6, draw)[0]
    best, second = log_probs[0].topk(2).indices.T
    assert torch.equal(y[0], best)
    for row in y[1:]:
        other = row != best
        assert torch.equal(row[other], second[other])
        assert not other[length:].any()
        assert min(1, length) <= int(other.sum()) <= (length + 1) // 2


@pytest.mark.spec("ASR-078", "P(y_i) (W(y_i) - sum_j P(y_j) W(y_j))")
@pytest.mark.parity("expected errors (MWER)", "Prabhavalkar et al. 2018, by loops")
def test_the_gradient_of_mwer_is_that_of_the_expected_errors(parity):
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 6, 7, generator=draw, dtype=torch.float64).requires_grad_()
    tokens = torch.randint(0, 7, (3, 6), generator=draw)
    lengths = torch.tensor([6, 4, 1])
    loss = mwer_loss(logits, tokens, lengths, 5, torch.Generator().manual_seed(1))
    (ours,) = torch.autograd.grad(loss, logits)

    mask = length_mask(lengths, 6)
    log_probs = logits.detach().log_softmax(-1)
    y = sample_hypotheses(log_probs, mask, 5, torch.Generator().manual_seed(1))
    W = edit_distances(y, tokens, lengths).double()
    wanted, value = torch.zeros_like(log_probs), 0.0
    for b in range(3):
        n = int(lengths[b])
        said = torch.stack([log_probs[b, range(n), row[:n]].sum() for row in y[b]])
        P = said.exp() / said.exp().sum()
        value += float((P * (W[b] - W[b].mean())).sum()) / 3
        for i, row in enumerate(y[b]):
            slope = P[i] * (W[b, i] - (P * W[b]).sum()) / 3
            for u in range(n):
                wanted[b, u] -= slope * log_probs[b, u].exp()
                wanted[b, u, row[u]] += slope
    parity.value(loss, value, atol=1e-12)
    parity.gradient(ours, wanted, atol=1e-12)


@pytest.mark.spec("ASR-078", "moves probability to the hypothesis with fewer errors")
def test_steps_down_the_gradient_lower_the_expected_errors():
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(8, 5, 6, generator=draw).requires_grad_()
    tokens = logits.detach().topk(2).indices[..., 1]  # the second best is right
    lengths = torch.full((8,), 5)
    right = [float(logits.detach().softmax(-1).gather(2, tokens[..., None]).mean())]
    for _ in range(30):
        (slope,) = torch.autograd.grad(
            mwer_loss(logits, tokens, lengths, 4, draw), logits
        )
        logits = (logits.detach() - 5 * slope).requires_grad_()
    right.append(float(logits.detach().softmax(-1).gather(2, tokens[..., None]).mean()))
    assert right[1] > right[0] + 0.05


@pytest.mark.parametrize(
    "batch, size, lengths", [(0, 3, []), (2, 0, [0, 0]), (2, 3, [0, 3])]
)
def test_mwer_of_nothing_is_nothing(batch, size, lengths):
    logits = torch.randn(batch, size, 4, requires_grad=True)
    tokens = torch.zeros(batch, size, dtype=torch.long)
    loss = mwer_loss(logits, tokens, torch.tensor(lengths, dtype=torch.long))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()
