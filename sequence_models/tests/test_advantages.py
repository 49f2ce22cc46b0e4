"""Advantages by hand, by loops, and their expected gradient over all responses."""

import itertools
import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.reasoning.advantages import (
    dr_grpo_advantages,
    gae,
    grpo_advantages,
    reinforce_advantages,
    reward_at_end,
    rloo_advantages,
    zero_variance,
)
from src.reasoning.objectives import policy_loss
from tests import toy_policy as toy


ALL = [
    reinforce_advantages,
    rloo_advantages,
    grpo_advantages,
    dr_grpo_advantages,
]
OF_GROUPS = ALL[1:]
DTYPES = [torch.bfloat16, torch.float32, torch.float64]
REWARD = st.floats(-100, 100, width=32)


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.spec("SEQ-200", "the values of cases computed by hand")
@pytest.mark.parity("group-relative advantages", "cases by hand")
def test_by_hand(parity):
    rewards = tensor([1, 0, 0, 0], [1, 1, 0, 0])
    cases = {
        reinforce_advantages: ([5 / 8] + [-3 / 8] * 3, [5 / 8] * 2 + [-3 / 8] * 2),
        rloo_advantages: ([1] + [-1 / 3] * 3, [2 / 3] * 2 + [-2 / 3] * 2),
        dr_grpo_advantages: ([3 / 4] + [-1 / 4] * 3, [1 / 2] * 2 + [-1 / 2] * 2),
        # std: sqrt((9 + 3) / 16 / 3) = 1/2 and sqrt(4 / 4 / 3) = 1/sqrt(3)
        grpo_advantages: (
            [3 / 2] + [-1 / 2] * 3,
            [3**0.5 / 2] * 2 + [-(3**0.5) / 2] * 2,
        ),
    }
    for advantages, rows in cases.items():
        parity.value(advantages(rewards), tensor(*rows), atol=1e-14)


@pytest.mark.spec("SEQ-200", "the values of cases computed by hand")
@given(st.lists(st.lists(REWARD, min_size=3, max_size=3), min_size=1, max_size=4))
def test_as_loops_over_the_groups_give_them(rows):
    rewards, everything = tensor(*rows), [r for row in rows for r in row]
    for p, row in enumerate(rows):
        for i, r in enumerate(row):
            others = row[:i] + row[i + 1 :]
            std = statistics.stdev(row)
            expected = {
                reinforce_advantages: r - statistics.fmean(everything),
                rloo_advantages: r - statistics.fmean(others),
                dr_grpo_advantages: r - statistics.fmean(row),
            }
            if std > 1e-30:  # whose square is a number
                deviation = r - statistics.fmean(row)
                expected[grpo_advantages] = deviation / std
            for advantages, value in expected.items():
                got = advantages(rewards)[p, i].item()
                assert got == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.spec("SEQ-200", "Equal rewards give exactly 0")
@given(REWARD, st.integers(2, 9), st.sampled_from(DTYPES))
def test_equal_rewards_teach_nothing(reward, group, dtype):
    for value in (reward, 0.1, 1e-30, 3e38):
        rewards = torch.full((2, group), value, dtype=dtype)
        if not rewards.isfinite().all():
            continue
        for advantages in ALL:
            assert torch.equal(advantages(rewards), torch.zeros_like(rewards))


@pytest.mark.spec("SEQ-200", "exactly 0 and so exactly no gradient")
@pytest.mark.parametrize("advantages", ALL)
def test_equal_rewards_have_no_gradient_at_all(advantages):
    logp = torch.randn(6, 4, requires_grad=True)
    got = advantages(torch.full((2, 3), 0.7)).flatten()
    options = {"clip": 0.2, "normaliser": "sequence"}
    loss, _ = policy_loss(logp, torch.randn(6, 4), got, logp < 9, **options)
    loss.backward()
    assert loss.item() == 0 and torch.equal(logp.grad, torch.zeros(6, 4))


@pytest.mark.spec("SEQ-200", "a group of one is refused")
@pytest.mark.parametrize("advantages", ALL)
def test_a_group_of_one(advantages):
    with pytest.raises(ValueError, match="^a group of 1: it needs at least 2 resp"):
        advantages(torch.ones(1, 1))


@pytest.mark.parametrize("advantages", OF_GROUPS)
def test_one_group_does_not_see_another(advantages):
    rewards = torch.rand(5, 4)
    alone = torch.cat([advantages(row[None]) for row in rewards])
    assert torch.equal(advantages(rewards), alone)


def test_reinforce_works_with_one_response_a_prompt():
    torch.testing.assert_close(
        reinforce_advantages(tensor([1], [0], [2])), tensor([0], [-1], [1])
    )


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=6), st.floats(0.1, 100))
def test_grpo_has_no_unit(rewards, unit):
    rewards = tensor(rewards)
    torch.testing.assert_close(
        grpo_advantages(unit * rewards + 7), grpo_advantages(rewards)
    )


@pytest.mark.spec("SEQ-205", "the dtype is kept")
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_are_kept(dtype):
    rewards = torch.rand(2, 3).to(dtype)
    mask = torch.rand(2, 3) < 0.5
    outs = [advantages(rewards) for advantages in ALL]
    outs += [reward_at_end(rewards[:, 0], mask), zero_variance(rewards)]
    outs.append(gae(rewards, rewards, mask, 1.0, 0.9))
    assert {out.dtype for out in outs} == {dtype}


def test_zero_variance_is_a_share_of_groups():
    rewards = tensor([1, 1, 1], [0, 0, 0], [1, 0, 1], [1, 1, 0])
    assert zero_variance(rewards) == 0.5
    assert zero_variance(rewards[2:]) == 0 and zero_variance(rewards[:2]) == 1


def expected_gradient(theta, rewards, advantages, normaliser, group=2):
    """Of the objective (what is maximised) over each choice of `group` responses."""
    theta = theta.clone().requires_grad_()
    logp, pi = toy.log_probs(theta), toy.chances(theta).detach()
    total = torch.zeros((), dtype=theta.dtype)
    for chosen in itertools.product(range(len(pi)), repeat=group):
        rows = list(chosen)
        a = advantages(rewards[rows][None])[0]
        options = {"clip": 0.2, "normaliser": normaliser}
        loss, _ = policy_loss(logp[rows], logp[rows], a, toy.MASK[rows], **options)
        total = total - pi[rows].prod() * loss
    return torch.autograd.grad(total, theta)[0]


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-9)


def cosine(a, b):
    return ((a * b).sum() / (a.norm() * b.norm())).item()


@pytest.fixture(scope="module", params=[0, 1])
def case(request):
    """A policy, the rewards of its responses, and the gradient of the expected one."""
    theta, rewards = toy.table(request.param), toy.rewards(request.param)
    return theta, rewards, toy.true_gradient(theta, rewards)


def test_all_responses_are_enumerated(case):
    assert len(toy.RESPONSES) == 15
    assert toy.chances(case[0]).sum().item() == pytest.approx(1, abs=1e-12)


@pytest.mark.spec("SEQ-201", "with any baseline that does not see the response")
@pytest.mark.parametrize("baseline", [0.0, 0.4, -3.0])
def test_reinforce_has_the_gradient_of_the_expected_reward(case, baseline):
    theta, rewards, exact = case
    close(expected_gradient(theta, rewards - baseline, lambda r: r, "sum", 1), exact)


@pytest.mark.spec("SEQ-201", "RLOO is unbiased")
def test_rloo_over_all_pairs(case):
    theta, rewards, exact = case
    close(expected_gradient(theta, rewards, rloo_advantages, "sum"), exact)


@pytest.mark.spec("SEQ-201", "the mean of the batch as baseline shrinks it by (N-1)/N")
def test_reinforce_with_the_mean_over_all_pairs(case):
    theta, rewards, exact = case
    got = expected_gradient(theta, rewards, reinforce_advantages, "sum")
    close(got, exact / 2)


@pytest.mark.spec("SEQ-201", "Dr. GRPO is RLOO times (G-1)/G")
def test_dr_grpo_is_rloo_made_smaller(case):
    theta, rewards, exact = case
    several = torch.rand(3, 5, dtype=torch.float64)
    close(dr_grpo_advantages(several), rloo_advantages(several) * 4 / 5)
    got = expected_gradient(theta, rewards, dr_grpo_advantages, "constant")
    close(got * toy.LONGEST, exact / 2)


@pytest.mark.spec("SEQ-202", "does not point where the expected reward rises")
@pytest.mark.parametrize(
    ("advantages", "normaliser"),
    [
        (grpo_advantages, "sequence"),
        (grpo_advantages, "sum"),
        (dr_grpo_advantages, "sequence"),
    ],
    ids=["both", "std", "length"],
)
def test_grpo_is_biased_by_length_and_by_std(case, advantages, normaliser):
    theta, rewards, exact = case
    got = expected_gradient(theta, rewards, advantages, normaliser)
    assert 0.5 < cosine(got, exact) < 0.995
    fair = expected_gradient(theta, rewards, dr_grpo_advantages, "constant")
    assert cosine(fair, exact) > 1 - 1e-9


@pytest.mark.spec("SEQ-202", "as if the reward were (R - J) / |o|")
def test_with_a_mean_over_each_response_a_wrong_one_costs_less_if_it_is_long(case):
    """J is the expected reward: what is worse than J is better the longer it is."""
    theta, rewards, _ = case
    expected = toy.chances(theta) @ rewards
    exact = toy.true_gradient(theta, (rewards - expected) / toy.LENGTHS)
    got = expected_gradient(theta, rewards, dr_grpo_advantages, "sequence")
    close(got, exact / 2)


@pytest.mark.spec("SEQ-202", "as if it were the chance to beat another response")
def test_over_the_std_only_the_rank_in_a_pair_counts(case):
    theta, rewards, _ = case
    wins = (rewards[:, None] - rewards).sign() @ toy.chances(theta)
    exact = toy.true_gradient(theta, wins / 2**0.5)
    close(expected_gradient(theta, rewards, grpo_advantages, "sum"), exact)


MASKS = {
    "all": [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]],
    "prompt and padding": [[0, 1, 1, 0, 0], [0, 0, 1, 1, 1]],
    "gaps": [[1, 0, 1, 0, 1], [0, 1, 0, 0, 1]],
    "none": [[0, 0, 0, 0, 0], [0, 0, 0, 1, 0]],
}
UNITS = [(1.0, 0.95), (0.9, 0.5), (1.0, 1.0), (0.9, 0.0), (0.0, 0.7)]


@pytest.fixture
def steps():
    torch.manual_seed(0)
    return torch.randn(2, 5).double(), torch.randn(2, 5).double()


@pytest.mark.spec("SEQ-207", "sum of discounted TD errors")
@pytest.mark.parametrize(("gamma", "lam"), UNITS)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_gae_from_its_definition(steps, mask, gamma, lam):
    rewards, values = steps
    mask = torch.tensor(mask).bool()
    got = gae(rewards, values, mask, gamma, lam)
    for row in range(2):
        places = mask[row].nonzero()[:, 0].tolist()
        v = [values[row, t].item() for t in places] + [0.0]
        delta = [
            rewards[row, t].item() + gamma * v[n + 1] - v[n]
            for n, t in enumerate(places)
        ]
        expected = torch.zeros(5).double()
        for n, t in enumerate(places):
            expected[t] = math.fsum(
                (gamma * lam) ** (m - n) * delta[m] for m in range(n, len(delta))
            )
        torch.testing.assert_close(got[row], expected)


@pytest.mark.spec("SEQ-207", "lambda 1: the return less the value; 0: the TD error")
def test_gae_at_both_ends(steps):
    rewards, values = steps
    mask, gamma = torch.ones(2, 5).bool(), 0.9
    returns, later = torch.zeros(2, 5).double(), 0.0
    for t in reversed(range(5)):
        returns[:, t] = later = rewards[:, t] + gamma * later
    torch.testing.assert_close(gae(rewards, values, mask, gamma, 1.0), returns - values)
    after = torch.cat([values[:, 1:], torch.zeros(2, 1)], 1)
    error = rewards + gamma * after - values
    torch.testing.assert_close(gae(rewards, values, mask, gamma, 0.0), error)


@pytest.mark.spec("SEQ-205", "even if it is NaN or infinite")
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_scored_changes_no_advantage(steps, bad):
    mask = torch.tensor(MASKS["gaps"]).bool()
    spoilt = [x.where(mask, bad) for x in steps]
    assert torch.equal(gae(*spoilt, mask, 0.9, 0.8), gae(*steps, mask, 0.9, 0.8))
    row = reward_at_end(
        torch.tensor([2.0, bad]), mask & torch.tensor([[True], [False]])
    )
    assert row.tolist() == [[0, 0, 0, 0, 2], [0] * 5]


@pytest.mark.spec("SEQ-205", "No gradient goes into")
def test_the_critic_is_data_to_the_policy(steps):
    rewards, values = steps
    values.requires_grad_()
    mask = torch.ones(2, 5).bool()
    assert not gae(rewards, values, mask, 1.0, 0.9).requires_grad


def test_the_reward_stands_at_the_last_token():
    mask = torch.tensor([[0, 1, 1, 0], [1, 0, 1, 1], [0, 0, 0, 0]]).bool()
    got = reward_at_end(torch.tensor([0.5, 2.0, 9.0]), mask)
    assert got.tolist() == [[0, 0, 0.5, 0], [0, 0, 0, 2], [0] * 4]


def test_with_the_reward_at_the_end_and_lambda_one_a_token_has_what_is_missing():
    mask = torch.tensor([[0, 1, 1, 1, 0]]).bool()
    values = tensor([9, 0.2, 0.5, 0.9, 9])
    rewards = reward_at_end(torch.ones(1).double(), mask)
    got = gae(rewards, values, mask, 1.0, 1.0)
    torch.testing.assert_close(got, tensor([0, 0.8, 0.5, 0.1, 0]))


def test_no_tokens_at_all():
    empty = torch.zeros(2, 0)
    assert gae(empty, empty, empty.bool(), 1.0, 0.9).shape == (2, 0)
    assert reward_at_end(torch.ones(2), empty.bool()).shape == (2, 0)
