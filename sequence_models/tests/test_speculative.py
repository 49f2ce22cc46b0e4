"""Speculative decoding keeps the target's distribution: by enumeration and by draws."""

import itertools
from collections import Counter
from fractions import Fraction

import pytest
import torch

from src.generation.generate import generate
from src.generation.sampling import GREEDY, Sampling
from src.generation.speculative import Speculated, judge, speculate, speculative
from tests.tiny_models import TinyGPT, TinyRNN


PROMPT = torch.tensor([1, 3, 2])
MODELS = {
    "rnn": lambda seed: TinyRNN(5, seed=seed),
    "gpt": lambda seed: TinyGPT(5, 99, seed=seed),
    "short gpt": lambda seed: TinyGPT(5, 9, seed=seed),
    "shorter gpt": lambda seed: TinyGPT(5, 4, seed=seed),
    "one-token gpt": lambda seed: TinyGPT(5, 1, seed=seed),
}
# Every pair with 3 guesses; fewer and more of them where windows meet in another way.
PAIRS = [(*pair, 3) for pair in itertools.product(MODELS, MODELS)] + [
    (*pair, guesses)
    for guesses in (1, 6)
    for pair in [
        ("gpt", "rnn"),
        ("rnn", "short gpt"),
        ("short gpt", "shorter gpt"),
        ("one-token gpt", "gpt"),
    ]
]

# Twelfths, for which every chance that occurs is a multiple of 1/12 or of 1/60.
TARGETS = [[6, 2, 4], [2, 8, 2], [3, 3, 6]]
DRAFTS = [[2, 4, 6], [6, 4, 2], [0, 12, 0], [3, 3, 6], [12, 0, 0]]


def cells(count):
    return (torch.arange(count).double() + 0.5) / count


def exact_round(p, q, last=12):
    """The chance of each outcome of `judge`, drafts and numbers enumerated.

    Within a cell of the numbers nothing changes: `last` of them for the last number.
    """
    steps = len(q)
    grid = [cells(12)] * steps + [cells(last)]
    chances: Counter = Counter()
    for guesses in itertools.product(range(3), repeat=steps):
        weight = Fraction(1)
        for place, token in enumerate(guesses):
            weight *= Fraction(q[place][token], 12)
        if not weight:
            continue
        for numbers in itertools.product(*grid):
            kept = judge(
                torch.tensor(q).double() / 12,
                torch.tensor(p).double() / 12,
                torch.tensor(guesses),
                torch.stack(numbers),
            )
            chances[tuple(kept.tolist())] += weight / (12**steps * last)
    return chances


@pytest.mark.spec("SEQ-095", "by exact enumeration over a vocabulary of three")
@pytest.mark.parametrize(
    "p, q", [*zip(TARGETS + TARGETS, DRAFTS, strict=False), (DRAFTS[3], DRAFTS[3])]
)
def test_the_first_token_has_exactly_the_targets_distribution(p, q):
    first: Counter = Counter()
    for tokens, chance in exact_round([p, p], [q], 60).items():
        first[tokens[0]] += chance
    assert [first[token] for token in range(3)] == [Fraction(n, 12) for n in p]


@pytest.mark.spec("SEQ-095", "by exact enumeration over a vocabulary of three")
def test_two_guesses_have_exactly_the_targets_distribution():
    p, q = [[6, 2, 4], [2, 8, 2], [3, 3, 6]], [[2, 4, 6], [6, 4, 2]]
    chances = exact_round(p, q)
    assert sum(chances.values()) == 1
    for length in (1, 2, 3):  # given that a round comes so far, the next token is p's
        reached: Counter = Counter()
        for tokens, chance in chances.items():
            if len(tokens) >= length:
                reached[tokens[length - 1]] += chance
        total = sum(reached.values())
        found = [reached[token] / total for token in range(3)]
        assert found == [Fraction(n, 12) for n in p[length - 1]]


@pytest.mark.spec("SEQ-095", "by a chi-square test over whole texts")
@pytest.mark.parametrize(
    "kinds, settings",
    [
        (("gpt", "rnn"), Sampling()),
        (("rnn", "short gpt"), Sampling(0.8, 4, 0.9)),
    ],
    ids=["gpt-rnn", "rnn-short gpt"],
)
def test_whole_texts_have_the_targets_distribution(kinds, settings):
    stats = pytest.importorskip("scipy.stats", reason="the test of the counts")
    target, draft = (MODELS[kind](n) for n, kind in enumerate(kinds))
    n, length = 700, 3
    drawn = Counter(
        tuple(
            speculative(
                target, draft, PROMPT, length, settings, guesses=2, seed=seed
            ).tokens.tolist()
        )
        for seed in range(n)
    )
    plain = generate(target, PROMPT.expand(20000, -1), length, settings, seed=1)
    expected = Counter(map(tuple, plain.tolist()))
    cells = [text for text, count in expected.items() if count * n / 20000 > 8]
    found = [drawn[text] for text in cells]
    wanted = [expected[text] * n / 20000 for text in cells]
    found.append(n - sum(found))
    wanted.append(n - sum(wanted))
    assert len(cells) > 5 and not drawn.keys() - expected.keys()
    assert stats.chisquare(found, wanted).pvalue > 0.01


@pytest.mark.spec("SEQ-096", "are those of the target alone, whatever the draft")
@pytest.mark.parametrize("target, draft, guesses", PAIRS)
def test_greedy_tokens_are_the_targets_own(target, draft, guesses):
    target, draft = MODELS[target](0), MODELS[draft](1)
    for settings in (
        GREEDY,
        Sampling(temperature=0, repetition_penalty=1.3, no_repeat_ngram=2),
    ):
        wanted = generate(target, PROMPT[None], 30, settings)[0]
        done = speculative(target, draft, PROMPT, 30, settings, guesses=guesses)
        assert torch.equal(done.tokens, wanted)


@pytest.mark.spec("SEQ-096", "A token of `stop` ends the text")
def test_a_stop_ends_the_text_wherever_it_comes():
    for seed in range(20):
        target, draft = TinyGPT(5, 20, seed=seed), TinyRNN(5, seed=seed + 50)
        wanted = generate(target, PROMPT[None], 30, GREEDY)[0].tolist()
        wanted = wanted[: wanted.index(1) + 1] if 1 in wanted else wanted
        done = speculative(target, draft, PROMPT, 30, GREEDY, stop=[1])
        assert done.tokens.tolist() == wanted


@pytest.mark.spec("SEQ-097", "A model that drafts for itself is always right")
@pytest.mark.parametrize("kind", ["rnn", "gpt"])
def test_a_perfect_draft_is_always_accepted(kind):
    model, twin = MODELS[kind](0), MODELS[kind](0)
    done = speculative(model, twin, PROMPT, 40, guesses=4, seed=2)
    assert done.acceptance == 1 and done.tokens_per_call == 5
    assert len(done.rounds) == 8


@pytest.mark.spec("SEQ-097", "the mean of min(p, q) summed over the vocabulary")
def test_the_acceptance_is_what_the_distributions_allow():
    class Fixed(TinyRNN):
        def __init__(self, twelfths):
            super().__init__(3)
            self.row = torch.tensor(twelfths).double().div(12).log()

        def forward(self, tokens, memory=None):
            return self.row.expand(*tokens.shape, 3), tokens[:, :1].double()

    p, q = Fixed([6, 2, 4]), Fixed([2, 4, 6])
    done = speculative(p, q, PROMPT, 4000, guesses=1)
    assert done.acceptance == pytest.approx(8 / 12, abs=0.03)
    assert done.tokens_per_call == pytest.approx(1 + 8 / 12, abs=0.03)
    assert torch.isnan(torch.tensor(Speculated(PROMPT, []).acceptance))


@pytest.mark.spec("SEQ-097", "are reported")
def test_rounds_add_up():
    rounds = list(speculate(TinyRNN(5), TinyRNN(5, seed=1), PROMPT, 25, guesses=3))
    assert sum(len(one.tokens) for one in rounds) == 25
    for one in rounds:
        assert len(one.tokens) == one.accepted + 1 <= one.guessed + 1 <= 4


def test_a_rejection_by_rounding_alone_falls_back_to_the_target():
    p = torch.tensor([[0.5, 0.5], [1.0, 0.0]]).double()
    kept = judge(p[:1] + 1e-17, p, torch.tensor([0]), torch.tensor([1.0, 0.7]))
    assert kept.tolist() == [1]


@pytest.mark.parametrize(
    "draft, prompt, guesses, said",
    [
        (TinyRNN(6), PROMPT, 2, "the draft has 6 tokens, not 5"),
        (TinyRNN(5), PROMPT, 0, "0 guesses after 3 tokens"),
        (TinyRNN(5), PROMPT, 65, "65 guesses after 3 tokens"),
        (TinyRNN(5), PROMPT[:0], 2, "2 guesses after 0 tokens"),
    ],
)
def test_what_cannot_be_is_refused(draft, prompt, guesses, said):
    with pytest.raises(ValueError, match=said):
        speculative(TinyRNN(5), draft, prompt, 5, guesses=guesses)
