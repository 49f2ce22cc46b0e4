"""How likely each written token was, beside one row and one token at a time."""

import pytest
import torch

from src.models import ModelConfig, build_model
from src.reasoning.rollouts import Rollouts, distinct, log_probs, roll_out
from tests.test_rollouts import (
    COUNT,
    EVERY,
    GROUP,
    LENGTHS,
    PAD,
    TIME,
    TOKENIZER,
    Counted,
    build,
    numbers,
    prompts,
)
from tests.tiny_models import TinyRNN


def drawn(model, count: int = COUNT) -> Rollouts:
    """With lines that come twice."""
    uniform = numbers(count=count)
    uniform[:, 1] = uniform[:, 0]
    return roll_out(model, prompts(), LENGTHS, uniform, TOKENIZER)


def reference(model, rollouts):
    """Token by token; (row, place) -> log-probability and entropy."""
    found = {}
    for row, place in rollouts.scored.nonzero().tolist():
        tokens = rollouts.tokens[row]
        logits = model(tokens[None, :place])[0][0, -1]
        shares = torch.distributions.Categorical(logits=logits)
        found[row, place] = shares.log_prob(tokens[place]), shares.entropy()
    return found


@pytest.mark.spec("SEQ-196", "what one token after another gives")
@EVERY
def test_values_and_gradient_are_those_of_one_token_after_another(name):
    model = build(name).eval()
    rollouts = drawn(model)
    weight = torch.randn(rollouts.tokens.shape, dtype=torch.float64)
    logp, entropy = log_probs(model, rollouts)
    (weight * logp).sum().backward()
    gradients = [p.grad for p in model.parameters()]
    model.zero_grad()

    expected = reference(model, rollouts)
    sum(weight[at] * own for at, (own, _) in expected.items()).backward()
    for at, (own, spread) in expected.items():
        torch.testing.assert_close(logp[at], own, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(entropy[at], spread, rtol=1e-9, atol=1e-12)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-9, atol=1e-12)
    assert len(expected) == rollouts.scored.sum() > 4 * GROUP


@pytest.mark.spec("SEQ-196", "0 where nothing is scored")
def test_nothing_stands_where_nothing_is_scored():
    model = build("gpt_2025")
    rollouts = drawn(model)
    logp, entropy = log_probs(model, rollouts)
    assert logp.shape == entropy.shape == rollouts.tokens.shape
    assert (logp[~rollouts.scored] == 0).all()
    assert (entropy[~rollouts.scored] == 0).all()
    assert (logp[rollouts.scored] < 0).all() and (entropy[rollouts.scored] > 0).all()
    assert logp.requires_grad and not entropy.requires_grad


def test_only_the_tokens_that_are_scored_matter():
    model = build("lstm")
    rollouts = drawn(model)
    logp, _ = log_probs(model, rollouts)
    behind = rollouts.tokens == PAD
    behind &= ~rollouts.scored
    other = rollouts._replace(tokens=rollouts.tokens.masked_fill(behind, 3))
    assert torch.equal(logp, log_probs(model, other)[0])
    some = rollouts.scored & (torch.arange(TIME + COUNT) % 2 == 0)
    less, _ = log_probs(model, rollouts._replace(scored=some))
    torch.testing.assert_close(less, logp * some)


@pytest.mark.spec("SEQ-196", "Equal lines are computed once, up to the last token")
def test_each_line_is_read_once_and_no_further_than_it_is_scored():
    model = Counted(13)
    rollouts = drawn(model)
    assert not rollouts.scored[:, -1].all()
    model.shapes.clear()
    cut = rollouts._replace(scored=rollouts.scored.clone())
    cut.scored[:, -2:] = False
    log_probs(model, cut)
    lines = {
        tuple(torch.cat((tokens, scored)).tolist())
        for tokens, scored in zip(cut.tokens, cut.scored, strict=True)
    }
    assert model.shapes == [(len(lines), TIME + COUNT - 3)]
    assert len(lines) < len(cut.tokens)


def test_equal_tokens_scored_at_other_places_are_two_lines():
    tokens = torch.tensor([[1, 2, 3, 4]] * 3)
    scored = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1]]).bool()
    rollouts = Rollouts(tokens, scored, [], torch.ones(3).bool())
    lines, places, row = distinct(rollouts)
    assert len(lines) == 2
    assert torch.equal(lines[row], tokens) and torch.equal(places[row], scored)
    logp, _ = log_probs(TinyRNN(13), rollouts)
    assert torch.equal(logp != 0, scored)


def test_the_first_token_of_a_line_cannot_be_scored():
    ones = torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match="first token of a line is scored"):
        log_probs(TinyRNN(13), Rollouts(ones.long(), ones, [], ones[:, 0]))


def test_what_is_drawn_is_what_is_scored():
    """Of many draws each token comes as often as its log-probability says."""
    model = build("lstm")
    uniform = torch.rand(1, 4000, 2, dtype=torch.float64)
    rollouts = roll_out(model, prompts()[:1], LENGTHS[:1], uniform, TOKENIZER)
    logp, entropy = log_probs(model, rollouts)
    mean = -logp.sum(1).mean()
    torch.testing.assert_close(mean, entropy.sum(1).mean(), rtol=0.03, atol=0)


@pytest.mark.parametrize("count", [0, 1])
def test_few_tokens(count):
    model = build("gpt_2025")
    rollouts = drawn(model, count)
    logp, _ = log_probs(model, rollouts)
    logp.sum().backward()
    assert (logp != 0).sum() == 4 * GROUP * count


def test_a_model_in_training_gives_the_gradient_of_its_dropout():
    model = build_model(ModelConfig("lstm", hidden=16, dropout=0.5), 13, 12)
    rollouts = drawn(model.eval())
    first, _ = log_probs(model, rollouts)
    assert torch.equal(first, log_probs(model, rollouts)[0])
    assert not torch.equal(first, log_probs(model.train(), rollouts)[0])
