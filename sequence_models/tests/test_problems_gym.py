"""The datasets of reasoning-gym as problems: with a stand-in, and with the real one."""

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest

from src.reasoning.problems import create_dataset
from src.reasoning.problems.gym import SAMPLE
from src.tokenizers import CharTokenizer
from src.utils.errors import InputError


SPLITS = ("train", "val", "test")


class Doubling:
    """With the interface of a dataset of reasoning-gym; entry i has seed + i in it."""

    def __init__(self, size: int, seed: int, high: int = 997, blank: int = 0):
        if high < 2:
            raise AssertionError("high must be > 1")
        self.size, self.seed, self.high, self.blank = size, seed, high, blank

    def __getitem__(self, i: int) -> dict:
        if not 0 <= i < self.size:
            raise IndexError(i)
        number = (self.seed + i) * 7919 % self.high
        rare = "\u00e9" * 40 * (number == 0 and i > SAMPLE)
        answer = None if number < self.blank else str(2 * number)
        return {
            "question": f"Twice {number}{rare}?",
            "answer": answer,
            "metadata": {"source_dataset": "doubling", "source_index": i},
        }

    def score_answer(self, answer: str | None, entry: dict) -> float:
        if answer == entry["answer"]:
            return 1.0
        return 0.25 if isinstance(answer, str) and answer.isdigit() else 0.0


@pytest.fixture
def stand_in(monkeypatch):
    """A module `reasoning_gym` that knows one dataset; tells the seeds asked for."""
    seeds: list[int] = []

    def create(name: str, **options) -> Doubling:
        if name != "doubling":
            raise ValueError(f"Dataset '{name}' not registered")
        seeds.append(options["seed"])
        return Doubling(**options)

    module = ModuleType("reasoning_gym")
    module.create_dataset = create
    monkeypatch.setitem(sys.modules, "reasoning_gym", module)
    return seeds


def check(name: str, **options) -> None:
    """The laws of `test_problems` for a dataset that is not ours."""
    rng = np.random.default_rng(0)
    seen = {}
    for split in SPLITS:
        few, many = (
            create_dataset(name, size, 5, split, **options) for size in (3, 25)
        )
        assert [few[i] for i in range(3)] == [many[i] for i in range(3)]
        tokenizer = CharTokenizer(many.words)
        for entry in many:
            response = many.demonstrate(entry, rng)
            assert response == entry["answer"] == many.read_answer(response)
            assert many.score_answer(response, entry) == 1.0
            assert many.score_steps(response, entry) == [1.0]
            assert many.split_steps(response) == [response]
            assert len(tokenizer.encode(entry["question"])) <= many.longest_question
            assert len(tokenizer.encode(response)) <= many.longest_response
        other = create_dataset(name, 25, 6, split, **options)
        seen[split] = {entry["question"] for p in (many, other) for entry in p}
    assert seen["train"].isdisjoint(seen["val"] | seen["test"])
    assert seen["val"].isdisjoint(seen["test"])


@pytest.mark.spec("SEQ-189", "as the other problems")
def test_a_dataset_keeps_the_laws_of_problems(stand_in):
    check("gym/doubling")
    check("gym/doubling", high=500)
    assert len(set(stand_in)) > 6 and max(stand_in) < 2**31


@pytest.mark.spec("SEQ-189", "as the other problems")
@pytest.mark.skipif(
    importlib.util.find_spec("reasoning_gym") is None,
    reason="reasoning-gym is not installed",
)
@pytest.mark.parametrize(
    "name", ["basic_arithmetic", "shortest_path", "spell_backward"]
)
def test_a_real_dataset_keeps_the_laws_of_problems(name):
    check(f"gym/{name}")


@pytest.mark.spec("SEQ-189", "graded by reasoning-gym itself")
def test_its_own_verifier_grades(stand_in):
    problems = create_dataset("gym/doubling", 5, 0)
    entry = problems[0]
    assert entry["metadata"]["source_dataset"] == "doubling"
    assert problems.score_answer(entry["answer"], entry) == 1.0
    assert problems.score_answer("1", entry) == 0.25
    assert (
        problems.score_answer("one", entry) == problems.score_answer(None, entry) == 0
    )
    assert problems.read_answer("") is None and problems.split_steps("") == []
    assert problems.score_steps("1", entry) == [0.25]
    assert isinstance(problems.words, str) and problems.marks is None


@pytest.mark.spec("SEQ-189", "beyond the characters and lengths of a first sample")
def test_what_is_beyond_the_sample_is_left_out(stand_in):
    problems = create_dataset("gym/doubling", 700, 0, unique=True)
    asked = {entry["question"] for entry in problems}
    assert len(asked) == 700 and not any("\u00e9" in text for text in asked)
    assert "\u00e9" not in problems.words
    assert problems.longest_question == len("Twice 996?")
    words = {
        create_dataset("gym/doubling", 5, n, s).words for n in (0, 1) for s in SPLITS
    }
    assert words == {problems.words}  # one tokenizer for all seeds and splits


@pytest.mark.spec("SEQ-189", "without a stored answer")
def test_entries_without_an_answer_are_left_out(stand_in):
    problems = create_dataset("gym/doubling", 50, 0, blank=500)
    assert min(int(entry["answer"]) for entry in problems) >= 1000
    with pytest.raises(InputError, match="none of 200 entries has an answer"):
        create_dataset("gym/doubling", 50, 0, blank=997)


@pytest.mark.spec("SEQ-182", "`unique` gives questions that all differ")
def test_too_few_different_ones_are_counted(stand_in):
    with pytest.raises(InputError, match="gym/doubling: 50 questions asked for, but"):
        create_dataset("gym/doubling", 50, 0, unique=True, high=40)


@pytest.mark.spec("SEQ-189", "says what to install")
def test_without_reasoning_gym_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(
        InputError, match="^gym/gcd needs .*: pip install reasoning-gym"
    ):
        create_dataset("gym/gcd", 5, 0)


@pytest.mark.parametrize(
    "name, options, words",
    [
        ("gym/doublin", {}, "gym/doublin: reasoning-gym refuses it: Dataset 'doublin'"),
        ("gym/doubling", {"high": 1}, "refuses it: high must be > 1"),
        ("gym/doubling", {"height": 1}, "refuses it: .*unexpected.*'height'"),
    ],
)
def test_what_reasoning_gym_refuses_is_bad_input(stand_in, name, options, words):
    with pytest.raises(InputError, match=words):
        create_dataset(name, 5, 0, **options)
