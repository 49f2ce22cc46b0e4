# pattern: tests/test_spec.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_spec.py --from <sub-project>
"""docs/SPEC.md and the tests agree; the check of it finds each kind of fault."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.spec import Sentence, check_spec, table


ROOT = Path(__file__).resolve().parents[1]
SPEC = """# Promises

- **ABC-001** Halves height and width,
  rounding down.
- **ABC-002** *(planned)* Accepts any side.
"""
TEST = """import pytest

@pytest.mark.spec("ABC-001", "height and width, rounding")
def test_half(): ...
"""


def tree(
    folder: Path, spec: str = SPEC, test: str = TEST, name: str = "test_a.py"
) -> Path:
    (folder / "docs").mkdir()
    (folder / "docs" / "SPEC.md").write_text(spec, "utf-8")
    (folder / "tests").mkdir()
    (folder / "tests" / name).write_text(test, "utf-8")
    return folder


def test_the_document_and_the_tests_of_this_project_agree():
    problems = check_spec(ROOT)
    assert not problems, "\n".join([f"{len(problems)} problems:", *problems])


@pytest.mark.parametrize("name", ["test_a.py", "smoke_a.py", "integration_a.py"])
def test_a_sentence_that_is_quoted_over_a_line_break_is_proved(tmp_path, name):
    assert check_spec(tree(tmp_path, name=name)) == []


def test_a_mark_in_a_file_that_pytest_does_not_collect_proves_nothing(tmp_path):
    assert len(check_spec(tree(tmp_path, name="helper.py"))) == 1


FAULTS = {
    "unknown id": (
        SPEC,
        TEST + TEST.replace("ABC-001", "ABC-011"),
        "tests/test_a.py:7: no requirement ABC-011, did you mean ABC-001?",
    ),
    "nothing like it": (
        SPEC,
        TEST + TEST.replace("ABC-001", "XYZ-999"),
        "tests/test_a.py:7: no requirement XYZ-999",
    ),
    "sentence changed": (
        SPEC.replace("down", "up"),
        TEST.replace("rounding", "rounding down"),
        "tests/test_a.py:3: ABC-001 no longer says “height and width, rounding down”\n"
        "    docs/SPEC.md:3: Halves height and width, rounding up.",
    ),
    "no test": (
        SPEC + "- **ABC-003** Is fast.\n",
        TEST,
        "docs/SPEC.md:6: ABC-003 has no test: Is fast.",
    ),
    "planned with a test": (
        SPEC,
        TEST
        + TEST.replace("ABC-001", "ABC-002").replace(
            "height and width, rounding", "any side"
        ),
        "docs/SPEC.md:5: ABC-002 is marked planned but has a test",
    ),
    "id twice": (
        SPEC + "- **ABC-001** Is fast.\n",
        TEST,
        "docs/SPEC.md:6: ABC-001 is already used at docs/SPEC.md:3",
    ),
    "nearly a sentence": (
        SPEC + "- **ABC-3**: Fast.\n",
        TEST,
        "docs/SPEC.md:6: not of the form `- **ABC-001** Sentence.`: - **ABC-3**: Fast.",
    ),
    "no words": (
        SPEC,
        TEST + TEST.replace(', "height and width, rounding"', ""),
        "tests/test_a.py:7: a spec mark is an id and words, literally",
    ),
    "empty words": (
        SPEC,
        TEST + TEST.replace("height and width, rounding", " "),
        "tests/test_a.py:7: a spec mark is an id and words, literally",
    ),
    "not a test": (
        SPEC,
        TEST + TEST.replace("test_half", "half"),
        "tests/test_a.py:7: ABC-001 is quoted on what is not a test",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_disagreement_is_named_with_file_and_line(tmp_path, fault):
    spec, test, message = FAULTS[fault]
    assert check_spec(tree(tmp_path, spec, test)) == [message]


def test_a_mark_on_one_parameter_counts(tmp_path):
    test = 'P = [pytest.param(1, marks=pytest.mark.spec("ABC-001", "rounding down"))]\n'
    assert check_spec(tree(tmp_path, test=test)) == []


@pytest.mark.parametrize(
    "outcomes, planned, state",
    [
        (["passed", "passed"], False, "verified"),
        (["passed", "failed", "skipped"], False, "FAILED"),
        (["skipped", "passed"], False, "verified"),
        (["skipped"], False, "skipped"),
        ([], False, "not run"),
        ([], True, "planned"),
    ],
)
def test_the_state_of_a_sentence_follows_from_its_tests(outcomes, planned, state):
    sentence = Sentence("ABC-001", "Is fast.", planned, "docs/SPEC.md:1")
    (row,) = table([sentence], {"ABC-001": outcomes})
    assert (row["state"], row["tests"]) == (state, len(outcomes))


def test_the_table_is_printed_and_written(tmp_path):
    project = tree(tmp_path, test=TEST + "def test_b(): ...\n")
    for name in ("__init__.py", "spec.py", "parity.py", "conftest.py"):
        text = (ROOT / "tests" / name).read_text("utf-8")
        text = re.sub("# local: begin.*?# local: end\n", "", text, flags=re.DOTALL)
        (project / "tests" / name).write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "--spec", "--spec-json", "spec.json"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.stdout.splitlines()[-4:-1] == [
        "ABC-001  verified  1 tests  Halves height and width, rounding down.",
        "1 of 2 requirements verified",
        "1 not run",
    ], done.stdout + done.stderr
    content = json.loads((project / "spec.json").read_text("utf-8"))
    assert [row["state"] for row in content["requirements"]] == ["verified", "planned"]


# local: begin
pytest.mark.spec("SEG-158", "quoted by a test that proves it")(
    test_the_document_and_the_tests_of_this_project_agree
)
pytest.mark.spec("SEG-158", "prints which are verified")(
    test_the_table_is_printed_and_written
)
# local: end
