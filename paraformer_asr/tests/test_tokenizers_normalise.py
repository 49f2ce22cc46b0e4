"""The rules for written text, one row each."""

import pytest

from src.tokenizers import normalise
from src.tokenizers.normalise import spell_number


hypothesis = pytest.importorskip("hypothesis", reason="draws texts")
given, st = hypothesis.given, hypothesis.strategies

LOWER = [
    ("Hello, World!", "hello world"),
    ("DON\u2019T  stop\t'til\nit's 'over'", "don't stop til it's over"),
    ("rock 'n' roll o'clock dogs'", "rock n roll o'clock dogs"),
    ("\uff28\uff49 \ufb01ne \u2460", "hi fine 1"),
    ("twenty-five / x_y \u2014 z", "twenty five x y z"),
    ("e\u0301te\u0301", "\u00e9t\u00e9"),
    ("co\u00adop\u200berate\ufeff", "cooperate"),
    ("STRASSE \u0130", "strasse i\u0307"),
    ("\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u4f60\u597d\u4e16\u754c"),
    ("1905 and 2.5 %", "1905 and 25"),
    ("and/or \u00bd a:\u0300", "and or 1 2 \u00e0"),
    ("  \t ", ""),
    ("...!?", ""),
]
ENGLISH = [
    ("Room 101", "room one hundred one"),
    ("in 1905", "in one thousand nine hundred five"),
    ("12,345,678", "twelve million three hundred forty five thousand six hundred "
     "seventy eight"),
    ("007", "zero zero seven"),
    ("3.14", "three point one four"),
    ("the 1st, 2nd, 3rd, 12th, 20th and 101st",
     "the first second third twelfth twentieth and one hundred first"),
    ("$5 & 50%", "five dollars and fifty percent"),
    ("1234567890123",
     "one two three four five six seven eight nine zero one two three"),
    ("\uff11\uff12", "twelve"),
    ("mp3", "mp three"),
]  # fmt: skip


@pytest.mark.spec("ASR-019", "NFKC, lower case, straight apostrophes")
@pytest.mark.parametrize(("text", "expected"), LOWER)
def test_lower(text, expected):
    assert normalise(text, "lower") == expected


@pytest.mark.spec("ASR-019", "whole numbers, ordinals, decimals, `$`, `%` and `&`")
@pytest.mark.parametrize(("text", "expected"), ENGLISH)
def test_english(text, expected):
    assert normalise(text, "english") == expected


@pytest.mark.spec("ASR-019", "`none` touches white space alone")
def test_none():
    assert normalise(" It\u2019s\u3000OK,\n 5! ", "none") == "It\u2019s OK, 5!"


@pytest.mark.spec("ASR-019", "applied twice they change nothing more")
@pytest.mark.parametrize("rules", ["none", "lower", "english"])
@given(text=st.text() | st.text("aA1'\u2019.,-$%& 0st\u0130\u0345\u00df", max_size=12))
def test_twice_is_once(rules, text):
    once = normalise(text, rules)
    assert normalise(once, rules) == once
    assert once == " ".join(once.split())


def test_spelled_numbers_read_back():
    words = {spell_number(number) for number in range(2000)}
    assert len(words) == 2000
    assert spell_number(999_999_999_999).startswith("nine hundred ninety nine billion")
