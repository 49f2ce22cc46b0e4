"""A made-up sub-project with exercises that are exact; a test plants what is not."""

from pathlib import Path

import pytest

from tests.fake import project, write
from tools import exercise


SOURCE = '''"""Numbers."""

from functools import cache
from math import sqrt  # what a body used may stay without a use


def double(x: int) -> int:  # kept
    """Twice."""
    # the answer is near
    return 2 * x  # here


class Point:
    def __init__(self, x: float, y: float):
        self.x, self.y = x, y

    @property
    def length(self) -> float:
        """From the origin."""
        total = self.x**2

        def add(y):
            return total + y**2

        return sqrt(add(self.y))

    @staticmethod
    def origin():
        return Point(0, 0)


@cache
def table(n: int) -> list[int]:
    return [double(i) for i in range(n)]


def unused(x):
    return x


def early(x):
    return x


ONE = early(1)
'''
TESTS = """import subprocess
import sys

import pytest
from src.numbers import Point, double, table


@pytest.mark.spec("ABC-001", "doubles")
@pytest.mark.parametrize("x", range(9))
def test_double(x):
    assert double(x) == 2 * x


@pytest.mark.spec("ABC-002", "a table")
def test_table():
    assert table(3) == [0, 2, 4]


@pytest.mark.spec("ABC-003", "and again")
def test_table_again():
    assert table(3)[-1] == 4


@pytest.mark.spec("ABC-004", "a length")
def test_length():
    assert Point(3, 4).length == 5
    assert Point.origin().length == 0


def test_without_a_mark():
    assert double(1) == 2
"""
SPEC = """# Spec

- **ABC-001** It doubles.
- **ABC-002** There is a table
  of them.
- **ABC-003** It is there again.
- **ABC-004** A point has a length.
"""
EXERCISES = """# Exercises

Begin with the first.

## 1. `numbers.double`
requirements: ABC-001, ABC-002, ABC-003
Two times.

Add it to itself.

## 2. `numbers.Point.length`
requirements: ABC-004
Pythagoras.

## 3. `numbers.table`
requirements: ABC-002, ABC-003
One by one.
"""
PLANTED = """# Exercises

## 1. `numbers.unused`
requirements: ABC-001
Too weak.

## 2. `numbers.double`
requirements: ABC-001, ABC-002
Too short.

## 3. `numbers.table`
requirements: ABC-001, ABC-002, ABC-003
Too long.

## 4. `numbers.Point.length`
requirements: ABC-009
Unknown id.

## 5. `numbers.Point.width`
requirements: ABC-004
No such method.

## 6. `numbers.Point`
requirements: ABC-004
A class.

## 7. `figures.table`
requirements: ABC-004
No such module.

## 8. `numbers.add`
requirements: ABC-004
Inside a function.

## 9. `numbers.Point.origin`
requirements: ABC-004
This one is exact.
"""
FILES = {
    "src/numbers.py": SOURCE,
    "tests/test_numbers.py": TESTS,
    "docs/SPEC.md": SPEC,
    "docs/EXERCISES.md": EXERCISES,
}


def exercise_project(root: Path, **instead: str) -> Path:
    """`alpha` in `root`; a keyword replaces the list (`exercises`), tests or source."""
    names = dict(zip(("source", "tests", "spec", "exercises"), FILES, strict=True))
    files = FILES | {names[key]: text for key, text in instead.items()}
    write(root / "pytest.ini", "[pytest]\n")
    return project(root, "alpha", files)


@pytest.fixture
def verify(tmp_path, monkeypatch, capfd):
    """Verify a made-up sub-project; (exit code, lines)."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(exercise, "ROOT", tmp_path)
    monkeypatch.setattr(exercise, "LEAST", 1)

    def run(*words, **instead):
        exercise_project(tmp_path, **instead)
        code = exercise.main(["verify", *words])
        shown = capfd.readouterr()
        return code, (shown.out + shown.err).splitlines()

    return run
