"""What answers are worth, and what a verifier cannot do to a run."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from src.reasoning import rewards as module
from src.reasoning.config import ReasonConfig
from src.reasoning.problems import create_dataset
from src.reasoning.rewards import Grades, grade, reward


class Verifier:
    """Reads what stands behind "=", and counts how often it is asked."""

    def __init__(self, score=None, read=None, steps=None):
        self.asked = 0
        self.score, self.read, self.steps = score, read, steps

    def read_answer(self, response):
        self.asked += 1
        if self.read is not None:
            return self.read(response)
        return response.partition("=")[2] or None

    def score_answer(self, answer, entry):
        return (self.score or (lambda *_: answer == entry["answer"]))(answer, entry)

    def score_steps(self, response, entry):
        return self.steps(response) if self.steps else [1.0, 0.0]


ENTRIES = [{"question": "1+1", "answer": "2"}, {"question": "1+2", "answer": "3"}]
RESPONSES = ["=2", "=3", "2", "=3", "=3", "="]
ENDED = torch.ones(6, dtype=torch.bool)


def raiser(error):
    def fail(*_):
        raise error

    return fail


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """The warnings of a test; no test before it has told any."""
    lines = []
    monkeypatch.setattr(module, "_told", set())
    monkeypatch.setattr(module.log, "warning", lines.append)
    return lines


def graded(verifier, ended=ENDED) -> Grades:
    return grade(verifier, ENTRIES, RESPONSES, ended)


@pytest.mark.spec("SEQ-197", "as many to each entry, one entry's after another's")
def test_answers_are_graded_by_their_own_entry(told):
    outcome, format, answers, steps, errors = graded(Verifier())
    assert outcome.tolist() == [1, 0, 0, 1, 1, 0]
    assert format.tolist() == [1, 1, 0, 1, 1, 0]
    assert [answer is not None for answer in answers] == format.bool().tolist()
    assert steps == [[1.0, 0.0]] * 6 and errors == 0 and told == []


def test_an_answer_that_did_not_end_is_not_in_the_format():
    ended = torch.tensor([False, True, True, True, False, True])
    outcome, format, _, steps, errors = graded(Verifier(), ended)
    assert outcome.tolist() == [0, 0, 0, 1, 0, 0]
    assert format.tolist() == [0, 1, 0, 1, 0, 0]
    assert len(steps) == 6 and errors == 0


def test_an_answer_that_comes_twice_is_graded_once():
    verifier = Verifier()
    found = graded(verifier)
    assert verifier.asked == 5  # "=3" came twice behind the second question
    found.steps[3].append(0.5)
    assert found.steps[4] == [1.0, 0.0]


def test_our_problems_are_graded():
    problems = create_dataset("addition", 4, seed=0)
    entries = [problems[i] for i in range(4)]
    rng = np.random.default_rng(0)
    worked = [problems.demonstrate(entry, rng) for entry in entries]
    found = grade(problems, entries, worked, torch.ones(4, dtype=torch.bool))
    assert found.outcome.tolist() == found.format.tolist() == [1] * 4
    assert all(set(steps) == {1.0} for steps in found.steps)
    wrong = grade(problems, entries, [*worked[1:], ""], torch.ones(4).bool())
    assert wrong.outcome.tolist() == [0] * 4 and wrong.errors == 0


ERRORS = [
    ValueError("no"),
    ZeroDivisionError(),
    RecursionError(),
    MemoryError(),
    AssertionError(),
    StopIteration(),
]


@pytest.mark.spec("SEQ-197", "raises an Exception")
@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("part", ["read", "score", "steps"])
def test_a_verifier_that_raises_costs_the_answer_not_the_run(part, error, told):
    outcome, format, answers, steps, errors = graded(Verifier(**{part: raiser(error)}))
    kept = [1, 0, 0, 1, 1, 0] if part == "steps" else [0] * 6
    assert outcome.tolist() == kept
    assert format.tolist() == ([0] * 6 if part == "read" else [1, 1, 0, 1, 1, 0])
    assert steps == ([[]] * 6 if part == "steps" else [[1.0, 0.0]] * 6)
    assert errors == (4 if part == "score" else 6) and len(told) == 1


@pytest.mark.spec("SEQ-197", "logged the first time")
def test_the_first_failure_of_a_kind_is_told_with_question_and_response(told):
    def read(response):
        if response == "=2":
            raise KeyError("first\nkey")
        raise KeyError(response) if response == "=3" else TypeError("third")

    assert graded(Verifier(read=read)).errors == 6
    assert graded(Verifier(read=read)).errors == 6
    assert len(told) == 2
    assert "Verifier.read_answer failed: KeyError: 'first\\nkey'." in told[0]
    assert "Question '1+1', response '=2'. It counts as 0" in told[0]
    assert "TypeError: third. Question '1+1', response '2'." in told[1]
    graded(Verifier(score=raiser(KeyError("other part"))))
    assert len(told) == 3 and "Verifier.score_answer failed" in told[2]


def test_one_answer_is_one_error_whatever_fails_of_it():
    fail = raiser(OSError())
    assert graded(Verifier(read=fail, steps=fail)).errors == 6


def test_long_texts_and_errors_without_a_text_are_told(told):
    class Silent(Exception):
        def __str__(self):
            raise ValueError

    verifier = Verifier(read=raiser(Silent()))
    entry = {"question": "1" * 9999}
    found = grade(verifier, [entry], ["2" * 9999], ENDED[:1])
    assert found.errors == 1 and len(told[0]) < 1000 and "Silent" in told[0]
    grade(Verifier(read=raiser(OSError("3" * 9999))), ENTRIES[:1], ["2"], ENDED[:1])
    assert len(told[1]) < 1000


@pytest.mark.spec("SEQ-197", "what is no Exception ends the run")
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("part", ["read", "score", "steps"])
def test_an_interrupt_passes_through(part, error):
    with pytest.raises(error):
        graded(Verifier(**{part: raiser(error())}))


BAD = [float("nan"), float("inf"), -0.01, 1.01, 2, 10**400, None, "1", [], (1,), 1j]
BAD += [np.float64("nan"), torch.tensor(1.0), Decimal("0.5"), b"1", object()]


@pytest.mark.spec("SEQ-197", "gives no number in [0, 1]")
@pytest.mark.parametrize("score", BAD, ids=lambda score: type(score).__name__)
def test_a_score_that_is_none_is_an_error_and_0(score, told):
    found = graded(Verifier(score=lambda *_: score))
    assert found.outcome.tolist() == [0] * 6 and found.errors == 4
    assert len(told) == 1 and "Verifier.score_answer failed" in told[0]
    found = graded(Verifier(steps=lambda _: [1.0, score]))
    assert found.steps == [[]] * 6 and found.errors == 6
    assert found.outcome.tolist() == [1, 0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("score", "number"),
    [(True, 1), (False, 0), (1, 1), (0.25, 0.25), (np.float32(0.5), 0.5)]
    + [(np.int64(1), 1), (np.bool_(True), 1), (Fraction(1, 4), 0.25), (-0.0, 0)],
)
def test_numbers_of_every_kind_are_taken(score, number):
    found = graded(Verifier(score=lambda *_: score))
    assert found.outcome.tolist() == [number, number, 0, number, number, 0]
    assert found.errors == 0 and found.outcome.dtype == torch.float32


@pytest.mark.parametrize("answer", [2, b"2", ["2"], True])
def test_an_answer_that_is_no_text_is_an_error(answer, told):
    found = graded(Verifier(read=lambda _: answer))
    assert found.errors == 6 and not found.format.any()
    assert "neither a text nor None" in told[0]


@pytest.mark.parametrize("steps", [None, 1.0, "10", {"a": 1}])
def test_steps_that_are_no_numbers_are_an_error(steps):
    assert graded(Verifier(steps=lambda _: steps)).errors == 6


@pytest.mark.parametrize(("rows", "ends"), [(5, 5), (6, 5), (0, 6)])
def test_rows_that_do_not_belong_together_are_refused(rows, ends):
    with pytest.raises(ValueError, match=f"{rows} responses do not belong to 2 entr"):
        grade(Verifier(), ENTRIES, RESPONSES[:rows], ENDED[:ends])


def test_no_answers_have_no_grades():
    assert [len(part) for part in grade(Verifier(), [], [], ENDED[:0])[:3]] == [0] * 3
    assert grade(Verifier(), ENTRIES, [], ENDED[:0]).errors == 0


@pytest.mark.spec("SEQ-197", "outcome + format (format_reward + step_reward mean of")
def test_the_reward_is_the_weighted_sum():
    grades = Grades(
        torch.tensor([1.0, 0.0, 0.5]),
        torch.tensor([1.0, 1.0, 1.0]),
        ["a", "b", "c"],
        [[1.0, 0.0], [], [1.0, 1.0, 0.25]],
        errors=0,
    )
    plain = reward(grades, ReasonConfig())
    assert torch.equal(plain, grades.outcome)
    shaped = reward(grades, ReasonConfig(format_reward=0.1, step_reward=0.4))
    assert shaped.tolist() == pytest.approx([1 + 0.1 + 0.2, 0.1, 0.5 + 0.1 + 0.3])


@pytest.mark.spec("SEQ-197", "a right beginning alone earns nothing")
@pytest.mark.parametrize("name", ["addition", "countdown"])
def test_a_right_beginning_earns_no_step_reward(name):
    problems = create_dataset(name, 1, seed=0)
    worked = problems.demonstrate(problems[0], np.random.default_rng(0))
    begun = problems.split_steps(worked)[0]
    found = grade(problems, [problems[0]], [begun, worked], ENDED[:2])
    assert found.steps[0] == [1]
    assert reward(found, ReasonConfig(step_reward=0.5)).tolist() == [0, 1.5]
