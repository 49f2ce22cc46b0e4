"""One step of reinforcement, and the exam, against what a person would write down."""

import copy
import itertools
import math
from dataclasses import replace

import pytest
import torch
from torch.nn.parallel import DistributedDataParallel

from src.data.config import DataConfig
from src.losses import LossConfig
from src.models import ModelConfig
from src.reasoning import rewards
from src.reasoning.config import ProblemsConfig, ReasonConfig
from src.reasoning.problems.addition import Addition
from src.training.optim import OptimConfig
from src.training.task import Config, build
from src.utils.config import load_config
from src.utils.errors import InputError
from tests import tiny_reason


def setup_of(**changes):
    """A tiny model in float64, its task and a batch of questions."""
    sizes = ProblemsConfig(options={"digits": 1.0}, n_train=20, n_val=6, n_test=6)
    reason = ReasonConfig(
        problems=sizes,
        **{"demonstrations": 4, "warm_up": 1, "group": 4, "samples": 5} | changes,
    )
    config = Config(
        task="reason",
        data=DataConfig(name="problems", block=12, batch_size=3, samples=6),
        model=ModelConfig(name="gpt_2020", d_model=8, layers=1, heads=2),
        reason=reason,
        loss=LossConfig(),
        optim=OptimConfig(lr=0.01),
    )
    config = replace(config, train=replace(config.train, monitor="pass@1", mode="max"))
    torch.manual_seed(0)
    setup = build(config)
    setup.model.double()
    for weight in setup.model.parameters():  # so that tokens differ in probability
        weight.data += 0.5 * torch.randn_like(weight)
    return setup


@pytest.fixture(autouse=True)
def pleased(monkeypatch):
    """A verifier to which a model that knows nothing is often right."""
    monkeypatch.setattr(Addition, "read_answer", lambda self, text: text[:3] or None)
    monkeypatch.setattr(
        Addition, "score_answer", lambda self, a, entry: float(len(set(a or "")) % 2)
    )
    monkeypatch.setattr(rewards, "_told", set())


def questions(setup):
    return setup.datasets["train"].__getitems__([(1, 0), (1, 1), (1, 2)])


def drawn_by_hand(setup, batch):
    """Rows (line, index of the first answer token, reward), token by token."""
    task, specials, rows = setup.task, setup.opened.tokenizer.specials, []
    for prompt, length, group in zip(
        batch["prompt"], batch["lengths"], batch["uniform"], strict=True
    ):
        for numbers in group.tolist():
            line = prompt[: int(length)].tolist()
            for number in numbers:
                with torch.no_grad():
                    logits, _ = setup.model.eval()(torch.tensor([line]))
                shares = itertools.accumulate(logits[0, -1].softmax(0).tolist())
                line.append(next(i for i, c in enumerate(shares) if number < c))
                if line[-1] == specials["<|eos|>"]:
                    break
            whole = line[-1] == specials["<|eos|>"]
            names = {number: name for name, number in specials.items()}
            words = [
                names.get(i) or task.tokenizer.decode([i])
                for i in line[int(length) : len(line) - whole]
            ]
            answer = "".join(words)[:3]
            reward = float(len(set(answer)) % 2) if whole and answer else 0.0
            rows.append((line, int(length), reward))
    setup.model.train()
    return rows


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def advantages_by_hand(algorithm, rewards):
    """Of one group; `reinforce` is of all."""
    centre = mean(rewards)
    gaps = [r - centre for r in rewards]
    if algorithm == "rloo":
        n = len(rewards)
        return [r - (sum(rewards) - r) / (n - 1) for r in rewards]
    if algorithm == "grpo":
        spread = math.sqrt(sum(gap**2 for gap in gaps) / (len(gaps) - 1))
        return [gap / spread if spread else 0.0 for gap in gaps]
    return gaps


@pytest.mark.spec("SEQ-233", "the gradient of its algorithm's formula")
@pytest.mark.parametrize("algorithm", ["reinforce", "rloo", "grpo", "dr_grpo"])
def test_a_step_by_hand(algorithm):
    setup = setup_of(algorithm=algorithm)
    batch = questions(setup)
    rows = drawn_by_hand(setup, batch)
    reward = [r for _, _, r in rows]
    if algorithm == "reinforce":
        advantages = advantages_by_hand(algorithm, reward)
    else:
        groups = [reward[i : i + 4] for i in range(0, 12, 4)]
        advantages = sum((advantages_by_hand(algorithm, g) for g in groups), [])
    assert 0 < sum(reward) < 12 and any(advantages)
    time, total = batch["prompt"].shape[1] + batch["uniform"].shape[2], 0.0
    for (line, first, _), advantage in zip(rows, advantages, strict=True):
        logits, _ = setup.model(torch.tensor([line[:-1]]))
        logp = logits[0].log_softmax(1)[range(len(line) - 1), line[1:]][first - 1 :]
        weight = {
            "reinforce": 1, "rloo": 1, "grpo": 1 / len(logp), "dr_grpo": 1 / time,
        }[algorithm]  # fmt: skip
        total = total - weight * advantage * logp.sum() / len(rows)
    theirs = torch.autograd.grad(total, list(setup.model.parameters()))
    loss = setup.task.loss(setup.model, batch, 0.0)
    ours = torch.autograd.grad(loss, list(setup.model.parameters()))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-6, atol=1e-8)  # rewards: float32
    log = setup.task.read_log()
    assert log["reward"] == log["correct"] == pytest.approx(mean(reward))
    assert log["length"] == pytest.approx(mean(len(x) - n for x, n, _ in rows))
    wrong = [len(line) - first for line, first, earned in rows if earned < 1]
    assert log["wrong_length"] == pytest.approx(mean(wrong))
    equal = [len(set(reward[i : i + 4])) == 1 for i in range(0, 12, 4)]
    assert log["zero_variance"] == pytest.approx(mean(equal))
    assert log["clipped"] == 0 and log["verifier_errors"] == 0
    assert setup.task.read_log() == {}


@pytest.mark.spec("SEQ-233", "the gradient of its algorithm's formula")
def test_a_step_of_ppo_by_hand():
    setup = setup_of(algorithm="ppo")
    torch.nn.init.normal_(setup.model.value.weight)
    batch = questions(setup)
    rows, policy, critic = drawn_by_hand(setup, batch), 0.0, 0.0
    for line, first, reward in rows:
        logits, values = setup.model(torch.tensor([line[:-1]]), values=True)
        own = slice(first - 1, None)  # the states in which the answer was drawn
        logp = logits[0].log_softmax(1)[range(len(line) - 1), line[1:]][own]
        values, advantage, later = values[0][own], 0.0, 0.0
        for t in reversed(range(len(values))):
            value = values[t].item()
            delta = later - value if t + 1 < len(values) else reward - value
            advantage, later = delta + 0.95 * advantage, value
            policy = policy - advantage * logp[t]
            critic = critic + (values[t] - (advantage + value)) ** 2 / 2
    count = sum(len(line) - first for line, first, _ in rows)
    weights = list(setup.model.parameters())
    theirs = torch.autograd.grad((policy + 0.5 * critic) / count, weights)
    ours = torch.autograd.grad(setup.task.loss(setup.model, batch, 0.0), weights)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-6, atol=1e-8)  # rewards: float32


@pytest.mark.spec("SEQ-233", "the gradient of its algorithm's formula")
def test_the_distance_to_the_reference_is_weighted():
    losses, moved = [], None
    for kl in (0.0, 0.5):
        setup = setup_of(kl=kl, updates=2)
        batch = questions(setup)
        setup.task.loss(setup.model, batch, 0.0)
        with torch.no_grad():
            setup.model.embedding.weight.add_(0.1)
        losses.append(setup.task.loss(setup.model, batch, 0.0).item())
        moved = setup.task.read_log().get("kl")
    assert moved > 0  # the mean of 0 and of that after the move
    assert losses[1] - losses[0] == pytest.approx(0.5 * 2 * moved)


@pytest.mark.spec("SEQ-232", "Each algorithm makes the answers")
@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "reinforce"},
        {"algorithm": "rloo"},
        {"algorithm": "grpo"},
        {"algorithm": "dr_grpo"},
        {"algorithm": "ppo", "updates": 2},
        {"algorithm": "grpo", "updates": 3, "kl": 0.01},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_rewarded_answers_become_likelier(changes):
    setup = setup_of(group=16, **changes)
    optimizer = torch.optim.Adam(setup.model.parameters(), 0.02)
    earned = []
    for step in range(60 if changes["algorithm"] == "ppo" else 30):
        keys = [(1 + step, i) for i in range(3)]
        batch = setup.datasets["train"].__getitems__(keys)
        setup.task.loss(setup.model, batch, 0.0).backward()
        optimizer.step()
        optimizer.zero_grad()
        earned.append(setup.task.read_log().get("reward"))
    earned = [value for value in earned if value is not None]
    assert mean(earned[:3]) < 0.6 and mean(earned[-3:]) > 0.9


def test_updates_reuse_the_answers_and_clip():
    setup = setup_of(updates=3, group=16)
    first = questions(setup)
    losses = []
    optimizer = torch.optim.SGD(setup.model.parameters(), 2.0)
    other = setup.datasets["train"].__getitems__([(9, 0), (9, 1), (9, 2)])
    for batch in (first, other, other):  # questions of the second and third: not asked
        losses.append(setup.task.loss(setup.model, batch, 0.0))
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    log = setup.task.read_log()
    assert log["clipped"] > 0
    asked = setup.task.carried["drawn"]["tokens"][::16, :5]
    assert torch.equal(asked, first["prompt"][:, :5])
    setup.task.loss(setup.model, other, 0.0)
    asked = setup.task.carried["drawn"]["tokens"][::16, :5]
    assert torch.equal(asked, other["prompt"][:, :5])


def test_updates_need_a_step_for_each_batch():
    overrides = (*tiny_reason.TINY, "reason.updates=2", "train.accumulate=2")
    config = load_config(Config, tiny_reason.CONFIG, overrides)
    with pytest.raises(InputError, match="updates = 2: .* train.accumulate must be 1"):
        build(config)


def test_the_reference_is_the_model_before_the_first_step():
    setup = setup_of(kl=1.0)
    before = copy.deepcopy(setup.model.state_dict())
    setup.task.loss(setup.model, questions(setup), 0.0)
    assert setup.task.read_log()["kl"] == pytest.approx(0, abs=1e-15)
    with torch.no_grad():
        setup.model.embedding.weight.add_(0.3)
    setup.task.loss(setup.model, questions(setup), 0.0)
    assert setup.task.read_log()["kl"] > 0
    kept = setup.task.carried["reference"]
    assert all(torch.equal(kept[name], before[name]) for name in before)


@pytest.mark.spec("SEQ-234", "as counting them one by one does")
@pytest.mark.parametrize("split", ["val", "test"])
def test_the_exam_counts(split):
    setup = setup_of()
    exam, problems = setup.datasets[split], setup.opened.problems[split]
    batches = [
        exam.__getitems__([(0, i) for i in part]) for part in ((0, 1, 2, 3), (4, 5))
    ]
    sums = {}
    for batch in batches:
        for name, value in setup.task.evaluate(setup.model, batch).items():
            sums[name] = sums.get(name, 0) + value
    metrics = setup.task.metrics(sums)
    assert list(metrics) == setup.task.names
    passed, votes, greedy, lengths, whole = [], [], [], [], []
    for batch in batches:
        rows = drawn_by_hand(setup, batch)
        for at in range(0, len(rows), 5):
            group = rows[at : at + 5]
            passed.append(sum(r for _, _, r in group))
            lengths += [len(line) - first for line, first, _ in group]
            said = [_answer(setup, line, first) for line, first, _ in group]
            whole += [one is not None for one in said]
            counted = [one for one in said if one is not None]
            best = max(counted, key=counted.count) if counted else None
            votes.append(float(len(set(best or "")) % 2))
        flat = batch | {"uniform": torch.zeros_like(batch["uniform"][:, :1])}
        greedy += [
            _greedy(setup, p, n)
            for p, n in zip(*(flat[x] for x in ("prompt", "lengths")), strict=True)
        ]
    assert metrics["pass@1"] == pytest.approx(mean(c / 5 for c in passed))
    by_hand = mean(1 - math.comb(5 - int(c), 4) / 5 for c in passed)
    assert metrics["pass@4"] == pytest.approx(by_hand)
    assert metrics["length"] == pytest.approx(mean(lengths))
    assert metrics["format"] == pytest.approx(mean(whole))
    assert metrics["vote@5"] == pytest.approx(mean(votes))
    assert metrics["greedy"] == pytest.approx(mean(greedy))
    assert len(problems) == 6 and 0 < metrics["pass@1"] < 1


def _answer(setup, line, first):
    """What a person reads in a line: its first three letters, None if it is cut."""
    specials = setup.opened.tokenizer.specials
    if line[-1] != specials["<|eos|>"]:
        return None
    names = {number: name for name, number in specials.items()}
    words = [names.get(i) or setup.task.tokenizer.decode([i]) for i in line[first:-1]]
    return "".join(words)[:3] or None


def _greedy(setup, prompt, length):
    line = prompt[: int(length)].tolist()
    longest = setup.datasets["val"].count
    while len(line) < int(length) + longest:
        with torch.no_grad():
            line.append(
                int(setup.model.eval()(torch.tensor([line]))[0][0, -1].argmax())
            )
        if line[-1] == setup.opened.tokenizer.specials["<|eos|>"]:
            break
    return float(len(set(_answer(setup, line, int(length)) or "")) % 2)


@pytest.mark.spec("SEQ-236", "the run goes on")
def test_a_verifier_that_raises_costs_the_reward(monkeypatch, caplog):
    setup = setup_of()

    def raising(self, answer, entry):
        raise RuntimeError("no such number")

    monkeypatch.setattr(Addition, "score_answer", raising)
    batch = questions(setup)
    loss = setup.task.loss(setup.model, batch, 0.0)
    loss.backward()
    log = setup.task.read_log()
    assert log["reward"] == 0 and 0 < log["verifier_errors"] <= 12
    assert loss.item() == 0
    assert caplog.text.count("no such number") == 1


def test_ddp_generates_with_the_policy_inside(monkeypatch):
    setup = setup_of()
    batch = questions(setup)
    alone = setup.task.loss(setup.model, batch, 0.0)
    wrapped = torch.nn.Module.__new__(DistributedDataParallel)
    torch.nn.Module.__init__(wrapped)
    wrapped.module = setup.model
    monkeypatch.setattr(
        DistributedDataParallel, "forward", lambda self, *a, **k: self.module(*a, **k)
    )
    assert torch.equal(alone, setup.task.loss(wrapped, batch, 0.0))
