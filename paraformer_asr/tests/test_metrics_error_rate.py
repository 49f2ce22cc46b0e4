"""Counts and rates, reports, intervals, calibration."""

import math
import random

import pytest

from src.metrics.calibration import calibration_bins, expected_calibration_error
from src.metrics.edit_distance import Pair, align
from src.metrics.error_rate import ErrorCounts, cer, count_errors, wer
from src.metrics.report import (
    by_length,
    by_speaker,
    confusion_table,
    confusions,
    difference_interval_95,
    inline,
    interval_95,
    score,
    speed,
    total,
    worst,
)


def scored(*texts, speaker=""):
    """`one two|one too` is a reference and what was heard."""
    return [
        score(f"u{i}", *(side.split() for side in text.split("|")), speaker=speaker)
        for i, text in enumerate(texts)
    ]


@pytest.mark.spec("ASR-108", "equal those of jiwer")
@pytest.mark.parity("word and character error rate", "jiwer.wer, jiwer.cer")
def test_word_and_character_rates_are_those_of_jiwer(parity):
    jiwer = pytest.importorskip("jiwer", reason="the reference for error rates")
    rng = random.Random(1)
    words = ["zero", "one", "two", "three", "seven", "eight"]

    def text(least):
        return " ".join(rng.choice(words) for _ in range(rng.randint(least, 8)))

    references, hypotheses = zip(*((text(1), text(0)) for _ in range(50)), strict=True)
    ours, theirs = wer(references, hypotheses), jiwer.wer([*references], [*hypotheses])
    parity.value(ours.rate, theirs, atol=1e-12)
    ours, theirs = cer(references, hypotheses), jiwer.cer([*references], [*hypotheses])
    parity.value(ours.rate, theirs, atol=1e-12)


@pytest.mark.spec("ASR-108", "of an empty reference the rate is NaN")
def test_an_empty_reference_has_counts_and_no_finite_rate():
    assert math.isnan(wer([], []).rate) and math.isnan(wer([""], [" "]).rate)
    inserted = wer([""], ["one two"])
    assert inserted == ErrorCounts(0, 0, 2, 0) and inserted.rate == math.inf
    both = wer(["", "one"], ["one two", "one"])
    assert both.rate == 2.0 and both.errors == 2


@pytest.mark.spec("ASR-108", "a space between words is a character, how wide it is is")
def test_characters_are_code_points_with_single_spaces():
    assert cer(["a  b\tc"], ["a b c"]).errors == 0
    assert cer(["a b"], ["ab"]) == ErrorCounts(0, 1, 0, 3)
    assert cer(["七八"], ["七九"]) == ErrorCounts(1, 0, 0, 2)


def test_texts_of_different_number_are_refused():
    with pytest.raises(ValueError):
        wer(["a"], [])


def test_counts_add_up():
    one, two = count_errors("abc", "axcd"), count_errors("ab", "")
    both = one.plus(two)
    assert both == ErrorCounts(1, 2, 1, 5) and both.right == 2
    assert both.to_dict() == {
        **{"substitutions": 1, "deletions": 2, "insertions": 1, "reference": 5},
        **{"errors": 4, "rate": 0.8},
    }


@pytest.mark.spec("ASR-109", "differences stand in the line as `(REF->HYP)`")
def test_inline_differences():
    pairs = align("the sir edison".split(), "the addison now".split())
    assert inline(pairs) == "the (sir->addison) (edison->now)"
    assert inline(align("a b c".split(), "b c d".split())) == "(a->*) b c (*->d)"
    assert inline(align("a b", "ab"), "") == "a(␣->*)b"
    assert inline([]) == ""


@pytest.mark.spec("ASR-109", "most frequent confusions, and the worst utterances first")
def test_confusions_and_worst_utterances():
    found = scored("a b|a c", "b|c", "b|d", "a|", "|x y", "a|a", "a b c|b b b")
    assert confusions(found)[:3] == [
        (Pair("b", "c"), 2),
        (Pair(None, "x"), 1),
        (Pair(None, "y"), 1),
    ]
    assert [s.id for s in worst(found)] == ["u4", "u6", "u1", "u2", "u3", "u0"]
    assert total(found) == ErrorCounts(5, 1, 2, 9)


def test_the_table_of_confusions_holds_what_is_right_inserted_and_deleted():
    names, table = confusion_table(scored("a b|a c", "a|", "|b"))
    assert names == ["a", "b", "c", None]
    assert table == [[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]]


@pytest.mark.spec("ASR-109", "by speaker and by length")
def test_groups():
    found = scored("a|a", "a b|a", speaker="x") + scored("a b|b", speaker="w")
    groups = by_speaker(found)
    assert {name: total(g).errors for name, g in groups.items()} == {"w": 1, "x": 1}
    assert list(groups) == ["w", "x"]
    assert by_speaker(scored("a|a")) == {} == by_speaker([])
    assert {n: len(g) for n, g in by_length(found).items()} == {"1": 1, "2": 2}
    many = [score(str(n), "a" * (n % 50), "") for n in range(1000)]
    spans = by_length(many)
    assert list(spans)[:2] == ["0-6", "7-13"] and len(spans) == 8
    assert all(100 <= len(group) <= 140 for group in spans.values())
    assert sum(len(group) for group in spans.values()) == 1000


@pytest.mark.spec("ASR-110", "holds the true rate in about 95 of 100 draws")
def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng, inside = random.Random(0), 0
    for trial in range(60):
        found = []
        for u in range(80):
            wrong = rng.random() < 0.3  # errors come in bursts: half an utterance
            said = [rng.random() < 0.5 if wrong else False for _ in range(4)]
            found.append(score(str(u), "aaaa", ["b" if w else "a" for w in said]))
        low, high = interval_95(found, trial)
        inside += low <= 0.15 <= high
    assert 52 <= inside


@pytest.mark.spec("ASR-110", "without any error it still has an upper end")
def test_intervals_at_the_ends():
    low, high = interval_95(scored(*["a|a"] * 10))
    assert low == 0 and high == pytest.approx(1 - 0.05**0.1)
    assert interval_95(scored(*["a|b"] * 10)) == (1.0, 1.0)
    assert all(map(math.isnan, interval_95([])))
    assert all(map(math.isnan, interval_95(scored("|", "|a"))))
    assert all(0 < end < 1 for end in interval_95(scored(*["a|b", "a|a"] * 20)))


def test_a_difference_is_of_the_same_utterances():
    one, other = scored(*["a|b", "a|a"] * 20), scored(*["a|a", "a|a"] * 20)
    low, high = difference_interval_95(one, other)
    assert 0.3 < low < 0.5 < high < 0.7
    assert difference_interval_95(one, one) == (0.0, 0.0)
    assert all(map(math.isnan, difference_interval_95([], [])))


@pytest.mark.spec("ASR-111", "RTF is processing by audio seconds, RTFx its inverse")
def test_speed_gives_raw_seconds_and_both_ratios():
    found = speed(2.0, 10.0)
    assert found == {"processing_s": 2.0, "audio_s": 10.0, "rtf": 0.2, "rtfx": 5.0}
    assert math.isnan(speed(1.0, 0.0)["rtf"]) and speed(1.0, 0.0)["rtfx"] == 0.0
    assert math.isnan(speed(0.0, 1.0)["rtfx"])


@pytest.mark.spec("ASR-112", "mean distance of confidence and share right")
def test_calibration():
    sure = (0.95, 0.55, 0.52, 1.0)
    found = [score("u", "abcd", "abxd", confidence=sure), score("v", "a", "a")]
    bins = calibration_bins(found)
    assert [b.tokens for b in bins] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert bins[5].confidence == pytest.approx(0.535) and bins[5].right == 0.5
    expected = (2 * 0.035 + 2 * 0.025) / 4
    assert expected_calibration_error(bins) == pytest.approx(expected)
    assert math.isnan(expected_calibration_error(calibration_bins([])))
