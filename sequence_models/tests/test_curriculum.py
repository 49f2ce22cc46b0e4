"""What a reasoning run is shown: demonstrations, then questions; exams apart."""

import inspect
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.data.config import DataConfig
from src.data.toy_tasks import split_of
from src.reasoning.config import ProblemsConfig, ReasonConfig
from src.reasoning.opening import open_problems
from src.reasoning.problems import create_dataset
from src.utils.config import from_dict
from src.utils.errors import InputError


def opened(seed=3, **changes):
    keys = {"name", "options", "n_train", "n_val", "n_test"}
    problems = {key: changes.pop(key) for key in keys & changes.keys()}
    sizes = {"n_train": 60, "n_val": 10, "n_test": 10}
    reason = ReasonConfig(
        problems=ProblemsConfig(**sizes | problems),
        **{"demonstrations": 8, "warm_up": 2, "group": 3, "samples": 4} | changes,
    )
    data = DataConfig(name="problems", block=40, batch_size=4, samples=16)
    return open_problems(data, reason, seed, None)


def texts(opened, tokens):
    """Each line up to its EOS, special tokens by name."""
    names = {number: name for name, number in opened.tokenizer.specials.items()}
    lines = []
    for row in tokens.tolist():
        words = [names.get(i) or opened.tokenizer.decode([i]) for i in row]
        lines.append("".join(words).split("<|eos|>")[0])
    return lines


@pytest.mark.spec("SEQ-230", "each demonstration is shown equally often")
def test_demonstrations_are_lines_of_which_the_answer_counts():
    data = opened()
    train, shown = data.datasets["train"], Counter()
    for epoch in (0, 1):
        batch = train.__getitems__([(epoch, i) for i in range(len(train))])
        assert set(batch) == {"tokens", "targets"}
        for line, targets in zip(
            texts(data, batch["tokens"]), batch["targets"], strict=True
        ):
            question, answer = line.removeprefix("<|bos|>").split("<|sep|>")
            scored = targets[targets != -100]
            assert texts(data, scored[None])[0] == answer
            assert scored[-1] == data.tokenizer.specials["<|eos|>"]
            a, b = map(int, question.split("+"))
            assert int(answer.split("=")[1]) == a + b
            shown[question] += 1
    assert len(shown) == 8 and set(shown.values()) == {4}


def test_a_demonstration_stays_as_it_is_unless_they_are_endless():
    few, endless = (
        opened(name="countdown", demonstrations=n, n_train=5) for n in (5, 0)
    )
    for data, same in ((few, True), (endless, False)):
        train = data.datasets["train"]
        first, second = (
            sorted(set(texts(data, train.__getitems__(keys)["tokens"])))
            for keys in ([(0, i) for i in range(16)], [(1, i) for i in range(16)])
        )
        assert (first == second) == same


@pytest.mark.spec("SEQ-230", "No question of `val` or `test`")
@given(st.integers(0, 2**32 - 1), st.sampled_from(["addition", "countdown"]))
@settings(max_examples=10)
def test_no_question_of_an_exam_is_learnt_from(seed, name):
    data = opened(seed, name=name)
    train, learnt = data.datasets["train"], set()
    for problems in (train.demonstrated, train.problems):
        learnt |= {problems.canonical(p["question"]) for p in _all(problems)}
    for split in ("val", "test"):
        exam = {
            train.problems.canonical(p["question"]) for p in _all(data.problems[split])
        }
        assert not exam & learnt
        assert {split_of(question) for question in exam} == {split}


def _all(problems):
    return [problems[i] for i in range(len(problems))]


@pytest.mark.spec("SEQ-231", "without a repeat until all were asked")
def test_questions_go_on_from_epoch_to_epoch():
    train = opened(n_train=60).datasets["train"]
    asked = []
    for epoch in range(2, 2 + 4):
        batch = train.__getitems__([(epoch, i) for i in range(16)])
        asked += batch["entry"].tolist()
    assert asked[:60] == list(range(60)) and asked[60:] == [0, 1, 2, 3]


@pytest.mark.spec("SEQ-231", "belong to (seed, epoch, index) alone")
def test_numbers_do_not_depend_on_the_batch():
    train = opened().datasets["train"]
    whole = train.__getitems__([(5, i) for i in range(16)])
    some = train.__getitems__([(5, 11), (5, 2)])
    for name in ("uniform", "entry", "lengths"):
        assert torch.equal(some[name], whole[name][[11, 2]])
    again = opened().datasets["train"].__getitems__([(5, 11), (5, 2)])
    assert all(torch.equal(some[name], again[name]) for name in some)
    other = opened(seed=4).datasets["train"].__getitems__([(5, 11)])
    later = train.__getitems__([(6, 11)])
    numbers = [x["uniform"][0].flatten() for x in (whole, other, later)]
    assert some["uniform"].shape == (2, 3, train.problems.longest_response + 1)
    assert numbers[0].min() >= 0 and numbers[0].max() < 1
    assert (
        len(torch.stack([whole["uniform"][11].flatten(), *numbers[1:]]).unique()) > 60
    )


def test_exams_have_numbers_of_their_own():
    data = opened()
    val, test = (
        data.datasets[split].__getitems__([(0, 0)]) for split in ("val", "test")
    )
    train = data.datasets["train"].__getitems__([(2, 0)])
    groups = [batch["uniform"][0, 0] for batch in (val, test, train)]
    assert len(torch.cat(groups).unique()) == 3 * len(groups[0])
    assert (val["split"].item(), test["split"].item()) == (1, 2)


def test_the_control_is_shown_demonstrations_for_ever():
    train = opened(algorithm="supervised", warm_up=1).datasets["train"]
    assert set(train.__getitems__([(999, 0)])) == {"tokens", "targets"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "adition"}, "did you mean addition?"),
        ({"options": {"digit": 2.0}}, "addition has no option 'digit'"),
        ({"options": {"digits": 4.0}}, "data.block = 11"),
        ({"options": {"digits": 1.0}, "demonstrations": 99}, "has 73 different"),
    ],
)
def test_what_cannot_be_is_named(changes, words):
    reason = {"demonstrations": 4} | changes
    problems = ProblemsConfig(
        **{key: reason.pop(key) for key in ("name", "options") if key in reason}
    )
    data = DataConfig(name="problems", block=11, batch_size=4)
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        open_problems(data, ReasonConfig(problems=problems, **reason), 0, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("group", 1), ("updates", 0), ("clip", 0.0), ("clip", 1.0), ("lr", 0.0),
        ("kl", -1.0), ("demonstrations", -1), ("samples", 0), ("warm_up", -1),
    ],
)  # fmt: skip
def test_ranges_of_the_configuration(key, value):
    with pytest.raises(ValueError, match=f"^{key} = "):
        ReasonConfig(**{key: value})


@pytest.mark.parametrize("name", ["name", "size", "seed", "split", "unique"])
def test_an_option_that_is_set_elsewhere_is_refused(name):
    with pytest.raises(ValueError, match=f"^options have {name}, which is set else"):
        ProblemsConfig(options={name: 1.0})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("addition", {"digits": 3.0}),
        ("multiplication", {"digits": 2.0, "by": 2.0}),
        ("countdown", {"numbers": 4.0, "largest": 9.0, "retries": 0.25}),
        ("sorting", {"length": 4.0}),
        ("comparisons", {"length": 3.0}),
        ("graph", {"nodes": 5.0}),
    ],
)
def test_a_configuration_can_set_every_option(name, options):
    given = from_dict(ProblemsConfig, {"options": options}).given()
    problems = create_dataset(name, 5, 0, **given)
    assert {key: getattr(problems, key) for key in options} == options
    known = set(inspect.signature(type(problems)).parameters)
    assert known == {"size", "seed", "split", "unique", *options}


def test_the_fingerprint_is_that_of_the_questions():
    prints = {opened(seed).info.fingerprint for seed in (0, 1, 1)}
    assert len(prints) == 2
    assert np.unique([len(p) for p in prints]).tolist() == [64]
