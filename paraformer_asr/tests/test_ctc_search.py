"""CTC searches, beside every path there is."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.decoding.ctc_path import best_paths
from src.decoding.ctc_search import ctc_greedy, ctc_prefix_beam
from tests.benchmarks.plain_search import with_dicts
from tests.scorers import CONTEXT, LM, added


SIZES = [(1, 2), (2, 1), (3, 3), (6, 3), (5, 4), (4, 5)]


def posteriors(time, vocab, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, time, vocab, dtype=torch.double, generator=generator)
    return (2 * logits).log_softmax(-1)


def collapse(path, blank):
    return tuple(token for token, _ in itertools.groupby(path) if token != blank)


def every_text(log_probs, blank=0):
    """By text: log p summed over its paths, and the likeliest path."""
    time, vocab = log_probs.shape
    found = {}
    for path in itertools.product(range(vocab), repeat=time):
        log = sum(log_probs[frame, token].item() for frame, token in enumerate(path))
        if log > -math.inf:
            found.setdefault(collapse(path, blank), []).append((log, path))
    return {
        text: (math.log(sum(math.exp(log) for log, _ in paths)), max(paths)[1])
        for text, paths in found.items()
    }


def begins(path, blank):
    before = (blank, *path)
    return [i for i, t in enumerate(path) if t != blank and t != before[i]]


@pytest.mark.spec("ASR-089", "the text of the likeliest path")
@pytest.mark.parametrize("time, vocab", SIZES)
@pytest.mark.parametrize("blank", [0, -1])
def test_greedy_gives_the_likeliest_path(time, vocab, blank):
    blank %= vocab
    log_probs = posteriors(time, vocab)
    (found,) = ctc_greedy(log_probs, torch.tensor([time]), blank=blank)
    best = log_probs[0].argmax(-1).tolist()
    assert tuple(found.tokens) == collapse(best, blank)
    assert found.frames == begins(best, blank)
    assert found.score == pytest.approx(log_probs[0].amax(-1).sum().item())


@pytest.mark.spec("ASR-089", "highest probability among its frames")
def test_a_token_is_as_sure_as_its_surest_frame():
    path = [(1, 0.5), (1, 0.9), (0, 0.8), (1, 0.6), (2, 0.7), (2, 0.55), (0, 0.99)]
    probs = torch.zeros(1, 7, 3)
    for frame, (token, p) in enumerate(path):
        probs[0, frame] = (1 - p) / 2
        probs[0, frame, token] = p
    (found,) = ctc_greedy(probs.log(), torch.tensor([7]))
    assert found.tokens == [1, 1, 2]
    assert found.frames == [0, 3, 4]
    assert found.confidence == pytest.approx([0.9, 0.6, 0.7])
    (best, *_), *_ = ctc_prefix_beam(probs.log(), torch.tensor([7]))
    assert best.tokens == found.tokens
    assert best.frames == found.frames
    assert best.confidence == pytest.approx(found.confidence)


@pytest.mark.spec("ASR-090", "finds every text with the probability of all its paths")
@pytest.mark.parity("CTC prefix beam search", "every path, added up by text")
@pytest.mark.parametrize("time, vocab", SIZES)
@pytest.mark.parametrize("blank", [0, -1])
def test_a_wide_beam_finds_every_text(parity, time, vocab, blank):
    blank %= vocab
    log_probs = posteriors(time, vocab, seed=3)
    wanted = every_text(log_probs[0], blank)
    (found,) = ctc_prefix_beam(
        log_probs, torch.tensor([time]), 10**6, top_k=0, blank=blank
    )
    ranked = sorted(wanted, key=lambda text: -wanted[text][0])
    assert [tuple(one.tokens) for one in found] == ranked
    for one in found:
        log, path = wanted[tuple(one.tokens)]
        parity.value(one.score, log, atol=1e-10)
        assert one.frames == begins(path, blank)
    assert sum(math.exp(one.score) for one in found) == pytest.approx(1)


@pytest.mark.spec("ASR-090", "What is impossible is not found")
def test_impossible_tokens_are_in_no_text():
    log_probs = posteriors(4, 4)
    log_probs[0, :, 2] = -math.inf
    log_probs[0, 1] = torch.tensor([-math.inf, 0.0, -math.inf, -math.inf])
    log_probs = log_probs.log_softmax(-1)
    wanted = every_text(log_probs[0])
    (found,) = ctc_prefix_beam(log_probs, torch.tensor([4]), 1000, top_k=0)
    assert {tuple(one.tokens) for one in found} == wanted.keys()
    assert all(1 in one.tokens for one in found)


@pytest.mark.spec("ASR-090", "a narrower one never more than that")
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
def test_a_narrow_beam_never_gives_a_text_too_much(seed, width, top_k):
    log_probs = posteriors(5, 4, seed)
    wanted = every_text(log_probs[0])
    (found,) = ctc_prefix_beam(log_probs, torch.tensor([5]), width, top_k=top_k)
    assert 0 < len(found) <= width
    assert len({tuple(one.tokens) for one in found}) == len(found)
    assert all(a.score >= b.score for a, b in itertools.pairwise(found))
    for one in found:
        assert one.score <= wanted[tuple(one.tokens)][0] + 1e-9


@pytest.mark.spec("ASR-090", "exactly that of algorithm 1 of Hannun et al. 2014")
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 4))
def test_a_beam_is_the_plain_algorithm(seed, width, top_k):
    log_probs = posteriors(12, 4, seed)
    wanted = with_dicts(log_probs[0], width, top_k)
    (found,) = ctc_prefix_beam(log_probs, torch.tensor([12]), width, top_k=top_k)
    assert [tuple(one.tokens) for one in found] == [text for text, _ in wanted]
    assert [one.score for one in found] == pytest.approx([log for _, log in wanted])


@pytest.mark.spec("ASR-091", "exactly what `lm` and `context` add to a text")
@pytest.mark.parametrize("seed", range(3))
def test_a_language_model_and_hot_words_have_their_say(seed):
    log_probs = posteriors(5, 6, seed)[:, :, [0, 1, 2, 3, 4, 5]]
    log_probs[:, :, [1, 3]] = -math.inf
    log_probs = log_probs.log_softmax(-1)
    plain = every_text(log_probs[0])
    wanted = {text: log + added(text) for text, (log, _) in plain.items()}
    (found,) = ctc_prefix_beam(
        log_probs, torch.tensor([5]), 10**6, lm=LM, context=CONTEXT, top_k=0
    )
    ranked = sorted(wanted, key=lambda text: -wanted[text])
    assert [tuple(one.tokens) for one in found] == ranked
    assert [one.score for one in found] == pytest.approx([wanted[t] for t in ranked])
    assert ranked != sorted(plain, key=lambda text: -plain[text][0])


@pytest.mark.spec("ASR-100", "each utterance is searched as if it were alone")
def test_an_utterance_in_a_batch_gets_the_texts_it_gets_alone():
    log_probs = torch.cat([posteriors(9, 5, seed) for seed in range(3)])
    lengths = torch.tensor([9, 0, 4])
    together = ctc_prefix_beam(log_probs, lengths, 4)
    greedy = ctc_greedy(log_probs, lengths)
    for row, length in enumerate(lengths):
        alone = log_probs[row : row + 1, :length], lengths[row : row + 1]
        assert ctc_prefix_beam(*alone, 4) == [together[row]]
        assert ctc_greedy(*alone) == [greedy[row]]
    assert [(one.tokens, one.score) for one in together[1]] == [([], 0.0)]


@pytest.mark.spec("ASR-088", "names the utterance and the position")
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_frames_without_a_likeliest_token_are_refused(value):
    log_probs = posteriors(4, 3)
    log_probs[0, 2, 1] = value
    for search in (ctc_greedy, ctc_prefix_beam):
        with pytest.raises(ValueError, match="position 2 of utterance 0"):
            search(log_probs, torch.tensor([3]))
        search(log_probs, torch.tensor([2]))  # behind the end nothing is looked at


@pytest.mark.parametrize("options", [{"width": 0}, {"top_k": -1}])
def test_a_beam_without_room_is_refused(options):
    with pytest.raises(ValueError, match="must be at least 1 and 0"):
        ctc_prefix_beam(posteriors(2, 3), torch.tensor([2]), **options)


def test_no_utterances_give_no_texts():
    nothing = posteriors(4, 3)[:0], torch.zeros(0, dtype=torch.long)
    assert ctc_greedy(*nothing) == ctc_prefix_beam(*nothing) == []
    assert best_paths([], posteriors(4, 3)[0].numpy()) == []
