"""Each objective against loops over responses and tokens, value and gradient."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.reasoning.objectives import kl_k3, policy_loss, value_loss
from src.utils.contracts import ContractError
from tests import toy_policy as toy


NORMALISERS = ["sequence", "token", "constant", "sum"]
DTYPES = [torch.bfloat16, torch.float32, torch.float64]
MASK = torch.tensor([[0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1], [0, 1, 0, 0, 0, 0]]).bool()


def weight(normaliser: str, i: int, mask=MASK) -> float:
    """w_i by the papers: of N responses response i has `lengths[i]` tokens."""
    lengths, (count, time) = mask.sum(1).tolist(), mask.shape
    return {
        "sequence": 1 / (count * lengths[i]),
        "token": 1 / sum(lengths),
        "constant": 1 / (count * time),
        "sum": 1 / count,
    }[normaliser]


def clipped_by_loops(logp, old, advantages, clip, normaliser, mask=MASK):
    """The objective, its derivative by each log pi, and the share that is clipped."""
    objective, clipped = 0.0, 0
    slopes = torch.zeros_like(logp)
    for i, t in mask.nonzero().tolist():
        rho, a = math.exp(logp[i, t] - old[i, t]), advantages[i, t].item()
        near = min(max(rho, 1 - clip), 1 + clip)
        objective += weight(normaliser, i, mask) * min(rho * a, near * a)
        if (a > 0 and rho > 1 + clip) or (a < 0 and rho < 1 - clip):
            clipped += 1
        else:
            slopes[i, t] = weight(normaliser, i, mask) * a * rho
    return objective, slopes, clipped / int(mask.sum())


@pytest.fixture(params=[0, 1, 2])
def tokens(request):
    """log pi, log pi_old, A of each token: ratios on both sides of the clip."""
    torch.manual_seed(request.param)
    logp = -torch.rand(MASK.shape, dtype=torch.float64) * 3
    old = logp + 0.5 * torch.randn_like(logp)
    return logp.requires_grad_(), old, torch.randn_like(logp)


@pytest.mark.spec("SEQ-203", "loops over responses and tokens")
@pytest.mark.parity("clipped objective of PPO and GRPO", "loops over the tokens")
@pytest.mark.parametrize("clip", [0.2, 0.5, math.inf])
@pytest.mark.parametrize("normaliser", NORMALISERS)
def test_policy_loss_as_loops_give_it(parity, tokens, clip, normaliser):
    logp, old, advantages = tokens
    options = {"clip": clip, "normaliser": normaliser}
    loss, share = policy_loss(logp, old, advantages, MASK, **options)
    (grad,) = torch.autograd.grad(loss, logp)
    plain = logp.detach(), old, advantages, clip, normaliser
    objective, slopes, clipped = clipped_by_loops(*plain)
    parity.value(loss.item(), -objective, atol=1e-12)
    parity.gradient(grad, -slopes, atol=1e-14)
    assert share.item() == pytest.approx(clipped)
    assert not share.requires_grad and (clip != 0.2 or clipped > 0)


@pytest.mark.spec("SEQ-203", "finite differences on a policy of three tokens")
@pytest.mark.parametrize("normaliser", NORMALISERS)
def test_policy_loss_by_finite_differences(normaliser):
    theta, old = toy.table(0), toy.log_probs(toy.table(0) + 0.3 * toy.table(1))
    advantages, options = toy.rewards(0) - 0.5, {"clip": 0.2, "normaliser": normaliser}

    def plain(theta):
        each = advantages[:, None].expand(toy.MASK.shape)
        given = toy.log_probs(theta), old, each, *options.values(), toy.MASK
        return -clipped_by_loops(*given)[0]

    expected = toy.slope(plain, theta)
    logp = toy.log_probs(theta.requires_grad_())
    loss, share = policy_loss(logp, old, advantages, toy.MASK, **options)
    (grad,) = torch.autograd.grad(loss, theta)
    torch.testing.assert_close(grad, expected, rtol=1e-7, atol=1e-9)
    assert 0.05 < share < 0.95


def test_an_advantage_for_a_response_is_one_for_each_of_its_tokens(tokens):
    logp, old, _ = tokens
    options = {"clip": 0.2, "normaliser": "token"}
    a = torch.tensor([1.0, -2.0, 0.5])
    one = policy_loss(logp, old, a, MASK, **options)
    each = policy_loss(logp, old, a[:, None].expand(MASK.shape), MASK, **options)
    assert one[0] == each[0] and one[1] == each[1]


def gradient_at(rho, advantage, clip):
    logp = torch.tensor([[math.log(rho)]], dtype=torch.float64, requires_grad=True)
    a, mask = torch.tensor([advantage]), torch.ones(1, 1).bool()
    zero = torch.zeros(1, 1, dtype=torch.float64)
    loss, share = policy_loss(logp, zero, a, mask, clip=clip, normaliser="sum")
    loss.backward()
    return logp.grad.item(), share.item()


EDGE = 1e-9


@pytest.mark.spec("SEQ-204", "where the ratio has left the clip range on the side")
@pytest.mark.parametrize("clip", [0.1, 0.2, 0.9])
@pytest.mark.parametrize("advantage", [1.0, -1.0, 2.5, -0.3])
def test_the_zone_without_a_gradient(advantage, clip):
    up, down = 1 + clip, 1 - clip
    inside = [down + EDGE, 1.0, up - EDGE]
    beyond = [up + EDGE, up + 2] if advantage > 0 else [down - EDGE, down / 2]
    back = [down - EDGE, down / 2] if advantage > 0 else [up + EDGE, up + 2]
    for rho in beyond:
        assert gradient_at(rho, advantage, clip) == (0.0, 1.0)
    for rho in inside + back:
        grad, share = gradient_at(rho, advantage, clip)
        assert grad == pytest.approx(-advantage * rho) and share == 0


@pytest.mark.spec("SEQ-204", "has REINFORCE's gradient whatever the clip")
@pytest.mark.parametrize("clip", [1e-3, 0.2, math.inf])
@pytest.mark.parametrize("normaliser", NORMALISERS)
def test_on_policy_it_is_reinforce(tokens, clip, normaliser):
    logp, _, advantages = tokens
    options = {"clip": clip, "normaliser": normaliser}
    loss, share = policy_loss(logp, logp.detach(), advantages, MASK, **options)
    (grad,) = torch.autograd.grad(loss, logp)
    w = torch.tensor([weight(normaliser, i) for i in range(len(MASK))]).double()
    reinforce = -(w[:, None] * advantages * logp).where(MASK, 0).sum()
    torch.testing.assert_close(grad, torch.autograd.grad(reinforce, logp)[0])
    assert share == 0


LOSSES = {
    **{
        f"policy, {name}": partial(policy_loss, clip=0.2, normaliser=name)
        for name in NORMALISERS
    },
    "k3": lambda a, b, c, mask: (kl_k3(a, b, mask),),
    "value": lambda a, b, c, mask: (value_loss(a, b, c, mask, 0.2),),
}


@pytest.mark.spec("SEQ-205", "even if it is NaN or infinite")
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_what_is_not_scored_changes_nothing(tokens, loss, bad):
    results = []
    for fill in (0.0, bad):
        a, b, c = (x.detach().where(MASK, fill) for x in tokens)
        out = loss(a.requires_grad_(), b, c, MASK)
        results.append([*out, *torch.autograd.grad(out[0], a)])
    for clean, spoilt in zip(*results, strict=True):
        assert torch.equal(clean, spoilt)
    assert torch.equal(results[1][-1] != 0, (results[1][-1] != 0) & MASK)


def test_a_response_that_is_not_scored_may_have_any_advantage(tokens):
    logp, old, _ = tokens
    mask = MASK & torch.tensor([[True], [False], [True]])
    options = {"clip": 0.2, "normaliser": "sum"}
    a = torch.tensor([1.0, math.nan, 2.0])
    loss, _ = policy_loss(logp, old, a, mask, **options)
    loss.backward()
    assert loss.isfinite() and torch.equal(logp.grad != 0, mask & (logp.grad != 0))


@pytest.mark.spec("SEQ-205", "No gradient goes into")
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_only_the_policy_or_the_critic_learns(tokens, loss):
    a, b, c = (x.detach().requires_grad_() for x in tokens)
    loss(a, b, c, MASK)[0].backward()
    assert a.grad.abs().sum() > 0 and b.grad is None and c.grad is None


@pytest.mark.spec("SEQ-205", "the dtype is kept")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_dtypes_are_kept(tokens, loss, dtype):
    a, b, c = (x.detach().to(dtype) for x in tokens)
    out = loss(a.requires_grad_(), b, c, MASK)
    out[0].backward()
    assert {x.dtype for x in out} | {a.grad.dtype} == {dtype}
    exact = loss(*(x.detach().double() for x in (a, b, c)), MASK)
    assert out[0].item() == pytest.approx(exact[0].item(), rel=0.05, abs=0.02)


def test_advantages_may_be_more_precise_than_the_policy(tokens):
    logp, old, a = tokens
    options = {"clip": 0.2, "normaliser": "token"}
    loss, _ = policy_loss(logp.float(), old.float(), a, MASK, **options)
    assert loss.dtype is torch.float32


@pytest.mark.parametrize("shape", [(0, 4), (2, 0), (2, 4)])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_nothing_scored(loss, shape):
    a, mask = torch.randn(shape, requires_grad=True), torch.zeros(shape).bool()
    out = loss(a, torch.randn(shape), torch.randn(shape), mask)
    out[0].backward()
    assert out[0] == 0 and torch.equal(a.grad, torch.zeros(shape))


@pytest.mark.parametrize("clip", [0.0, -0.2, math.nan])
def test_a_clip_that_is_none(tokens, clip):
    with pytest.raises(ValueError, match=rf"^clip = {clip}: must be above 0$"):
        policy_loss(*tokens, MASK, clip=clip, normaliser="sum")
    with pytest.raises(ValueError, match=rf"^clip = {clip}: must be above 0$"):
        value_loss(*tokens, MASK, clip)


def test_an_unknown_normaliser(tokens):
    with pytest.raises(ContractError, match="got a wrong `normaliser`"):
        policy_loss(*tokens, MASK, clip=0.2, normaliser="mean")


@pytest.mark.spec("SEQ-206", "never negative and 0 where both are equal")
@given(
    st.floats(-30, 0, width=32),
    st.floats(-30, 0, width=32) | st.floats(-1 / 1024, 1 / 1024, width=32),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_k3_is_never_negative(logp, other, dtype):
    mask = torch.ones(1, 1).bool()
    logp = torch.tensor([[logp]], dtype=dtype)
    near = (
        logp + other if abs(other) <= 1 / 1024 else torch.tensor([[other]], dtype=dtype)
    )
    assert kl_k3(logp, near, mask) >= 0
    assert kl_k3(logp, logp.clone(), mask) == 0


def test_k3_of_what_is_nearly_equal_is_half_a_square():
    mask, zero = torch.ones(1, 1).bool(), torch.zeros(1, 1)
    for d in torch.linspace(1e-5, 1e-3, 50).tolist():
        for near in (zero + d, zero - d):
            assert kl_k3(zero, near, mask).item() == pytest.approx(d * d / 2, rel=0.02)


@pytest.mark.spec("SEQ-206", "k3 = r - 1 - log r")
def test_k3_as_loops_give_it(tokens):
    logp, reference, _ = tokens
    (grad,) = torch.autograd.grad(kl_k3(logp, reference, MASK), logp)
    logp = logp.detach()
    total, slopes, count = 0.0, torch.zeros_like(logp), int(MASK.sum())
    for i, t in MASK.nonzero().tolist():
        r = math.exp(reference[i, t]) / math.exp(logp[i, t])
        total += (r - 1 - math.log(r)) / count
        slopes[i, t] = (1 - r) / count
    assert kl_k3(logp, reference, MASK).item() == pytest.approx(total, rel=1e-12)
    torch.testing.assert_close(grad, slopes)


@pytest.mark.spec("SEQ-206", "over all responses is the exact KL")
def test_the_expectation_of_k3_is_the_kl():
    policy, reference = toy.table(0), toy.table(1)
    logp, ref = toy.log_probs(policy), toy.log_probs(reference)
    pi = toy.chances(policy)
    exact = (pi * (pi / toy.chances(reference)).log()).sum()
    sums = [
        kl_k3(logp[i][None], ref[i][None], toy.MASK[i][None]) * toy.LENGTHS[i]
        for i in range(len(pi))
    ]
    assert (pi @ torch.stack(sums)).item() == pytest.approx(exact.item(), rel=1e-12)


@pytest.mark.spec("SEQ-206", "its gradient is that of KL(reference || policy)")
def test_the_gradient_of_k3_is_that_of_the_other_kl():
    logits = torch.tensor([0.3, -1.0, 0.8], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    logp, mask = logits.log_softmax(0), torch.ones(1, 1).bool()
    p = logp.exp().detach()
    k3 = [kl_k3(logp[None, None, i], q.log()[None, None, i], mask) for i in range(3)]
    (grad,) = torch.autograd.grad(p @ torch.stack(k3), logits, retain_graph=True)
    forward = (q * (q.log() - logp)).sum()
    backward = (logp.exp() * (logp - q.log())).sum()
    grads = [torch.autograd.grad(kl, logits, retain_graph=True)[0] for kl in (
        forward, backward
    )]  # fmt: skip
    torch.testing.assert_close(grad, grads[0])
    assert not torch.allclose(grad, grads[1], rtol=0.1)


@pytest.mark.spec("SEQ-207", "the larger of the squares with and without clip")
@pytest.mark.parametrize("clip", [0.2, 0.7, math.inf])
def test_value_loss_as_loops_give_it(tokens, clip):
    values, old, targets = tokens
    loss = value_loss(values, old, targets, MASK, clip)
    (grad,) = torch.autograd.grad(loss, values)
    total, slopes, count = 0.0, torch.zeros_like(values), int(MASK.sum())
    for i, t in MASK.nonzero().tolist():
        v, v_old, target = (x[i, t].item() for x in (values, old, targets))
        near = v_old + min(max(v - v_old, -clip), clip)
        total += max((v - target) ** 2, (near - target) ** 2) / 2 / count
        if abs(v - v_old) <= clip or (v - target) ** 2 > (near - target) ** 2:
            slopes[i, t] = (v - target) / count
    assert loss.item() == pytest.approx(total, rel=1e-12)
    torch.testing.assert_close(grad, slopes)


def test_value_loss_clips_somewhere(tokens):
    values, old, targets = tokens
    plain = ((values - targets) ** 2).where(MASK, 0).sum() / MASK.sum() / 2
    torch.testing.assert_close(value_loss(values, old, targets, MASK, math.inf), plain)
    assert value_loss(values, old, targets, MASK, 0.2) > plain
