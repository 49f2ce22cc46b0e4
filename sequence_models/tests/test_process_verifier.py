"""The step verifier: what it sees, what it learns, how it is measured."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from src.data.toy_tasks import SPECIALS
from src.models.decoder import Decoder
from src.reasoning.actor_critic import ActorCritic
from src.reasoning.problems import create_dataset
from src.reasoning.process_verifier import (
    auc,
    fit,
    judge,
    last_of,
    step_features,
    step_marks,
    train_verifier,
    within,
)
from src.reasoning.rollouts import Rollouts
from src.tokenizers import CharTokenizer, WordTokenizer
from src.utils.errors import InputError
from tests.tiny_models import TinyRNN


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Decoder(12, 10, d_model=8, layers=2, heads=2).eval()


def rollouts_of(count=40, time=9, seed=0):
    """Random lines: a prompt of three, EOS (11) somewhere, 1 marks a step."""
    source = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, 11, (count, time), generator=source)
    lengths = torch.randint(5, time + 1, (count,), generator=source)
    place = torch.arange(time)
    tokens[place == lengths[:, None] - 1] = 11
    scored = (place >= 3) & (place < lengths[:, None])
    return Rollouts(tokens * (place < lengths[:, None]), scored, [], lengths > 0)


@pytest.mark.spec("SEQ-213", "equal ones half")
@pytest.mark.parametrize("grid", [3, 1000])
def test_auc_is_that_of_sklearn(grid):
    draw = np.random.default_rng(grid)
    labels = draw.random(300) < 0.3
    scores = np.round(draw.random(300) + 0.4 * labels, 6) * grid // 1
    found = auc(torch.from_numpy(scores), torch.from_numpy(labels))
    assert found == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_auc_is_nan_without_both_labels():
    assert np.isnan(auc(torch.ones(3), torch.ones(3).bool()))
    assert np.isnan(auc(torch.ones(3), torch.zeros(3).bool()))
    assert auc(torch.tensor([1.0, 2.0]), torch.tensor([False, True])) == 1


@pytest.mark.spec("SEQ-212", "learns a rule of the features")
def test_a_rule_that_is_not_linear_is_learnt_and_the_scale_does_not_matter():
    x = torch.randn(3000, 6, generator=torch.Generator().manual_seed(0))
    labels = x[:, 0] * x[:, 1] > 0
    x = x * torch.tensor([100.0, 0.01, 1, 1, 1, 1]) + 50
    verifier = fit(x[:2000], labels[:2000], 0)
    with torch.no_grad():
        assert auc(verifier(x[2000:]), labels[2000:]) > 0.95


@pytest.mark.spec("SEQ-212", "The same seed gives the same verifier")
def test_learning_depends_on_the_seed_alone():
    x, labels = torch.randn(100, 3), torch.rand(100) < 0.5
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = fit(x, labels, 0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(fit(x, labels, 0)(x), first(x))
    assert not torch.equal(fit(x, labels, 1)(x), first(x))


@pytest.mark.spec("SEQ-212", "of one label alone says always the same")
@pytest.mark.parametrize("label", [True, False])
def test_nothing_is_made_up_from_one_label(label):
    x = torch.randn(50, 3)
    chance = fit(x, torch.full((50,), label), 0)(10 * x).sigmoid()
    assert chance.unique().numel() == 1 and bool(chance[0] > 0.5) is label


@pytest.mark.spec("SEQ-212", "the features and log-probabilities at the end of a step")
def test_what_is_seen_at_the_end_of_a_step(model):
    rollouts = rollouts_of(4)
    ends = last_of(rollouts.scored)
    x = step_features(model, rollouts.tokens, rollouts.scored, ends)
    with torch.no_grad():
        hidden, _ = model.features(rollouts.tokens)
        logits, _ = model(rollouts.tokens)
    for row in range(4):
        places = rollouts.scored[row].nonzero()[:, 0].tolist()
        own = [
            logits[row, place - 1].log_softmax(0)[rollouts.tokens[row, place]].item()
            for place in places
        ]
        assert torch.allclose(x[row, :8], hidden[row, places[-1]])
        assert x[row, 8].item() == pytest.approx(sum(own), abs=1e-4)
        assert x[row, 9].item() == pytest.approx(min(own), abs=1e-5)


@pytest.mark.spec("SEQ-212", "that does not show its features is refused")
def test_which_models_show_their_features(model):
    rollouts = rollouts_of(3)
    given = rollouts.tokens, rollouts.scored, last_of(rollouts.scored)
    critic = ActorCritic(model)
    assert torch.equal(step_features(critic, *given), step_features(model, *given))
    with pytest.raises(InputError, match="model.name gpt_"):
        step_features(TinyRNN(12), *given)


def test_a_line_is_judged_as_if_alone_up_to_its_last_scored_token(model):
    rollouts = rollouts_of(12)
    tokens, scored = rollouts.tokens, rollouts.scored & (rollouts.tokens != 11)
    tokens, scored = torch.cat((tokens, tokens[:5])), torch.cat((scored, scored[:5]))
    scored[3] = False
    x = step_features(model, tokens, scored, last_of(scored))
    verifier = fit(x, torch.arange(len(x)) % 2 == 0, 0)
    found = judge(verifier, model, tokens, scored)
    assert found[3] == 0 and torch.equal(found[12:15], found[:3])
    for row in (0, 5, 11):
        end = int(scored[row].nonzero().max()) + 1
        alone = judge(verifier, model, tokens[row, None, :end], scored[row, None, :end])
        assert alone.item() == pytest.approx(found[row].item(), abs=1e-5)


def test_the_last_token_of_a_full_context_is_not_looked_at(model):
    tokens = torch.randint(1, 11, (2, 11))  # the model reads ten
    scored = torch.ones_like(tokens, dtype=torch.bool)
    assert within(model, scored).sum(1).tolist() == [10, 10]
    x = step_features(model, tokens[:, :10], scored[:, :10], last_of(scored[:, :10]))
    verifier = fit(x, torch.tensor([True, False]), 0)
    cut = judge(verifier, model, tokens[:, :10], scored[:, :10])
    assert torch.allclose(judge(verifier, model, tokens, scored), cut)


@pytest.mark.spec("SEQ-212", "kept from it")
def test_what_is_kept_to_measure_is_not_learnt_from(model):
    rollouts, groups = rollouts_of(60), torch.arange(60) // 3
    right = torch.rand(60, generator=torch.Generator().manual_seed(1)) < 0.5
    kept = groups % 5 == 4
    first = train_verifier(model, rollouts, right, groups, {1}, 11, 0)
    second = train_verifier(model, rollouts, right ^ kept, groups, {1}, 11, 0)
    for a, b in zip(
        first.verifier.state_dict().values(),
        second.verifier.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b)
    assert first.auc == pytest.approx(1 - second.auc)
    inside = rollouts.scored & (rollouts.tokens != 11)
    marks = inside & (rollouts.tokens == 1) & ~last_of(inside)
    assert first.steps == int((marks.sum(1) + 1)[~kept].sum())
    assert first.right == pytest.approx(right.double().mean().item())


def test_the_marks_between_steps_are_those_of_the_worked_responses():
    wanted = {
        "addition": ",=",
        "multiplication": ",=;",
        "sorting": ",",
        "comparisons": ",=",
        "graph": ",=",
    }
    for name, marks in wanted.items():
        options = {"by": 2} if name == "multiplication" else {}
        problems = create_dataset(name, 9, 0, **options)
        tokenizer = CharTokenizer(problems.words, SPECIALS)
        assert step_marks(problems, tokenizer) == set(tokenizer.encode(marks)), name
    problems = create_dataset("countdown", 9, 0, retries=1.0)
    tokenizer = WordTokenizer(problems.words, SPECIALS)
    assert step_marks(problems, tokenizer) == set(tokenizer.encode(", ?"))
