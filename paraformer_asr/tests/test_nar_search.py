"""Greedy and beam over Paraformer's positions, beside every text there is."""

import itertools
import math

import pytest
import torch

from src.decoding.greedy import nar_beam, nar_greedy
from tests.scorers import CONTEXT, LM, added


def logits(batch, tokens, vocab, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, tokens, vocab, dtype=torch.double, generator=generator)


@pytest.mark.spec("ASR-088", "the likeliest token of each position")
def test_greedy_names_the_likeliest_tokens():
    values, lengths = logits(3, 4, 6), torch.tensor([4, 0, 2])
    probabilities = values.softmax(-1)
    for row, found in enumerate(nar_greedy(values, lengths)):
        length = lengths[row]
        assert found.tokens == values[row, :length].argmax(-1).tolist()
        sure = probabilities[row, :length].amax(-1)
        assert found.confidence == pytest.approx(sure.tolist())
        assert found.score == pytest.approx(sure.log().sum().item())


@pytest.mark.spec("ASR-088", "names the utterance and the position")
@pytest.mark.parametrize("search", [nar_greedy, nar_beam])
@pytest.mark.parametrize(
    "values", [[math.nan, 0, 0], [math.inf, 0, 0], [-math.inf] * 3]
)
def test_a_position_without_a_likeliest_token_is_refused(search, values):
    bad = logits(2, 3, 3)
    bad[1, 2] = torch.tensor(values)
    with pytest.raises(ValueError, match="position 2 of utterance 1"):
        search(bad, torch.tensor([3, 3]))
    search(bad, torch.tensor([3, 2]))


@pytest.mark.spec("ASR-088", "tokens that are impossible")
@pytest.mark.parametrize("search", [nar_greedy, nar_beam])
def test_impossible_tokens_are_fine(search):
    values = logits(1, 2, 3)
    values[0, :, 1] = -math.inf
    assert search(values, torch.tensor([2]))


@pytest.mark.parametrize("lengths", [[4], [-1]])
def test_lengths_that_are_not_there_are_refused(lengths):
    with pytest.raises(ValueError, match="of logits of 3 positions"):
        nar_greedy(logits(1, 3, 3), torch.tensor(lengths))


def test_a_single_token_is_certain():
    assert nar_greedy(torch.zeros(1, 2, 1), torch.tensor([2]))[0].confidence == [1, 1]
    assert nar_beam(torch.zeros(1, 2, 1), torch.tensor([2]))[0][0].tokens == [0, 0]


@pytest.mark.spec("ASR-095", "with a language model and hot words")
@pytest.mark.parametrize("scorers", [{}, {"lm": LM}, {"lm": LM, "context": CONTEXT}])
def test_a_wide_beam_ranks_every_text(scorers):
    values = logits(1, 4, 6, seed=2)
    values[:, :, [0, 3]] = -math.inf
    log_probs = values.log_softmax(-1)[0]

    def score(text):
        log = sum(log_probs[place, token].item() for place, token in enumerate(text))
        if not scorers:
            return log
        hot = added(text)
        if "context" not in scorers:
            hot -= sum(3.0 for i in range(3) if text[i : i + 2] == (2, 4))
            hot -= sum(4.5 for i in range(2) if text[i : i + 3] == (4, 4, 2))
        return log + hot

    texts = itertools.product([1, 2, 4, 5], repeat=4)
    ranked = sorted(texts, key=lambda text: -score(text))
    (found,) = nar_beam(values, torch.tensor([4]), len(ranked), top_k=0, **scorers)
    assert [tuple(one.tokens) for one in found] == ranked
    assert [one.score for one in found] == pytest.approx([score(t) for t in ranked])
    place = log_probs.exp()[range(4), list(ranked[0])]
    assert found[0].confidence == pytest.approx(place.tolist())


@pytest.mark.spec("ASR-095", "without them it begins with the greedy text")
def test_the_best_text_without_scorers_is_the_greedy_one():
    values, lengths = logits(4, 7, 9), torch.tensor([7, 3, 0, 1])
    greedy = nar_greedy(values, lengths)
    for one, (best, *_) in zip(greedy, nar_beam(values, lengths, 3), strict=True):
        assert best.tokens == one.tokens
        assert best.score == pytest.approx(one.score)


@pytest.mark.spec("ASR-095", "with a language model and hot words")
def test_a_hot_word_wins_where_the_model_doubts():
    values = torch.full((1, 3, 6), -20.0)
    values[0, [0, 1, 2], [5, 4, 2]] = 1.0
    values[0, 0, 2] = 0.5  # a for c: the hot word is a b
    lengths = torch.tensor([3])
    assert nar_beam(values, lengths)[0][0].tokens == [5, 4, 2]
    assert nar_beam(values, lengths, context=CONTEXT)[0][0].tokens == [2, 4, 2]


@pytest.mark.spec("ASR-100", "each utterance is searched as if it were alone")
def test_an_utterance_in_a_batch_gets_the_texts_it_gets_alone():
    values, lengths = logits(3, 5, 6), torch.tensor([5, 0, 3])
    together = nar_beam(values, lengths, 4, lm=LM, context=CONTEXT)
    for row in range(3):
        one = slice(row, row + 1)
        alone = values[one, : lengths[row]], lengths[one]
        assert nar_beam(*alone, 4, lm=LM, context=CONTEXT) == [together[row]]
    assert len(together[1]) == 1
