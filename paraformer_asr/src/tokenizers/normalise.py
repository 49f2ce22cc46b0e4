"""What a written text becomes before it is cut into tokens: rules, each tested.

`none`     white space only: runs of it become one space, none at the ends.
`lower`    NFKC (wide letters, ligatures), lower case, curly apostrophes straight,
           an apostrophe kept only between two letters or digits, a hyphen or dash a
           space, all other punctuation and symbols dropped.
`english`  the same, and whole numbers spelled out: `1905` one thousand nine hundred
           five, `3rd` third, `2.5` two point five, `$`, `%` and `&` as words.
"""

import re
import unicodedata
from typing import Literal


Normalise = Literal["none", "lower", "english"]

APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u0060\u00b4\uff07", "'"))
"""Curly quotes, the modifier letter, grave and acute accents, the wide form."""
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
"""Soft hyphens, zero-width characters, marks of direction, a byte order mark."""
NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(st\b|nd\b|rd\b|th\b)?")
MONEY = re.compile(r"\$\s?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)")

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth",
    "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
MOST_DIGITS = 12
"""Of a number that is read as one; a longer one is read digit by digit."""


def normalise(text: str, rules: Normalise = "lower") -> str:
    """Apply the rules of the head of this file; twice gives the same as once."""
    if rules != "none":
        text = unicodedata.normalize("NFKC", text.translate(APOSTROPHES))
        text = INVISIBLE.sub("", text.translate(APOSTROPHES)).lower()
        # Lower case can leave marks uncomposed: capital I with a dot.
        text = unicodedata.normalize("NFKC", text)
        if rules == "english":
            text = _words_for_signs(text)
        # What was dropped can have stood between a letter and its accent.
        text = unicodedata.normalize("NFC", _drop_punctuation(text))
    return " ".join(text.split())


def spell_number(number: int) -> str:
    """English words of a whole number >= 0: 342 -> three hundred forty two."""
    if number < 20:
        return ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return TENS[tens] + (f" {ONES[ones]}" if ones else "")
    scale, name = next(pair for pair in SCALES if number >= pair[0])
    many, rest = divmod(number, scale)
    return f"{spell_number(many)} {name}" + (f" {spell_number(rest)}" if rest else "")


def _words_for_signs(text: str) -> str:
    text = MONEY.sub(lambda found: f"{found[1]} dollars", text)
    text = text.replace("%", " percent ").replace("&", " and ")
    return NUMBER.sub(_spell, text)


def _spell(found: re.Match) -> str:
    whole, part, ending = found[1].replace(",", ""), found[2], found[3]
    if len(whole) > MOST_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        words = " ".join(ONES[int(digit)] for digit in whole)
    else:
        words = spell_number(int(whole))
    if part:
        words += " point " + " ".join(ONES[int(digit)] for digit in part[1:])
    if ending:
        *before, last = words.split()
        words = " ".join([*before, _ordinal(last)])
    return f" {words} "


def _ordinal(word: str) -> str:
    if word in ORDINALS:
        return ORDINALS[word]
    return f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th"


def _drop_punctuation(text: str) -> str:
    """Letters, marks, digits and spaces; an apostrophe only inside a word."""
    kept = []
    for place, character in enumerate(text):
        kind = unicodedata.category(character)
        if kind[0] in "LMN" or character.isspace():
            kept.append(character)
        elif character == "'":
            around = text[place - 1 : place] + text[place + 1 : place + 2]
            if len(around) == 2 and around.isalnum():
                kept.append(character)
        elif kind == "Pd" or character in "/_\u2044":
            kept.append(" ")
    return "".join(kept)
