"""Votes, choices and forced attempts against counting by hand."""

import itertools
from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.toy_tasks import SPECIALS
from src.models.decoder import Decoder
from src.reasoning.drawn import draw
from src.reasoning.forcing import choose, force
from src.reasoning.problems.addition import Addition
from src.reasoning.test_time import (
    best_of,
    best_of_accuracy,
    majority,
    number_answers,
    random_subsets,
    vote_accuracy,
)
from src.tokenizers import CharTokenizer, WordTokenizer
from tests.scripted import Scripted


ANSWERS = st.lists(st.sampled_from(["1", "2", "3", None]), max_size=9)


@pytest.mark.spec("SEQ-210", "the answer of the most responses, of equals the first")
@given(ANSWERS)
def test_a_vote_is_what_a_counter_says(answers):
    counts = Counter(answer for answer in answers if answer is not None)
    most = max(counts.values(), default=0)
    winners = [a for a in answers if a is not None and counts[a] == most]
    assert majority(answers) == (winners[0] if winners else None)


@pytest.mark.spec("SEQ-210", "weights count in the place of ones")
def test_weights_change_the_vote_and_nothing_weighs_nothing():
    answers = ["1", "2", "2", None]
    assert majority(answers, [0.9, 0.3, 0.4, 9.0]) == "1"
    assert majority(answers, [0.5, 0.3, 0.4, 9.0]) == "2"
    assert majority(answers, [0.0, 0.0, 0.0, 1.0]) is None
    assert best_of(answers, [0.1, 0.3, 0.3, 9.0]) == "2"
    assert best_of([None], [1.0]) is None


def test_answers_are_numbered_by_first_appearance():
    numbers = number_answers([["b", None, "a", "b"], [None, "x", "y", "x"]])
    assert numbers.tolist() == [[0, -1, 1, 0], [-1, 0, 1, 0]]


NAMES = [
    ["a", "b", None, "a", "b"],
    ["x", "y", "z", None, None],
    [None] * 5,
    ["q"] * 5,
    ["s", "t", "t", "s", "t"],
]
SOLUTIONS = ["a", "y", "-", "q", "s"]


@pytest.mark.spec("SEQ-211", "the mean over all ordered choices of n")
@pytest.mark.parametrize("size", range(1, 6))
@pytest.mark.parametrize("weighted", [False, True])
def test_a_vote_of_some_is_the_mean_over_all_ordered_choices(size, weighted):
    torch.manual_seed(size)
    weights = torch.rand(5, 5) if weighted else torch.ones(5, 5)
    right = torch.tensor(
        [[n == s for n in row] for row, s in zip(NAMES, SOLUTIONS, strict=True)]
    )
    exact = [
        mean_of(
            majority([names[i] for i in some], [own[i].item() for i in some])
            == solution
            for some in itertools.permutations(range(5), size)
        )
        for names, solution, own in zip(NAMES, SOLUTIONS, weights, strict=True)
    ]
    every = [
        [i in some for i in range(5)] for some in itertools.combinations(range(5), size)
    ]
    found = vote_accuracy(number_answers(NAMES), right, weights, torch.tensor(every))
    assert found.tolist() == pytest.approx(exact, abs=1e-12)


@pytest.mark.spec("SEQ-211", "exactly for the best score")
@pytest.mark.parametrize("size", range(1, 6))
def test_the_best_of_some_is_the_mean_over_all_ordered_choices(size):
    inf = torch.inf
    scores = torch.tensor(
        [[3.0, 1, 2, 3, 0], [1, 1, 1, 1, 1], [2, -inf, 1, -inf, 1], [-inf] * 5]
    )
    right = torch.rand(4, 5, generator=torch.Generator().manual_seed(3)) < 0.5
    exact = [
        mean_of(
            bool(good[max(some, key=own.__getitem__)])
            for some in itertools.permutations(range(5), size)
        )
        for good, own in zip(right, scores, strict=True)
    ]
    found = best_of_accuracy(right, scores, size)
    assert found.tolist() == pytest.approx(exact, abs=1e-12)


def test_random_subsets_have_their_size_and_are_even():
    some = random_subsets(8, 3, 4000, 0)
    assert (some.sum(1) == 3).all()
    assert (some.double().mean(0) - 3 / 8).abs().max() < 0.03
    assert torch.equal(some, random_subsets(8, 3, 4000, 0))
    assert not torch.equal(some, random_subsets(8, 3, 4000, 1))
    assert random_subsets(8, 8, 9, 0).tolist() == [[True] * 8]
    assert random_subsets(3, 1, 9, 0).tolist() == torch.eye(3).bool().tolist()
    for size in (0, 9):
        with pytest.raises(ValueError, match=f"size = {size}"):
            random_subsets(8, size, 4, 0)
        with pytest.raises(ValueError, match=f"size = {size}"):
            best_of_accuracy(torch.ones(1, 8).bool(), torch.ones(1, 8), size)


@pytest.mark.spec("SEQ-219", "whichever problems are drawn beside it")
def test_a_response_belongs_to_its_problem_and_the_key():
    problems = Addition(12, 0, "test", digits=1)
    tokenizer = CharTokenizer(problems.words, SPECIALS)
    torch.manual_seed(0)
    model = Decoder(tokenizer.vocab_size, 12, d_model=8, layers=1, heads=2)
    whole = draw(model, tokenizer, problems, range(12), 3, (0, 1))
    alone = draw(model, tokenizer, problems, [7, 4], 3, (0, 1))
    assert [whole.texts[i] for i in (7, 4)] == alone.texts
    assert whole.tokens[[7, 4]].tolist() == alone.tokens.tolist()
    assert draw(model, tokenizer, problems, [7], 3, (0, 2)).texts != alone.texts[:1]
    counted = []
    batches = draw(
        model, tokenizer, problems, range(12), 400, (0, 1), tick=counted.append
    )
    assert counted == [2] * 6 and batches.right.shape == (12, 400)


WORDS = ("a", "b", "ok", "q", "?", "!")
TOKENIZER = WordTokenizer(WORDS, SPECIALS)
EOS = TOKENIZER.specials["<|eos|>"]


class Trials:
    """Problems whose answer is "ok"."""

    name, marks, longest_response = "trials", ("?", "!"), 20

    def __getitem__(self, index):
        return {"question": "q", "answer": "ok"}

    def claims(self, response, question):
        return response.endswith("ok !")

    def score_answer(self, *_):
        raise AssertionError("the verifier is not asked")


def trying(*attempts, context=40):
    """A model that writes one attempt after another: its word, then what ends it."""

    def rule(ids):
        response = ids[3:]
        number = response.count(TOKENIZER.encode("?")[0])
        word, end = attempts[min(number, len(attempts) - 1)]
        last = response[-1] if response else None
        if last == TOKENIZER.encode("!")[0]:
            return {EOS: 1.0}
        if last is None or last == TOKENIZER.encode("?")[0]:
            return {TOKENIZER.encode(word)[0]: 1.0}
        return {EOS if end == "EOS" else TOKENIZER.encode(end)[0]: 1.0}

    return Scripted(rule, TOKENIZER.vocab_size, context)


@pytest.mark.spec("SEQ-215", 'puts "?" where an attempt ends before the budget is used')
def test_another_attempt_is_forced_whatever_ended_the_one_before():
    model = trying(("a", "!"), ("b", "EOS"), ("ok", "?"), ("a", "!"))
    (row,) = force(model, TOKENIZER, Trials(), [0], 4, (0,))
    assert [one.response for one in row] == [
        "a !",
        "a ? b !",
        "a ? b ? ok !",
        "a ? b ? ok ? a !",
    ]
    assert [one.tokens for one in row] == [3, 5, 7, 9]
    assert [one.claims for one in row] == [False, False, True, False]
    assert all(one.ended for one in row)


@pytest.mark.spec("SEQ-215", "that of the last attempt, or of the first that claims")
def test_the_rule_chooses_the_attempt():
    model = trying(("a", "!"), ("ok", "!"), ("b", "!"))
    (row,) = force(model, TOKENIZER, Trials(), [0], 3, (0,))
    last = [choose(row, budget, "last").response for budget in (1, 2, 3, 9)]
    assert last == ["a !", "a ? ok !", "a ? ok ? b !", "a ? ok ? b !"]
    claim = [choose(row, budget, "claim").response for budget in (1, 2, 3, 9)]
    assert claim == ["a !", "a ? ok !", "a ? ok !", "a ? ok !"]


@pytest.mark.spec("SEQ-215", "keeps the answer before it, and the tokens count")
def test_an_attempt_without_room_keeps_the_answer_before_it():
    endless = trying(("a", "!"), ("b", "b"), context=9)
    (row,) = force(endless, TOKENIZER, Trials(), [0], 4, (0,))
    assert [one.response for one in row] == ["a !", "a !"]
    assert [one.tokens for one in row] == [3, 7]
    never = trying(("a", "a"), context=9)
    (row,) = force(never, TOKENIZER, Trials(), [0], 4, (0,))
    assert [(one.ended, one.tokens) for one in row] == [(False, 7)]


def test_a_long_context_gives_an_attempt_no_more_than_a_response():
    endless = trying(("a", "a"), context=500)
    (row,) = force(endless, TOKENIZER, Trials(), [0], 2, (0,))
    assert [(one.ended, one.tokens) for one in row] == [(False, 21)]


def test_problems_without_marks_are_refused():
    silent = SimpleNamespace(name="addition", marks=None)
    with pytest.raises(ValueError, match="addition has no marks"):
        force(trying(("a", "!")), TOKENIZER, silent, [0], 2, (0,))


def mean_of(values):
    values = list(values)
    return sum(values) / len(values)
