"""Toy stories: seeded, readable in one way only, their entropy known."""

import itertools
import math
import re
from collections import Counter

import pytest

from src.data import stories
from src.data.stories import SEPARATOR, figures, write_stories, write_story
from src.data.toy_grammar import main
from src.data.toy_words import FRESH, SLOTS, STORY


HOLE = re.compile(r"\{(\w+)\}")
OWNER = {form: slot for slot, values in SLOTS.items() for form in values[0]}


def parses(story: str, place: int = 0, known: dict | None = None) -> int:
    """In how many ways the grammar can have written the story, from `place` on."""
    if place == len(STORY):
        return story == ""
    found = 0
    for sentence in STORY[place]:
        for rest, slots in endings(sentence, story, known or {}):
            if not rest or rest[0] == " ":
                found += parses(rest[1:], place + 1, slots)
    return found


def endings(sentence: str, text: str, known: dict):
    """What may be left of the text behind the sentence, and the slots then known."""
    literal, hole, behind = re.match(r"([^{]*)(?:\{(\w+)\})?(.*)", sentence).groups()
    if not text.startswith(literal):
        return
    text = text[len(literal) :]
    if hole is None:
        yield text, known
        return
    name = hole.lower()
    slot = OWNER.get(name)
    if name in FRESH:
        values = [(word, {}) for word in FRESH[name]]
    elif slot in known:
        values = [(known[slot][name], {})]
    else:
        values = [(value[name], {slot: value}) for value in SLOTS[slot]]
    for word, more in values:
        word = word if hole == name else word[0].upper() + word[1:]
        if text.startswith(word):
            yield from endings(behind, text[len(word) :], known | more)


@pytest.mark.spec("SEQ-024", "can be read off its text in one way only")
def test_a_story_has_one_reading():
    for i in range(60):
        assert parses(write_story(9, i)) == 1


def test_every_slot_is_named_before_it_is_only_meant():
    """Else a pronoun would come first, and two derivations could give one text."""
    identifying = {name: next(iter(values[0])) for name, values in SLOTS.items()}
    known: set[str] = set()
    for sentences in STORY:
        first = set.intersection(
            *({h[1].lower() for h in HOLE.finditer(s)} for s in sentences)
        )
        for sentence in sentences:
            names = {hole[1].lower() for hole in HOLE.finditer(sentence)}
            for slot in {OWNER[n] for n in names if n in OWNER} - known:
                assert identifying[slot] in names
        known |= {slot for slot, name in identifying.items() if name in first}
    assert known == set(SLOTS)
    for values in SLOTS.values():
        forms = [tuple(value.values()) for value in values]
        assert len({form[0] for form in forms}) == len(forms)


@pytest.mark.spec(
    "SEQ-024", "its entropy and the number of stories, 10^21.8, are exact"
)
def test_entropy_and_count_equal_an_enumeration(monkeypatch):
    """Of a small grammar all texts are listed, with their chances."""
    slots = {
        "hero": [
            {"hero": "Ann", "he": "she"},
            {"hero": "Bob", "he": "he"},
            {"hero": "Eva", "he": "she"},
        ],
        "place": [{"place": "hill"}, {"place": "lake"}],
    }
    fresh = {"sky": ["wet", "dry"]}
    story = (
        ("{hero} came.", "One {sky} day {hero} left the {place}."),
        ("{He} was {sky}.", "So {sky} and {sky} the {place} was.", "That is all."),
    )
    for name, value in (("SLOTS", slots), ("FRESH", fresh), ("STORY", story)):
        monkeypatch.setattr(stories, name, value)
    owner = {"hero": "hero", "he": "hero", "place": "place"}
    monkeypatch.setattr(stories, "_OWNER", owner)
    chances: Counter[str] = Counter()
    for first, second in itertools.product(*story):
        names = [h[1].lower() for h in HOLE.finditer(f"{first} {second}")]
        drawn = list(dict.fromkeys(owner[n] for n in names if n in owner))
        skies = names.count("sky")
        kept = list(itertools.product(*(slots[slot] for slot in drawn)))
        for values in kept:
            forms = {k: v for value in values for k, v in value.items()}
            for words in itertools.product(fresh["sky"], repeat=skies):
                word = iter(words)
                text = HOLE.sub(
                    lambda h: next(word) if h[1] == "sky" else forms[h[1].lower()],  # noqa: B023
                    f"{first} {second}",
                )
                chances[text] += 1 / 6 / len(kept) / 2**skies
    assert math.isclose(sum(chances.values()), 1)
    entropy = -sum(p * math.log2(p) for p in chances.values())
    known = figures()
    assert known.bits == pytest.approx(entropy, abs=1e-9)
    assert known.log10_stories == pytest.approx(math.log10(len(chances)), abs=1e-9)
    # Alone, the second sentence shows of the hero only the sex, of two in three one.
    sex = math.log2(3) - 2 / 3
    alone = 1 + (2 * math.log2(3) + 2) / 2 + math.log2(3) + (sex + 1 + 2 + 1) / 3
    assert known.forgetful_bits == pytest.approx(alone, abs=1e-9)


@pytest.mark.spec("SEQ-024", "10^21.8, are exact")
@pytest.mark.spec("SEQ-024", "who forgets them pays twice the bits")
def test_the_figures_of_the_real_grammar():
    known = figures()
    assert round(known.log10_stories, 1) == 21.8
    assert round(known.bits, 1) == 64.4
    assert 2 < known.forgetful_bits / known.bits < 2.2
    drawn = {write_story(0, i) for i in range(3000)}
    assert len(drawn) == 3000


@pytest.mark.spec("SEQ-024", "names, colours, places and number return")
def test_what_was_told_returns():
    """In every story the hero's name, and in most the rest, comes more than once."""
    returned = Counter()
    for i in range(100):
        story = write_story(1, i)
        for slot in ("hero", "friend", "colour", "thing", "place", "spot", "animal"):
            name = next(iter(SLOTS[slot][0]))
            counts = [len(re.findall(rf"\b{v[name]}\b", story)) for v in SLOTS[slot]]
            returned[slot] += sum(count > 1 for count in counts) > 0
    assert returned["hero"] > 98
    assert min(returned.values()) > 50


@pytest.mark.spec("SEQ-015", "a pure function of the seed")
def test_the_same_seed_writes_the_same_stories():
    text = write_stories(3, 20)
    assert text == write_stories(3, 20)
    assert text.split(SEPARATOR)[:5] == write_stories(3, 5).split(SEPARATOR)
    assert "\n" not in write_story(3, 0, 0) and "{" not in text
    parts = [set(write_stories(3, 50, split).split(SEPARATOR)) for split in range(3)]
    assert len(set.union(*parts)) == 150


def test_the_command_prints_stories_and_figures(capsys):
    assert main(["--debug", "--stories", "2", "--seed", "5"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(write_stories(5, 2) + "\n\n")
    assert "10^21.8 different stories (exact)" in printed
    assert "entropy: 64.4 bits a story" in printed
    for arguments, words in (([], "--debug"), (["--debug", "--seed", "-1"], "zero or")):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        assert words in capsys.readouterr().err


def test_a_wrong_setting_is_named():
    with pytest.raises(ValueError, match="n_val = 0: must be > 0"):
        stories.ToyConfig(n_val=0)
