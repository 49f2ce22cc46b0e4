"""Columns, sorting, comparisons and graphs against answers found in another way."""

from collections import Counter
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.reasoning.problems import create_dataset


one_of = cache(lambda name, **options: create_dataset(name, 1, 0, **options))


def made(name: str, question: str, answer: str = "", **options):
    """The problems of a kind, and an entry of them that is written by hand."""
    problems = one_of(name, **options)
    about = problems.about(question)
    return problems, {"question": question, "answer": answer, "metadata": about}


def told(name: str, question: str, **options) -> str:
    problems, entry = made(name, question, **options)
    return problems.demonstrate(entry, np.random.default_rng(0))


def schoolbook(sums: list[int]) -> str:
    """Digit and carry of each column, from the total so far and not from the carry."""
    text, total = [], 0
    for k, value in enumerate(sums):
        total += value * 10**k
        text.append(f"{total // 10**k % 10}{total // 10 ** (k + 1)}")
    return ",".join(text)


@pytest.mark.spec("SEQ-183", "digit and carry of each column")
@given(digits=st.integers(1, 4), data=st.data())
def test_an_addition_is_worked_as_at_school(digits, data):
    number = st.integers(0, 10**digits - 1)
    a, b = data.draw(number), data.draw(number)
    response = told("addition", f"{a:0{digits}}+{b:0{digits}}", digits=digits)
    pairs = zip(f"{a:0{digits}}"[::-1], f"{b:0{digits}}"[::-1], strict=True)
    scratch, answer = response.split("=")
    assert scratch == schoolbook([int(x) + int(y) for x, y in pairs])
    assert int(answer) == sum((a, b)) and len(answer) == digits + 1


@pytest.mark.spec("SEQ-183", "digit and carry of each column")
@pytest.mark.parametrize(
    "name, question, response, options",
    [
        ("addition", "27+58", "51,80=085", {}),
        ("addition", "99+99", "81,91=198", {}),
        ("addition", "00+00", "00,00=000", {}),
        ("addition", "9+9", "81=18", {"digits": 1}),
        ("addition", "0999+0001", "01,01,01,10=01000", {"digits": 4}),
        ("multiplication", "47*6", "24,82=282", {}),
        ("multiplication", "99*9", "18,98=891", {}),
        ("multiplication", "7*8", "65=56", {"digits": 1}),
        (
            "multiplication",
            "47*36",
            "24,82=282;12,41=141;20,90,60,10=1692",
            {"by": 2},
        ),
        (
            "multiplication",
            "99*99",
            "18,98=891;18,98=891;10,01,81,90=9801",
            {"by": 2},
        ),
    ],
)
def test_worked_by_hand(name, question, response, options):
    assert told(name, question, **options) == response


@pytest.mark.spec("SEQ-183", "digit and carry of each column")
@pytest.mark.parametrize("digits", [1, 2])
def test_a_product_is_the_sum_of_its_parts(digits):
    rng = np.random.default_rng(0)
    for a, b in rng.integers(0, (100, 10**digits), (100, 2)).tolist():
        response = told("multiplication", f"{a}*{b:0{digits}}", by=digits)
        *parts, last = (part.split("=") for part in response.split(";"))
        assert last[1] == (f"{a * b:04}" if parts else f"{a * b:03}")
        for part, digit in zip(parts or [last], str(b)[::-1], strict=False):
            column = [int(x) * int(digit) for x in f"{a:02}"[::-1]]
            assert part == [schoolbook(column), f"{a * int(digit):03}"]
        if parts:
            rows = f"{int(parts[0][1]):04}", f"{10 * int(parts[1][1]):04}"
            pairs = zip(*(row[::-1] for row in rows), strict=True)
            assert last[0] == schoolbook([int(x) + int(y) for x, y in pairs])


@pytest.mark.spec("SEQ-183", "nothing else is judged")
@pytest.mark.parametrize(
    "response, right",
    [
        ("51,80=085", 1),
        ("99,99=085", 1),
        ("=085", 1),
        ("1=2=085", 1),
        ("085", 0),
        ("51,80=85", 0),
        ("51,80=0085", 0),
        ("51,80=086", 0),
        ("51,80=085,", 0),
        ("51,80=085=", 0),
        ("51,80= 085", 0),
        ("51,80=\u0660\u0668\u0665", 0),
    ],
)
def test_only_the_number_after_the_last_sign_counts(response, right):
    problems, entry = made("addition", "27+58", "085")
    answer = problems.read_answer(response)
    assert problems.score_answer(answer, entry) == right
    assert answer == {1: "085", 0: None}[right] or response == "51,80=086"


@pytest.mark.spec("SEQ-183", "each step")
@pytest.mark.parametrize(
    "name, question, response, scores",
    [
        ("addition", "27+58", "51,80=085", [1, 1, 1]),
        ("addition", "27+58", "50,80=085", [0, 1, 1]),
        ("addition", "27+58", "51,70=075", [1, 0, 0]),
        ("addition", "27+58", "51,80", [1, 0]),
        ("addition", "27+58", "51,80=085,085", [1, 1, 0, 0]),
        ("addition", "27+58", "80,51=085", [0, 0, 1]),
        ("addition", "27+58", "", []),
        ("multiplication", "47*6", "24,82=182", [1, 1, 0]),
        ("sorting", "417", "4,14,147", [1, 1, 1]),
        ("sorting", "417", "4,41,147", [1, 0, 1]),
        ("comparisons", "b>a,b<c", "a<b,b<c=abc", [1, 1, 1]),
        ("comparisons", "b>a,b<c", "b<c,a<b=abc", [0, 0, 1]),
        ("graph", "ab,bc,cd,ae,ed,ac:ad", "a,bce,d=aed", [1, 1, 1, 1]),
        ("graph", "ab,bc,cd,ae,ed,ac:ad", "a,bce,d=acd", [1, 1, 1, 1]),
        ("graph", "ab,bc,cd,ae,ed,ac:ad", "a,bc,d=abcd", [1, 0, 1, 0]),
        ("graph", "ab,bc,cd,ae,ed,ac:ad", "aed", [0]),
        ("graph", "ab,bc,cd,ae,ed,ac:ad", "a,bce,d=aed=aed", [1, 1, 1, 0, 0]),
    ],
)
def test_each_step_is_judged(name, question, response, scores):
    options = {"sorting": {"length": 3}, "comparisons": {"length": 3}}.get(name, {})
    answers = {"addition": "085", "multiplication": "282", "sorting": "147"}
    problems, entry = made(name, question, answers.get(name, "abc"), **options)
    assert problems.score_steps(response, entry) == scores


@pytest.mark.spec("SEQ-186", "the answers are those of `sorted`")
@given(length=st.integers(2, 12), seed=st.integers(0, 99))
def test_digits_are_sorted(length, seed):
    problems = create_dataset("sorting", 20, seed, length=length)
    for entry in problems:
        question = entry["question"]
        assert entry["answer"] == "".join(sorted(question)) and len(question) == length
        steps = problems.demonstrate(entry, np.random.default_rng(0)).split(",")
        for k, step in enumerate(steps):
            assert step == "".join(sorted(question[: k + 1]))


@pytest.mark.spec("SEQ-186", "the only order in which every comparison holds")
@pytest.mark.parametrize("length", [3, 5, 6])
def test_the_order_is_the_only_one_that_fits(length):
    problems = create_dataset("comparisons", 30, 0, length=length)
    letters = Counter()
    for entry in problems:
        links = entry["question"].split(",")
        known = sorted({link[0] for link in links} | {link[2] for link in links})
        letters.update(known)
        fits = ["".join(p) for p in permutations(known) if holds(p, links)]
        assert fits == [entry["answer"]] and len(known) == length
        chain, answer = problems.demonstrate(entry, np.random.default_rng(0)).split("=")
        assert answer == entry["answer"]
        assert chain == ",".join(map("<".join, zip(answer, answer[1:], strict=False)))
    assert set(letters) == set("abcdefghij")
    signs = Counter("".join(entry["question"] for entry in problems))
    assert abs(signs["<"] - signs[">"]) < 4 * (30 * length) ** 0.5
    first = {
        entry["question"].split(",")[0].find(entry["answer"][0]) for entry in problems
    }
    assert first == {-1, 0, 2}  # told in any order and either way


def holds(order, links: list[str]) -> bool:
    place = {letter: k for k, letter in enumerate(order)}
    return all((place[link[0]] < place[link[2]]) == (link[1] == "<") for link in links)


def shortest(question: str) -> set[str]:
    """Every shortest way, by trying all sequences of letters."""
    lines = {frozenset(line) for line in question[:-3].split(",")}
    start, goal = question[-2:]
    others = sorted({c for line in lines for c in line} - {start, goal})
    for between in range(len(others) + 1):
        ways = (start + "".join(p) + goal for p in permutations(others, between))
        found = {
            way
            for way in ways
            if all({*pair} in lines for pair in zip(way, way[1:], strict=False))
        }
        if found:
            return found
    return set()


@pytest.mark.spec("SEQ-186", "any of the shortest ways")
@pytest.mark.parametrize("nodes", [5, 6, 7])
def test_every_shortest_way_is_right_and_no_other(nodes):
    problems, rng = (
        create_dataset("graph", 60, 0, nodes=nodes),
        np.random.default_rng(0),
    )
    several, lengths = 0, set()
    for entry in problems:
        right = shortest(entry["question"])
        assert entry["answer"] in right
        told = {
            problems.read_answer(problems.demonstrate(entry, rng)) for _ in range(60)
        }
        assert told == right
        for way in permutations(problems.words[3:], len(entry["answer"])):
            way = "".join(way)
            assert problems.score_answer(way, entry) == (way in right)
        longer = entry["answer"][0] + entry["answer"]
        assert problems.score_answer(longer, entry) == 0
        several += len(right) > 1
        lengths.add(len(entry["answer"]))
    assert several > 3 and min(lengths) == 3 and len(lengths) > 1


@pytest.mark.spec("SEQ-186", "any of the shortest ways")
@pytest.mark.parametrize("nodes", [5, 8, 10])
def test_a_graph_is_connected_and_its_ends_are_no_neighbours(nodes):
    problems = create_dataset("graph", 60, 0, nodes=nodes)
    for entry in problems:
        lines = [set(line) for line in entry["question"][:-3].split(",")]
        assert len(lines) == len({*map(frozenset, lines)}) == nodes + nodes // 4
        assert all(len(line) == 2 for line in lines)
        assert set(entry["question"][-2:]) not in lines
        reached = {"a"}
        for _ in range(nodes):
            reached |= {c for line in lines if line & reached for c in line}
        assert reached == set("abcdefghij"[:nodes])


@pytest.mark.spec("SEQ-186", "the letters at each distance")
def test_the_search_tells_the_letters_at_each_distance():
    assert told("graph", "ab,bc,cd,ae,ed,fd:af") in ("a,be,cd,f=aedf",)
    assert told("graph", "cb,ba,ed,cd,ef:af") == "a,b,c,d,e,f=abcdef"


def test_numbers_are_drawn_evenly():
    problems = create_dataset("addition", 8000, 0)
    tens = Counter(n // 10 for e in problems for n in e["metadata"]["numbers"])
    assert max(abs(tens[k] - 1600) for k in range(10)) < 200
    assert len({e["question"] for e in problems}) > 4500
