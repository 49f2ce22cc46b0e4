import json
import re

import pytest

from tests import exercises
from tests.exercises import EXERCISES, PLANTED, SOURCE, TESTS
from tests.fake import write
from tools import exercise, exercise_verify


verify = exercises.verify


@pytest.mark.spec("WSP-220", "passes with its body and fails without it")
def test_exact_exercises(verify, tmp_path):
    code, lines = verify("alpha", "--counts", str(tmp_path / "counts"))
    assert (code, json.loads((tmp_path / "counts").read_text())) == (0, [3, 0])
    assert lines[-1] == "3 exercises are exact, 0 are not"
    assert lines[0] == "ok  alpha:numbers.double  ABC-001, ABC-002, ABC-003"


@pytest.mark.spec("WSP-221", "whose tests do not notice, whose list is too long or too")
def test_planted_faults(verify):
    code, lines = verify("alpha", exercises=PLANTED)
    assert code == 1
    assert lines[-1] == "1 exercises are exact, 8 are not"
    expected = [
        ":3: no test notices that numbers.unused is gone",
        ":7: numbers.double: ABC-003 fails without it too: add it to the list",
        ":11: numbers.table: ABC-001 still holds without it: take it from the list",
        ":15: docs/SPEC.md has no ABC-009",
        ":19: numbers.Point.width is not defined in its module",
        ":23: numbers.Point is a class; name one of its methods, which are: __init__",
        ":27: alpha has no callable figures.table",
        "defines add, but a function inside a function cannot be an exercise",
    ]
    for line, sentence in zip(lines, expected, strict=False):
        assert line.startswith("alpha/docs/EXERCISES.md:")
        assert sentence in line


@pytest.mark.spec("WSP-221", "whose tests do not notice")
def test_a_test_that_calls_and_does_not_look_is_too_weak(verify):
    weak = TESTS + (
        '\n\n@pytest.mark.spec("ABC-004", "a length")\n'
        "def test_weak():\n    try:\n        from src.numbers import unused\n"
        "        unused(1)\n    except NotImplementedError:\n        pass\n"
    )
    listed = EXERCISES.replace("numbers.table", "numbers.unused")
    code, lines = verify("alpha", tests=weak, exercises=listed)
    assert code == 1
    assert "its tests are too weak" in "\n".join(lines)


@pytest.mark.spec("WSP-222", "prints the ids that fail, ready to paste")
def test_list(verify):
    code, lines = verify("alpha:numbers.Point.origin", "alpha:2", "--list")
    assert code == 0
    assert lines[:2] == [
        "ok  alpha:numbers.Point.origin  ABC-004",
        "requirements: ABC-004",
    ]


LATER = """

@pytest.fixture(scope="module")
def made():
    return Point(6, 8).length


@pytest.mark.spec("ABC-005", "first of two")
def test_first(made):
    assert made == 10


@pytest.mark.spec("ABC-006", "second of two")
def test_second(made):
    assert made == 10


@pytest.mark.spec("ABC-007", "in a process")
def test_in_a_process():
    code = "from src.numbers import Point; print(Point(3, 4).length)"
    assert subprocess.check_output([sys.executable, "-c", code]) == b"5.0\\n"


@pytest.mark.spec("ABC-008", "fails with a probe, and so is tried with each")
def test_the_code():
    getter = Point.length.fget
    assert "__saw__" not in getter.__code__.co_names
    assert getter(Point(3, 4)) == 5
"""


@pytest.mark.spec("WSP-223", "through a fixture, a cache or a process that it starts")
def test_what_is_called_by_way_of_others(verify):
    code, lines = verify("alpha:numbers.Point.length", "--list", tests=TESTS + LATER)
    assert lines[0].endswith(
        "ABC-005, ABC-006, ABC-007, ABC-008 fails without it too: add it to the list"
    )
    assert lines[1].startswith("requirements: ABC-004, ABC-005, ")


@pytest.mark.spec("WSP-223", "an object that kept what a test before it made")
def test_what_an_object_keeps(verify):
    source = SOURCE + (
        "\n\nfrom functools import cached_property\n\n\nclass Kept:\n"
        "    @cached_property\n    def one(self):\n        return unused(1)\n\n\n"
        "KEPT = Kept()\n"
    )
    tests = TESTS.replace("Point, ", "KEPT, Point, ") + "".join(
        f'\n\n@pytest.mark.spec("ABC-00{i}", "kept")\ndef test_kept_{i}():\n'
        "    assert KEPT.one == 1\n"
        for i in (3, 4)
    )
    listed = EXERCISES.split("## 2.")[0] + (
        "## 2. `numbers.unused`\nrequirements: ABC-003, ABC-004\nNothing.\n"
    )
    code, lines = verify("alpha", source=source, tests=tests, exercises=listed)
    assert code == 0, lines


@pytest.mark.spec("WSP-220", "`verify --list` proves the same among all ids")
def test_ids_that_no_exercise_lists(verify):
    for words, code in ((), 0), (["--list"], 1), ((), 0):
        found, lines = verify("alpha", *words, tests=TESTS + LATER)
        assert found == code, lines


@pytest.mark.spec("WSP-224", "fails, without any exercise")
@pytest.mark.parametrize(
    "code, sentence",
    [
        (
            "    assert Point(3, 4).length == 6\n",
            r"numbers.py:\d+: assert 5.0 == 6",
        ),
        (
            "    assert 0\n\n\nimport nosuch\n",
            r"numbers.py:\d+: ModuleNotFound",
        ),
        (
            "    import os\n    os._exit(3)\n",
            r"^tests/test_numbers.py::test_red: ended Python$",
        ),
    ],
)
def test_what_fails_by_itself(verify, code, sentence):
    red = '\n\n@pytest.mark.spec("ABC-004", "a length")\ndef test_red():\n'
    found, lines = verify("alpha", tests=TESTS + red + code)
    assert found == 2
    assert len(lines) == 2
    assert re.search(sentence, lines[0])
    assert lines[1].startswith("alpha: 1 of its tests fail without any exercise")


@pytest.mark.spec("WSP-221", "or is called by an import")
def test_an_import_calls_it(verify):
    listed = EXERCISES.replace("numbers.table", "numbers.early")
    code, lines = verify("alpha", exercises=listed)
    assert code == 1
    assert "numbers.early is called before any test runs, by an import" in lines[2]


def test_a_method_that_calls_that_of_its_parent(verify):
    source = SOURCE + (
        "\n\nclass Far(Point):\n    @property\n    def length(self):\n"
        "        return 2 * super().length\n"
    )
    tests = TESTS.replace("Point, ", "Far, Point, ") + (
        '\n\n@pytest.mark.spec("ABC-003", "far")\ndef test_far():\n'
        "    assert Far(3, 4).length == 10\n"
    )
    code, lines = verify("alpha:numbers.Far.length", source=source, tests=tests)
    assert lines[0] == "ok  alpha:numbers.Far.length  ABC-003"


@pytest.mark.parametrize("number", ["0", "99", "²"])
def test_a_number_that_is_not_there(verify, number):
    code, lines = verify(f"alpha:{number}")
    assert code == 2
    assert f"{number} is not here" in lines[0] or "no callable" in lines[0]


def test_one_exercise_does_not_change_the_next(verify, tmp_path):
    write(tmp_path / "alpha/src/more.py", "def more():\n    return 1\n")
    both = (
        '\n\n@pytest.mark.spec("ABC-005", "both")\ndef test_both():\n'
        "    from src.more import more\n    try:\n        more()\n"
        "    except NotImplementedError:\n        pass\n"
        "    assert Point(3, 4).length == 5\n\n\n"
        '@pytest.mark.spec("ABC-006", "more")\ndef test_more():\n'
        "    from src.more import more\n    assert more() == 1\n"
    )
    names = ("alpha:numbers.Point.length", "alpha:more.more")
    code, lines = verify(*names, "--list", tests=TESTS + both)
    assert "requirements: ABC-004, ABC-005" in lines
    assert "requirements: ABC-005, ABC-006" in lines or "requirements: ABC-006" in lines


@pytest.mark.spec("WSP-225", "A loop that never ends without the body")
def test_an_endless_loop_ends(verify, monkeypatch):
    loop = SOURCE + (
        "\n\ndef wait():\n    while True:\n        try:\n            unused(1)\n"
        "            return 1\n        except NotImplementedError:\n            pass\n"
    )
    tests = TESTS.replace("double, table", "double, table, wait").replace(
        "assert Point(3, 4).length == 5", "assert Point(3, 4).length == 5 * wait()"
    )
    listed = EXERCISES.replace("numbers.table", "numbers.unused")
    monkeypatch.setattr(exercise_verify, "LIMIT", 2)
    code, lines = verify("alpha", source=loop, tests=tests, exercises=listed)
    assert code == 1
    name = "tests/test_numbers.py::test_length"
    assert f"without numbers.unused, {name} did not end in time" in "\n".join(lines)


@pytest.mark.spec("WSP-227", "fewer than 12")
def test_too_few(verify, monkeypatch):
    monkeypatch.setattr(exercise, "LEAST", 12)
    code, lines = verify()
    assert code == 1
    assert lines[0] == "alpha has 3 exercises, fewer than 12"
    assert lines[-1] == "3 exercises are exact, 1 are not"
