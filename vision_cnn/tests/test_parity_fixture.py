# pattern: tests/test_parity_fixture.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_parity_fixture.py --from <sub-project>
"""The fixture `parity`: what it compares, what it refuses, what it writes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.parity import largest_error, pytest_collection_modifyitems


mark = pytest.mark.parity
ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import pytest

LSTM = pytest.mark.parity("LSTM", "torch.nn.LSTM")

@LSTM
@pytest.mark.parametrize("theirs, atol", [(1.01, 0.1), (1.25, 0.5), (1.001, 0.4)])
def test_value(parity, theirs, atol):
    parity.value([1.0, 1.0], [1.0, theirs], atol=atol)

@LSTM
def test_gradient(parity):
    parity.gradient({"w": 1.0}, {"w": 1.0}, atol=0)

@pytest.mark.parity("a norm", "numpy")
def test_value_alone(parity):
    parity.value("word", "word", atol=0)

@pytest.mark.parity("too far", "numpy")
def test_too_far(parity):
    parity.gradient((1.0, [1.0, 2.0]), (1.0, [1.0, 3.0]), atol=0.3)

@pytest.mark.parity("no call", "numpy")
def test_no_call(parity):
    pass

@pytest.mark.parity("skipped", "numpy")
def test_skipped(parity):
    pytest.skip("not here")

def test_no_mark(parity):
    parity.value(1.0, 1.0, atol=0)
"""


class Wrapped:
    """A tensor of another library, as far as the fixture looks."""

    dtype = "other.bfloat16"

    def __init__(self, numbers: list, steps: tuple[str, ...] = ()) -> None:
        self.numbers, self.steps = numbers, steps

    def detach(self) -> "Wrapped":
        return Wrapped(self.numbers, (*self.steps, "detach"))

    def float(self) -> "Wrapped":
        return Wrapped(self.numbers, (*self.steps, "float"))

    def numpy(self) -> np.ndarray:
        assert self.steps == ("detach", "float")
        return np.array(self.numbers)


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> tuple[str, dict]:
    """What pytest says and writes of the program above, with this plugin alone."""
    folder = tmp_path_factory.mktemp("parity")
    (folder / "test_made_up.py").write_text(PROGRAM, "utf-8")
    words = ["-p", "tests.parity", "-p", "no:cacheprovider", "--strict-markers", "-rA"]
    words += ["-c", os.devnull, f"--rootdir={folder}", str(folder / "test_made_up.py")]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *words,
            f"--parity-json={folder / 'out.json'}",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.stdout, json.loads((folder / "out.json").read_text("utf-8"))


def test_rows_join_the_tests_of_a_component_by_the_largest_error(said):
    content = said[1]
    assert content["project"] == ROOT.name
    assert [row["component"] for row in content["rows"]] == ["LSTM", "a norm"]
    lstm, norm = content["rows"]
    assert lstm["reference"] == "torch.nn.LSTM"
    assert lstm["value"] == pytest.approx(0.2)
    assert (lstm["gradient"], lstm["atol"]) == (0, 0.5)
    names = [test.split("::")[1] for test in lstm["tests"]]
    assert names[1:] == [
        "test_value[1.25-0.5]",
        "test_value[1.001-0.4]",
        "test_gradient",
    ]
    assert (norm["value"], norm["gradient"]) == (0, None)


def test_an_error_above_the_tolerance_fails_and_says_where(said):
    sentence = (
        "too far beside numpy: the largest error is 0.333 at gradient[1][1], above 0.3"
    )
    assert sentence in said[0]


@pytest.mark.parametrize(
    "test, sentence",
    [
        ("test_no_call", "a test of parity calls parity.value or parity.gradient"),
        ("test_no_mark", 'the fixture needs @pytest.mark.parity("component", "ref'),
    ],
)
def test_a_mark_without_a_call_and_a_call_without_a_mark_fail(said, test, sentence):
    assert re.search(rf"^(FAILED|ERROR) \S+::{test}\b", said[0], re.M)
    assert sentence in said[0]


def test_a_skipped_test_needs_no_call(said):
    assert "1 skipped" in said[0]


@pytest.mark.parametrize(
    "marks",
    [
        [mark("LSTM")],
        [mark("LSTM", "torch.nn.LSTM", atol=1)],
        [mark("LSTM", "")],
        [mark(" LSTM", "torch.nn.LSTM")],
        [mark("LSTM", int)],
        [mark("LSTM", "torch.nn.LSTM"), mark("LSTM", "jax")],
    ],
)
def test_a_mark_names_two_and_stands_alone(marks):
    item = SimpleNamespace(
        nodeid="test_x.py::test_a",
        iter_markers=lambda name: [m.mark for m in marks],
        stash=pytest.Stash(),
    )
    with pytest.raises(pytest.UsageError, match="^test_x.py::test_a: one mark, of two"):
        pytest_collection_modifyitems([item])


@pytest.mark.parametrize(
    "ours, theirs, error, where",
    [
        (1.0, 1.0, 0, ""),
        (1000.0, 1001.0, 1 / 1001, ""),
        (0.001, 0.002, 0.001, ""),
        (
            [1.0, float("nan"), float("inf")],
            [1.0, float("nan"), float("inf")],
            0,
            "[0]",
        ),
        ([1.0, float("nan")], [1.0, 2.0], float("inf"), "[1]"),
        ([1.0, 2.0], [1.0, float("nan")], float("inf"), "[1]"),
        (float("inf"), -float("inf"), float("inf"), ""),
        ({"a": None, "b": (1, 2)}, {"b": [1, 3], "a": None}, 1 / 3, "['b'][1]"),
        (np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 5]]), 0.2, "[1, 1]"),
        (np.array([1 + 1j]), np.array([1 + 0j]), 1, "[0]"),
        (Wrapped([1.0, 2.0]), np.array([1.0, 2.5]), 0.2, "[1]"),
        ("word", "word", 0, ""),
    ],
)
def test_the_error_is_the_largest_of_all_parts(ours, theirs, error, where):
    assert largest_error(ours, theirs) == (pytest.approx(error, rel=1e-6), where)


@pytest.mark.parametrize(
    "ours, theirs, problem",
    [
        (np.zeros(3), np.zeros((1, 3)), " has shape (3,), the reference (1, 3)"),
        (np.zeros(1), 0.0, " has shape (1,), the reference ()"),
        ([1.0], [1.0, 2.0], " has 1 parts (0), the reference 2 parts (0, 1)"),
        ({"a": 1.0}, {"b": 1.0}, " has 1 parts (a), the reference 1 parts (b)"),
        ({0: 1.0}, [1.0], " has 1 parts (0), the reference 1 parts (0)"),
        ([None], [1.0], "[0] is None, the reference a float"),
        (None, np.ones(2), " is None, the reference a ndarray"),
        ("word", "words", " is word, the reference words"),
        (object(), 1.0, " is of object, which has no numbers"),
        ([], [], " has no number to compare"),
        (None, None, " has no number to compare"),
        (np.zeros(0), np.zeros(0), " has no number to compare"),
    ],
)
def test_what_cannot_be_compared_is_refused(ours, theirs, problem):
    with pytest.raises(ValueError) as found:
        largest_error(ours, theirs)
    assert str(found.value) == problem
