"""Laws of every kind of problem: right answers, splits, purity, any text graded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.toy_tasks import split_of
from src.reasoning.problems import PROBLEMS, create_dataset
from src.tokenizers import CharTokenizer, WordTokenizer
from src.utils.errors import InputError


SPLITS = ("train", "val", "test")
SETTINGS = [
    ("addition", {}),
    ("addition", {"digits": 1}),
    ("addition", {"digits": 4}),
    ("multiplication", {}),
    ("multiplication", {"digits": 1}),
    ("multiplication", {"by": 2}),
    ("countdown", {}),
    ("countdown", {"retries": 1.0, "largest": 20}),
    ("countdown", {"numbers": 4, "retries": 0.5}),
    ("sorting", {}),
    ("sorting", {"length": 2}),
    ("comparisons", {}),
    ("comparisons", {"length": 10}),
    ("graph", {}),
    ("graph", {"nodes": 5}),
    ("graph", {"nodes": 10}),
]
NAMES = [
    name + "".join(f" {k}={v}" for k, v in given.items()) for name, given in SETTINGS
]
BUILT = {
    name: create_dataset(kind, 60, 1, "train", **options)
    for name, (kind, options) in zip(NAMES, SETTINGS, strict=True)
}
every = pytest.mark.parametrize("problems", BUILT.values(), ids=BUILT)
each_kind = pytest.mark.parametrize("name", PROBLEMS)


def grade(problems, response: str, entry) -> float:
    return problems.score_answer(problems.read_answer(response), entry)


def texts(problems, count: int = 60) -> set[str]:
    return {problems[i]["question"] for i in range(count)}


@pytest.mark.spec("SEQ-180", "its answer is right")
@every
def test_the_answer_of_an_entry_is_right(problems):
    assert all(problems.score_answer(e["answer"], e) == 1.0 for e in problems)


@pytest.mark.spec("SEQ-180", "a demonstration is right in every step")
@every
@given(i=st.integers(0, 59), seed=st.integers(0, 2**32))
def test_a_demonstration_is_right_in_every_step(problems, i, seed):
    entry = problems[i]
    response = problems.demonstrate(entry, np.random.default_rng(seed))
    steps = problems.split_steps(response)
    assert grade(problems, response, entry) == 1.0
    assert "".join(steps) == response and len(steps) > 1
    assert problems.score_steps(response, entry) == [1.0] * len(steps)


@pytest.mark.spec("SEQ-180", "made of `words` and no longer than the problems say")
@every
def test_texts_are_made_of_the_words_and_no_longer_than_said(problems):
    kind = CharTokenizer if isinstance(problems.words, str) else WordTokenizer
    tokenizer, rng = kind(problems.words), np.random.default_rng(0)
    longest = [0, 0]
    for entry in problems:
        for n, text in enumerate(
            (entry["question"], problems.demonstrate(entry, rng)),
        ):
            longest[n] = max(longest[n], len(tokenizer.encode(text)))
            assert tokenizer.decode(tokenizer.encode(text)) == text
    assert longest[0] == problems.longest_question
    assert longest[1] <= problems.longest_response
    if problems.name != "graph":  # its longest ways are rare
        assert longest[1] == problems.longest_response


@every
def test_an_entry_says_what_reasoning_gym_does_and_where_it_is_from(problems):
    entry = problems[3]
    assert set(entry) == {"question", "answer", "metadata"}
    assert entry["metadata"]["source_dataset"] == problems.name
    assert entry["metadata"]["source_index"] == 3
    assert entry["metadata"]["split"] == "train"
    assert problems[-1] == problems[len(problems) - 1] and len(problems) == 60
    with pytest.raises(IndexError):
        problems[60]


@pytest.mark.spec("SEQ-181", "depends on the seed, the split and i alone")
@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("kind, options", SETTINGS[::3])
def test_an_entry_does_not_depend_on_how_many_there_are(kind, options, unique):
    few, many, other = (
        create_dataset(kind, size, seed, "val", unique=unique, **options)
        for size, seed in ((3, 5), (30, 5), (3, 6))
    )
    assert [few[i] for i in range(3)] == [many[i] for i in range(3)]
    assert [few[i] for i in range(3)] != [other[i] for i in range(3)]


@pytest.mark.spec("SEQ-181", "depends on the seed, the split and i alone")
@each_kind
def test_an_entry_does_not_depend_on_the_size_of_a_chunk(name, monkeypatch):
    whole = create_dataset(name, 40, 2, unique=True)
    monkeypatch.setattr(PROBLEMS[name], "chunk", (7, 11))
    pieces = create_dataset(name, 40, 2, unique=True)
    assert list(whole) == list(pieces)


@pytest.mark.spec("SEQ-181", "No question of train, val or test is in another")
@pytest.mark.parametrize("kind, options", SETTINGS, ids=NAMES)
def test_no_question_is_in_two_splits_under_any_seed(kind, options):
    sizes = {"train": 200, "val": 30, "test": 30}
    if "1" in str(options.get("digits")):
        sizes = dict.fromkeys(SPLITS, 30)
    seen, told = {}, {}
    for split in SPLITS:
        drawn = [
            create_dataset(kind, sizes[split], seed, split, **options)
            for seed in range(3)
        ]
        seen[split] = set.union(*(texts(p, len(p)) for p in drawn))
        told[split] = {drawn[0].canonical(question) for question in seen[split]}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert seen[one].isdisjoint(seen[other])
        assert told[one].isdisjoint(told[other])


@pytest.mark.spec("SEQ-181", "nor the same problem told in another way")
@pytest.mark.parametrize(
    "name, one, other",
    [
        ("addition", "03+14", "14+03"),
        ("multiplication", "06*7", "07*6"),
        ("countdown", "3 7 12 -> 57", "12 3 7 -> 57"),
        ("comparisons", "a<b,b<c,d>c", "c<d,b>a,b<c"),
        ("graph", "ab,bc,cd:ac", "cd,cb,ab:ca"),
    ],
)
def test_the_same_problem_told_in_another_way_is_in_the_same_split(name, one, other):
    problems = create_dataset(name, 1, 0)
    assert problems.canonical(one) == problems.canonical(other)
    assert problems.canonical(one) != problems.canonical(problems[0]["question"])


def test_four_fifths_of_the_questions_are_for_training():
    told = BUILT["addition"].canonical
    found = [split_of(told(f"{a:02}+{b:02}")) for a in range(100) for b in range(100)]
    shares = [found.count(split) / len(found) for split in SPLITS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


@pytest.mark.spec("SEQ-182", "`unique` gives questions that all differ")
@each_kind
def test_unique_questions_all_differ(name):
    assert len(texts(create_dataset(name, 400, 0, unique=True), 400)) == 400


@pytest.mark.spec("SEQ-182", "or says how many different ones there are")
def test_too_few_different_questions_are_counted():
    everyone = [create_dataset("addition", 3000, 0, s, digits=1) for s in SPLITS]
    exist = [len(texts(problems, 3000)) for problems in everyone]
    assert sum(exist) == 100
    create_dataset("addition", exist[0], 3, "train", digits=1, unique=True)
    message = f"101 questions asked for, but the part train has {exist[0]} different"
    with pytest.raises(InputError, match=message):
        create_dataset("addition", 101, 3, "train", digits=1, unique=True)
    assert len(create_dataset("addition", 101, 3, "train", digits=1)) == 101


@pytest.mark.spec("SEQ-182", "A wrong name, option or value is refused")
@pytest.mark.parametrize(
    "name, options, words",
    [
        ("adition", {}, "'adition': there are addition, .*did you mean addition"),
        ("addition", {"digit": 2}, "no option 'digit'.* did you mean digits"),
        ("addition", {"digits": 5}, "digits = 5: must be a whole number from 1 to 4"),
        ("addition", {"digits": 0}, "digits = 0"),
        ("addition", {"digits": True}, "digits = True"),
        ("addition", {"digits": 2.0}, "digits = 2.0"),
        ("addition", {"unique": "no"}, "unique = 'no': must be true or false"),
        ("multiplication", {"digits": 3}, "digits = 3: .* from 1 to 2"),
        ("multiplication", {"digits": 1, "by": 2}, "by = 2: .* from 1 to 1"),
        ("countdown", {"numbers": 5}, "numbers = 5: .* from 3 to 4"),
        ("countdown", {"largest": 100}, "largest = 100: .* from 2 to 99"),
        ("countdown", {"largest": 1}, "largest = 1:"),
        ("countdown", {"retries": 1.5}, "retries = 1.5: must be a number from 0 to 1"),
        ("countdown", {"retries": float("nan")}, "retries = nan"),
        ("countdown", {"retries": "much"}, "retries = 'much'"),
        ("sorting", {"length": 13}, "length = 13: .* from 2 to 12"),
        ("comparisons", {"length": 2}, "length = 2: .* from 3 to 10"),
        ("graph", {"nodes": 4}, "nodes = 4: .* from 5 to 10"),
    ],
)
def test_a_wrong_name_option_or_value_is_refused(name, options, words):
    with pytest.raises(InputError, match=words):
        create_dataset(name, 10, 0, **options)


@pytest.mark.parametrize(
    "place, words",
    [
        ((0, 0, "train"), "size = 0"),
        ((5, -1, "train"), "seed = -1"),
        ((5, 0, "dev"), "split = 'dev': must be one of train, val, test"),
    ],
)
def test_a_wrong_size_seed_or_split_is_refused(place, words):
    with pytest.raises(InputError, match=words):
        create_dataset("addition", *place)


MONSTERS = [
    "",
    "=",
    " ",
    "9" * 100_000,
    "=" + "9" * 100_000,
    "(" * 100_000 + "1" + ")" * 100_000,
    "=" * 20_000,
    "," * 20_000,
    " , " * 8_000 + " !",
    "1 + 1 = 2 , " * 5_000 + "1 + 1 = 2 !",
    "1 + 1 = 2 ? " * 5_000 + "1 + 1 = 2 !",
    "1" + " + 1" * 30_000,
    "1" + "+1" * 450,
    "9*" * 499 + "9",
    "nan",
    "NaN = NaN !",
    "inf",
    "-1",
    "1e3",
    "0x1F",
    "1_0",
    "=\u0661\u0662\u0663",  # digits, but not 0 to 9
    "=\uff10\uff18\uff15",
    "\u0663 + \u0667 = \u0661\u0660 !",
    "\x00",
    "\ud800",
    "__import__('os').getpid()",
    "%s {0} \\1 [a-z]*",
]


STRANGE = (
    "0123456789+-*/=,;:<>?!() abc.e_\n\t\r\x0b\x00\xa0\u0661\uff11\u2028\ud800\xb2"
)


def check_any_text(problems, text: str) -> None:
    """Graded without an exception: 0 or 1, and as many steps as pieces."""
    entry = problems[7]
    answer = problems.read_answer(text)
    assert answer is None or isinstance(answer, str)
    for told in (answer, text, None):
        assert problems.score_answer(told, entry) in (0.0, 1.0)
    steps = problems.split_steps(text)
    scores = problems.score_steps(text, entry)
    assert "".join(steps) == text and len(scores) == len(steps)
    assert all(type(score) is float and score in (0.0, 1.0) for score in scores)
    assert problems.claims(text, entry["question"]) in (False, True)


@pytest.mark.spec("SEQ-188", "Whatever the response is, it is graded")
@pytest.mark.parametrize("text", MONSTERS, ids=lambda text: ascii(text[:20]))
def test_a_monster_is_graded(text):
    for problems in map(BUILT.get, PROBLEMS):
        check_any_text(problems, text)
        assert grade(problems, text, problems[7]) == 0.0


@pytest.mark.spec("SEQ-188", "Whatever the response is, it is graded")
@every
@given(data=st.data())
def test_any_text_is_graded(problems, data):
    joint = "" if isinstance(problems.words, str) else " "
    known = st.lists(st.sampled_from(problems.words), max_size=40).map(joint.join)
    check_any_text(problems, data.draw(st.one_of(st.text(STRANGE), known)))


@pytest.mark.spec("SEQ-188", "a demonstration with anything after it")
@every
@pytest.mark.parametrize("extra", [" ", "\n", "\t", "0", "=", "!", "\u0660", "x"])
def test_what_follows_a_demonstration_makes_it_wrong(problems, extra):
    response = problems.demonstrate(problems[7], np.random.default_rng(7))
    assert grade(problems, response + extra, problems[7]) == 0.0
