"""Countdown against brute force: which steps hold, every solution, failed attempts."""

from collections import Counter
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.reasoning.problems import create_dataset
from src.reasoning.problems.countdown import FAILURES
from src.reasoning.problems.countdown_steps import solutions, write_steps


THREE = create_dataset("countdown", 200, 0)
FOUR = create_dataset("countdown", 40, 0, numbers=4)
RETRIED = create_dataset("countdown", 40, 0, retries=1.0)


def entry(question: str) -> dict:
    return {"question": question, "metadata": THREE.about(question)}


def grade(response: str, question: str) -> float:
    return THREE.score_answer(THREE.read_answer(response), entry(question))


def results(a: int, b: int) -> dict[str, Fraction]:
    found = {"+": a + b, "-": a - b, "*": a * b}
    found |= {"/": Fraction(a, b)} if b else {}
    return {
        sign: result
        for sign, result in found.items()
        if result in range(100)  # whole and small enough
    }


def brute(numbers: tuple[int, ...]) -> dict[int, set[str]]:
    """For each target every response of one attempt, both orders of + and *."""
    if len(numbers) == 1:
        return {numbers[0]: {""}}
    found: dict[int, set[str]] = {}
    for a, b, *rest in permutations(numbers):
        for sign, result in results(a, b).items():
            for target, later in brute((*rest, int(result))).items():
                step = f"{a} {sign} {b} = {result}"
                texts = {f"{step} , {text}" if text else step for text in later}
                found.setdefault(target, set()).update(texts)
    return found


def checked(answer: str, numbers: list[int], target: int) -> bool:
    """The strict rules once more, with counters and without regular expressions."""
    left, words = Counter(numbers), answer.split(" ")
    for at in range(0, len(words), 6):
        step = words[at : at + 6]
        if len(step) < 5 or step[3] != "=" or step[5:] not in ([], [","]):
            return False
        if not all(word in THREE.words[:100] for word in (step[0], step[2], step[4])):
            return False
        a, b, result = (int(step[k]) for k in (0, 2, 4))
        if results(a, b).get(step[1]) != result or Counter([a, b]) - left:
            return False
        left = left - Counter([a, b]) + Counter([result])
    return words[-1] != "," and left == Counter([target])


@pytest.mark.spec("SEQ-184", "agree with brute force")
@pytest.mark.parametrize(
    "numbers",
    [
        (3, 7, 12),
        (5, 5, 5),
        (1, 1, 2),
        (6, 6, 3),
        (4, 9, 11),
        (2, 11, 12),
        (1, 2, 3, 4),
    ],
)
def test_solutions_are_those_of_brute_force(numbers):
    everything = brute(numbers)
    for target in range(100):
        texts = [write_steps(p) for p in solutions(tuple(sorted(numbers)), target)]
        right = everything.get(target, set())
        assert right.issuperset(texts) and len(set(texts)) == len(texts)
        assert {_ordered(text) for text in texts} == {_ordered(text) for text in right}
        assert len({_ordered(text) for text in texts}) == len(texts)


def _ordered(text: str) -> str:
    """With the larger number first in + and *: one text for both orders."""
    steps = []
    for step in text.split(" , "):
        a, sign, b, *rest = step.split(" ")
        turn = sign in "+*" and int(a) < int(b)
        steps.append(" ".join([b, sign, a, *rest] if turn else [a, sign, b, *rest]))
    return " , ".join(steps)


@pytest.mark.spec("SEQ-184", "agree with brute force")
@given(i=st.integers(0, 199), data=st.data())
def test_a_changed_response_is_graded_as_by_brute_force(i, data):
    asked = THREE[i]
    numbers, target = asked["metadata"]["numbers"], asked["metadata"]["target"]
    right = brute(tuple(numbers))[target]
    words = data.draw(st.sampled_from(sorted(right))).split(" ")
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(words)))
        some = [*words, *map(str, numbers), str(target), *"+-*/=,"]
        new = data.draw(st.lists(st.sampled_from(some), max_size=2))
        words[at : at + data.draw(st.integers(0, 2))] = new
    answer = " ".join(words)
    graded = grade(answer + " !", asked["question"])
    assert graded == checked(answer, numbers, target) == (answer in right)


@pytest.mark.spec("SEQ-184", "uses each number once")
@pytest.mark.parametrize(
    "response, right",
    [
        ("7 + 12 = 19 , 3 * 19 = 57 !", 1),
        ("12 + 7 = 19 , 19 * 3 = 57 !", 1),
        ("12 - 7 = 5 , 3 * 5 = 15 ? 7 + 12 = 19 , 3 * 19 = 57 !", 1),
        ("7 + 7 = 1 , 1 + 1 = 1 ? 7 + 12 = 19 , 3 * 19 = 57 !", 1),  # the last counts
        ("7 + 12 = 19 , 3 * 19 = 57 ? 12 - 7 = 5 , 3 * 5 = 15 !", 0),
        ("7 + 12 = 19 , 3 * 19 = 57 ?", 0),
        ("7 + 12 = 19 , 3 * 19 = 57", 0),
        ("7 + 12 = 19 , 3 * 19 = 57 ! !", 0),
        ("7 + 12 = 19 , 3 * 19 = 57 , !", 0),
        ("! 7 + 12 = 19 , 3 * 19 = 57 !", 0),
        (" 7 + 12 = 19 , 3 * 19 = 57 !", 0),
        ("7 + 12 = 19  , 3 * 19 = 57 !", 0),
        ("7 + 12 = 19 3 * 19 = 57 !", 0),
        ("7+12=19 , 3*19=57 !", 0),
        ("07 + 12 = 19 , 3 * 19 = 57 !", 0),
        ("7 + 12 = 20 , 3 * 20 = 60 !", 0),
        ("7 + 12 = 19 , 3 * 19 = 58 !", 0),
        ("7 + 12 = 20 , 3 * 20 = 57 !", 0),
        ("7 - 12 = 19 , 3 * 19 = 57 !", 0),
        ("7 * 12 = 84 , 84 - 3 = 81 !", 0),  # right, but not the target
        ("7 * 7 = 49 , 49 + 8 = 57 !", 0),  # numbers that are not there
        ("12 * 3 = 36 , 36 + 21 = 57 !", 0),
        ("7 + 12 = 19 , 19 * 3 = 57 , 57 * 1 = 57 !", 0),
        ("57 + 0 = 57 !", 0),
        ("\u0667 + 12 = 19 , 3 * 19 = 57 !", 0),
    ],
)
def test_the_verifier_is_strict(response, right):
    assert grade(response, "3 7 12 -> 57") == right


@pytest.mark.spec("SEQ-184", "results are whole numbers from 0 to 99")
@pytest.mark.parametrize(
    "response, question, right",
    [
        ("12 * 11 = 132 , 132 / 2 = 66 !", "12 11 2 -> 66", 0),
        ("12 / 2 = 6 , 6 * 11 = 66 !", "12 11 2 -> 66", 1),
        ("3 / 2 = 1 , 1 * 4 = 4 !", "3 2 4 -> 4", 0),
        ("2 - 5 = -3 , 9 + -3 = 6 !", "2 5 9 -> 6", 0),
        ("5 - 5 = 0 , 0 + 9 = 9 !", "5 5 9 -> 9", 1),
        ("5 - 5 = 0 , 9 / 0 = 9 !", "5 5 9 -> 9", 0),
        ("5 - 5 = 0 , 9 / 0 = 0 !", "5 5 9 -> 9", 0),
        ("12 * 7 = 84 !", "3 7 12 -> 84", 0),  # the 3 is left
        ("5 + 5 = 10 , 9 * 10 = 90 !", "5 9 9 -> 90", 0),  # there is one 5
    ],
)
def test_results_are_whole_and_small(response, question, right):
    assert grade(response, question) == right


@pytest.mark.spec("SEQ-184", "An expression is graded too")
@pytest.mark.parametrize(
    "answer, right",
    [
        ("(7 + 12) * 3", 1),
        ("3*(12+7)", 1),
        ("7+12*3", 0),
        ("(7+12)*3*1", 0),
        ("57", 0),
        ("(7+12)*", 0),
        ("3/(12-7)", 0),
        ("3*(12+7)=57", 0),
        ("", 0),
    ],
)
def test_an_expression_is_graded(answer, right):
    assert THREE.score_answer(answer, entry("3 7 12 -> 57")) == right
    assert THREE.score_answer("3*7/(12/12)", entry("12 3 7 12 -> 21")) == 1
    assert THREE.score_answer("7/(12/(3*12))", entry("12 3 7 12 -> 21")) == 1


@pytest.mark.spec("SEQ-183", "each step")
@pytest.mark.parametrize(
    "response, scores",
    [
        ("7 + 12 = 19 , 3 * 19 = 57 !", [1, 1]),
        ("7 + 12 = 20 , 3 * 20 = 60 !", [0, 0]),
        ("7 + 12 = 19 , 3 * 19 = 60 !", [1, 0]),
        ("7 + 12 = 19 , 3 + 19 = 22 !", [1, 0]),  # right, but says that it is 57
        ("7 + 12 = 19 , 3 + 19 = 22 ? 7 + 12 = 19 ,", [1, 1, 1]),
        ("7 + 12 = 19 , 3 * 19 = 57 ? 7 + 12 = 19 ,", [1, 0, 1]),
        ("7 + 12 = 19 , 7 + 3 = 10 ? 7 + 12 = 19 ,", [1, 0, 1]),
        ("9 + 12 = 21 , 7 + 3 = 10 ? 3 + 7 = 10 ,", [0, 0, 1]),
        ("7 + 12 = 19", [0]),
        ("7 + 12 = 19 , 3 * 19 = 57 ! 7 + 12 = 19 ,", [1, 1, 0]),
        ("7 + 12 = 19 ,13 * 19 = 57 !", [1, 0]),  # no space: not 3 * 19
    ],
)
def test_each_step_is_judged(response, scores):
    assert THREE.score_steps(response, entry("3 7 12 -> 57")) == scores


@pytest.mark.spec("SEQ-185", "one of all the solutions, each as likely")
def test_a_demonstration_is_one_of_all_the_solutions():
    asked, rng = entry("2 4 8 -> 16"), np.random.default_rng(0)
    right = brute((2, 4, 8))[16]
    count = 6000
    told = Counter(THREE.demonstrate(asked, rng)[:-2] for _ in range(count))
    assert set(told) == right
    kinds = Counter()
    for response, n in told.items():
        kinds[_ordered(response)] += n
    expected = count / len(kinds)
    assert len(kinds) > 3
    assert max(abs(n - expected) for n in kinds.values()) < 4.5 * expected**0.5


@pytest.mark.spec("SEQ-185", "begins with one to three failed attempts")
@pytest.mark.parametrize("retries", [0.0, 0.3, 1.0])
def test_failed_attempts_come_before_the_right_one(retries):
    problems = create_dataset("countdown", 40, 0, retries=retries)
    rng, counts = np.random.default_rng(0), Counter()
    for i in range(1200):
        asked = problems[i % 40]
        response = problems.demonstrate(asked, rng)
        *failed, last = response[:-2].split(" ? ")
        numbers, target = asked["metadata"]["numbers"], asked["metadata"]["target"]
        assert checked(last, numbers, target)
        for attempt in failed:
            result = int(attempt.split(" ")[-1])
            assert result != target and checked(attempt, numbers, result)
        counts[len(failed)] += 1
    assert counts[0] / 1200 == pytest.approx(1 - retries, abs=0.05)
    assert set(counts) - {0} == (set(range(1, FAILURES + 1)) if retries else set())
    for n in range(1, FAILURES + 1):
        assert counts[n] / 1200 == pytest.approx(retries / FAILURES, abs=0.05)


@pytest.mark.parametrize("problems", [THREE, FOUR])
def test_numbers_and_targets_are_in_their_range_and_all_come(problems):
    given_ = [e["metadata"] for e in problems]
    assert {len(about["numbers"]) for about in given_} == {problems.numbers}
    drawn = Counter(n for about in given_ for n in about["numbers"])
    assert set(drawn) == set(range(1, 13))
    targets = {about["target"] for about in given_}
    assert min(targets) >= 1 and max(targets) <= 99 and len(targets) > 20
    signs = Counter(c for e in problems for c in e["answer"] if c in "+-*/")
    assert set(signs) == set("+-*/")


@pytest.mark.spec("SEQ-185", "says that it is right")
def test_a_response_claims_what_it_writes():
    question = "3 7 12 -> 57"
    assert THREE.claims("7 + 12 = 19 , 3 * 19 = 57 !", question)
    assert THREE.claims("1 + 1 = 2 ? 7 + 12 = 19 , 7 * 7 = 57 !", question)
    assert not THREE.claims("7 + 12 = 19 , 3 * 19 = 58 !", question)
    assert not THREE.claims("7 + 12 = 19 , 3 * 19 = 57 ? 3 + 7 = 10 !", question)
    assert not THREE.claims("7 + 12 = 19 , 3 * 19 = 57 ?", question)
