import os
import shlex
import subprocess
from types import SimpleNamespace

import pytest

from tests.exercises import exercise_project
from tests.fake import QUICK, write
from tools import exercise, learning
from tools.recorder import Recorder


@pytest.fixture
def learner(tmp_path, monkeypatch, capfd):
    """Type a command as a learner does; (exit code, lines)."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(exercise, "ROOT", tmp_path)
    exercise_project(tmp_path)

    def type_in(*words):
        code = exercise.main(words)
        shown = capfd.readouterr()
        lines = (shown.out + shown.err).splitlines()
        return code, [line for line in lines if not line.startswith("running the")]

    return type_in


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "exercises/alpha/src/numbers.py"


def write_body(mine, path, code):
    """What a learner types into the file."""
    text = mine.read_text()
    asked = f'raise NotImplementedError("exercise: {path}")'
    assert text.count(asked) == 1
    mine.write_text(text.replace(asked, code))


@pytest.mark.spec("WSP-210", "`start` copies the sub-project below `exercises/`")
@pytest.mark.spec("WSP-213", "which sentences hold, and exits with 0 when all do")
@pytest.mark.spec("WSP-215", "the reference against yours once yours has passed")
def test_from_start_to_the_reference(learner, mine, tmp_path):
    before = {p: p.read_bytes() for p in (tmp_path / "alpha").rglob("*.*")}
    code, lines = learner("start", "alpha:numbers.double")
    assert (code, lines[0]) == (0, "write the body: exercises/alpha/src/numbers.py:7")
    assert lines[-1] == "then: python -m tools exercise check"
    code, lines = learner("check")
    assert code == 1
    assert [line[:14] for line in lines[1:4]] == [
        f"ABC-00{i}  fails" for i in (1, 2, 3)
    ]
    assert "numbers.py:9: NotImplementedError: exercise: numbers.double" in lines
    code, lines = learner("diff")
    assert code == 2 and "has not passed as it stands" in lines[0]
    write_body(mine, "numbers.double", "return x + x if x < 3 else 0")
    code, lines = learner("check")
    assert code == 1
    assert [line[9:14] for line in lines[1:4]] == ["fails", "holds", "holds"]
    at = lines.index("tests/test_numbers.py::test_double[3]")
    assert lines[at + 1].startswith("test_numbers.py:11: assert ")
    assert lines[at + 2].startswith("by hand: cd ")
    by_hand = lines[at + 2].removeprefix("by hand: ")
    assert subprocess.run(by_hand, shell=True, env=os.environ | QUICK).returncode == 1
    mine.write_text(mine.read_text().replace(" if x < 3 else 0", ""))
    code, lines = learner("check")
    assert code == 0
    assert lines[-1].endswith("exercise start alpha:numbers.Point.length")
    code, lines = learner("diff")
    assert code == 0
    assert lines[-2:] == ["+    # the answer is near", "+    return 2 * x  # here"]
    assert "-    return x + x" in lines
    assert learner("list")[1][2].endswith("done")
    after = {p: p.read_bytes() for p in (tmp_path / "alpha").rglob("*.*")}
    assert before == after


@pytest.mark.spec("WSP-214", "each call of `hint` shows one more paragraph")
def test_hints(learner):
    learner("start", "alpha:1")
    assert learner("hint")[1] == ["Two times.", "(1 of 2)"]
    assert learner("hint", "alpha:1")[1] == ["Add it to itself.", "(2 of 2)"]
    assert learner("hint", "alpha")[1] == ["Add it to itself.", "(2 of 2)"]


@pytest.mark.spec("WSP-216", "An open exercise is never overwritten")
@pytest.mark.spec("WSP-217", "keeps the old file beside it")
def test_work_is_kept(learner, mine):
    learner("start", "alpha:1")
    write_body(mine, "numbers.double", "return 3 * x")
    code, lines = learner("start", "alpha:1")
    assert code == 2 and "exercise reset alpha:numbers.double" in lines[0]
    assert "return 3 * x" in mine.read_text()
    learner("start", "alpha:2")
    assert "return 3 * x" in mine.read_text()
    code, lines = learner("reset", "alpha:1")
    assert (code, lines[1]) == (
        0,
        "the file as it was: exercises/alpha/src/numbers.py.bak",
    )
    assert "return 3 * x" not in mine.read_text()
    assert "return 3 * x" in (mine.parent / "numbers.py.bak").read_text()
    assert 'exercise: numbers.Point.length"' in mine.read_text()
    learner("reset", "alpha:1")
    assert "return 3 * x" in (mine.parent / "numbers.py.bak").read_text()
    assert (mine.parent / "numbers.py.bak1").exists()
    code, lines = learner("hint")
    assert code == 2 and "several exercises are open; name one of: alpha" in lines[0]


@pytest.mark.spec("WSP-218", "judged by the tests of the original")
def test_the_judge_cannot_be_changed_and_others_do_not_matter(learner, mine):
    learner("start", "alpha:1")
    learner("start", "alpha:numbers.table")
    for test in (mine.parents[1] / "tests").glob("test_*.py"):
        test.write_text("def test_it():\n    pass\n")
    (mine.parents[1] / "docs" / "SPEC.md").unlink()
    code, lines = learner("check", "alpha:1")
    assert code == 1
    write_body(mine, "numbers.double", "return 2 * x")
    code, lines = learner("check", "alpha:1")
    assert code == 0, "the other open exercise is taken as solved"


@pytest.mark.spec("WSP-219", "that is not Python is named with its line")
def test_a_slip_of_the_pen(learner, mine):
    learner("start", "alpha:1")
    write_body(mine, "numbers.double", "return 2 *")
    code, lines = learner("check")
    assert code == 2
    assert lines == [f"{mine}:9: invalid syntax"]
    assert learner("list")[1][2].endswith("open")
    code, lines = learner("reset")
    assert code == 0 and 'exercise: numbers.double"' in mine.read_text()


@pytest.mark.spec("WSP-213", "a file that cannot be imported is named with its line")
def test_an_import_that_fails(learner, mine):
    learner("start", "alpha:1")
    mine.write_text(mine.read_text() + "\nimport nosuch\n")
    code, lines = learner("check")
    assert code == 1
    line = len(mine.read_text().splitlines())
    fault = "ModuleNotFoundError: No module named 'nosuch'"
    assert f"src/numbers.py:{line}: {fault}" in lines


@pytest.mark.spec("WSP-225", "`check` stops there")
def test_nothing_runs_after_a_test_that_takes_too_long(tmp_path):
    file = write(tmp_path / "test_it.py", "def test_it():\n    pass\n")
    recorder = Recorder(None)
    recorder.session = SimpleNamespace(shouldstop=False)
    recorder.tests = {"a": {"outcome": "", "message": ""}}
    message = "Failed: Timeout (>60.0s) from pytest-timeout."
    crash = SimpleNamespace(path=str(file), lineno=1, message=message)
    report = SimpleNamespace(
        nodeid="a",
        when="call",
        passed=False,
        failed=True,
        outcome="failed",
        longrepr=SimpleNamespace(reprcrash=crash),
    )
    recorder.pytest_runtest_logreport(report)
    assert "Timeout" in recorder.session.shouldstop


@pytest.mark.spec("WSP-213", "how to run it by hand")
def test_by_hand_in_a_folder_with_a_space(tmp_path):
    name = "tests/test_it.py::test_it[it's $HOME]"
    desk = SimpleNamespace(copy=tmp_path / "my work")
    result = {"tests": {}, "broken": {name: "why"}}
    _, first = learning._states(desk, SimpleNamespace(ids=()), result)
    words = shlex.split(first.partition("by hand: ")[2])
    assert words[:3] == ["cd", str(desk.copy), "&&"]
    assert words[-1] == name


@pytest.mark.spec("WSP-226", "whose original has changed since")
def test_the_original_has_changed(learner, mine, tmp_path):
    learner("start", "alpha:1")
    write_body(mine, "numbers.double", "return 2 * x")
    other = tmp_path / "alpha/src/numbers.py"
    other.write_text(other.read_text().replace("origin", "zero"))
    for words in (["check"], ["start", "alpha:2"]):
        code, lines = learner(*words)
        assert code == 2
        assert "src of alpha has changed since it was copied" in lines[-1]
    assert "return 2 * x" in mine.read_text()


def test_what_is_missing(learner, mine):
    code, lines = learner("check")
    assert code == 2 and lines[0].startswith("no exercise is open; see:")
    code, lines = learner("start", "alpha:numbers.duble")
    assert code == 2 and "did you mean numbers.double?" in lines[0]
    code, lines = learner("start", "alpha")
    assert code == 2 and "write alpha:1 to alpha:3" in lines[0]
    code, lines = learner("start", "alpa:1")
    assert code == 2 and "did you mean alpha?" in lines[0]
    code, lines = learner("check", "alpha:1")
    assert code == 2 and "exercise start alpha:numbers.double" in lines[0]
    learner("start", "alpha:1")
    mine.unlink()
    code, lines = learner("check")
    assert code == 2 and "is gone" in lines[0]
    (mine.parents[1] / ".exercises.json").write_text("{")
    code, lines = learner("check")
    assert code == 2 and "is damaged" in lines[0]
