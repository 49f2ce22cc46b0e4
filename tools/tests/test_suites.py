import os
import sys
from pathlib import Path

import pytest

from tests.fake import QUICK, call, make_ready, project, wheel, workspace, write
from tools import groups, suites
from tools.projects import WorkspaceError
from tools.suites import read_counts


PASS, FAIL = "def test_a():\n    pass\n", "def test_b():\n    assert 0, 'red'\n"
SKIP = "import pytest\n\n\n@pytest.mark.skip\ndef test_c():\n    pass\n"


@pytest.fixture
def root(tmp_path):
    return workspace(tmp_path)


@pytest.mark.spec("WSP-031", "All failures are shown, and the exit code is 1")
@pytest.mark.spec("WSP-032", "the sum over all suites, of the form")
def test_failures_of_all_suites_are_shown(root):
    fails = {"tests/test_b.py": FAIL}
    project(root, "alpha", fails | {"tests/test_c.py": SKIP})
    project(root, "beta", fails)
    make_ready(root)
    done = call(root, "test", "alpha", "beta", "tools")
    assert done.returncode == 1
    assert done.stdout.count("E       AssertionError: red") == 2
    assert done.stdout.splitlines()[-1] == "5 passed, 2 failed, 1 skipped"
    table = [line.split() for line in done.stdout.splitlines()[-5:-2]]
    assert [[*row[:4], row[-1]] for row in table] == [
        ["alpha", "2", "1", "1", "1"],
        ["beta", "2", "1", "0", "1"],
        ["tools", "1", "0", "0", "0"],
    ]


@pytest.mark.spec("WSP-033", "crashes or collects nothing counts as one failure")
@pytest.mark.parametrize(
    "code", ["import os\n\nos._exit(7)\n", "import absent\n", "def (", ""]
)
def test_a_suite_that_does_not_get_as_far_as_tests(root, code):
    alpha = project(root, "alpha", {"tests/test_x.py": code})
    (alpha / "tests" / "test_spec.py").unlink()
    (alpha / "tests" / "test_contracts.py").unlink()
    make_ready(root)
    done = call(root, "test", "alpha")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"


def test_counts_of_a_report(tmp_path):
    report = write(
        tmp_path / "junit.xml",
        '<testsuites><testsuite tests="9" failures="2" errors="1" skipped="3"/>'
        "</testsuites>",
    )
    assert read_counts(report, 1) == (3, 3, 3)
    assert read_counts(tmp_path / "absent.xml", 2) == (0, 1, 0)


ENDLESS = """
import atexit, pathlib, time


def test_a():
    atexit.register(hang_at_the_end)


def hang_at_the_end():
    pathlib.Path("hangs").touch()
    time.sleep(999)
"""


@pytest.mark.spec("WSP-039", "says where it stood, and counts as one failure")
def test_a_suite_that_does_not_end(root, monkeypatch, capfd):
    alpha = project(root, "alpha", {"tests/test_x.py": ENDLESS})

    def seconds(one):  # its time is over when it hangs, however long that took
        return 99 * (alpha / "hangs").exists()

    monkeypatch.setattr(suites, "LIMIT", 3)
    monkeypatch.setattr(groups._Running, "seconds", seconds)
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    suite = suites.project_suite(alpha, Path(sys.executable), alpha)
    (done,) = suites.run_suites([suite])
    assert (done.passed, done.failed, done.code) == (3, 1, 124)
    shown = capfd.readouterr().err
    assert "in hang_at_the_end" in shown
    assert "alpha did not end within 0.05 minutes: killed" in shown


@pytest.mark.spec("WSP-035", "run the files of that kind only")
@pytest.mark.parametrize(
    "options, passed", [(["--smoke"], 1), (["--unit"], 3), (["--smoke", "--unit"], 4)]
)
def test_kinds(root, options, passed):
    smoke = {"tests/smoke_a.py": PASS, "tests/integration_b.py": FAIL}
    project(root, "alpha", smoke)
    make_ready(root)
    done = call(root, "test", *options)
    assert done.stdout.splitlines()[-1] == f"{passed} passed, 0 failed, 0 skipped"


def test_a_kind_of_which_there_is_none(root):
    project(root, "alpha")
    make_ready(root)
    done = call(root, "test", "--integration")
    assert done.returncode == 2
    assert done.stderr == "no tests of that kind; leave the option out to run all\n"


ALONE = """
import importlib.util
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def test_alone():
    assert {path.name for path in HERE.parent.iterdir()} == {"alpha", "venv"}
    assert importlib.util.find_spec("tools") is None
    assert importlib.util.find_spec("yaml") is None
    assert not (HERE / "runs").exists()
"""


@pytest.mark.spec("WSP-034", "with an environment of its own that holds only what it")
def test_isolated(root, tmp_path):
    """`pytest` here is a made-up package, which shows whose pytest was started."""
    code = (
        "import sys, runpy, pathlib\n"
        "report = [a for a in sys.argv if 'junitxml' in a][0].split('=')[1]\n"
        "space = runpy.run_path('tests/test_alone.py')\n"
        "space['test_alone']()\n"
        "pathlib.Path(report).write_text('<testsuite tests=\"1\"/>')\n"
    )
    wheel(tmp_path / "wheels", "pytest", "8.0", code)
    needs = {"requirements-dev.txt": "pytest==8.0\n", "runs/old/x.txt": ""}
    project(root, "alpha", {"tests/test_alone.py": ALONE, **needs})
    project(root, "beta")
    done = call(
        root,
        "test",
        "alpha",
        "--isolated",
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=(tmp_path / "wheels").as_uri(),
        PYTHONPATH=str(root),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"
    assert not (root / ".venv").exists()


@pytest.mark.spec("WSP-037", "counts as one failure and does not hide the others")
def test_isolated_environments_that_cannot_be_made(root):
    for name in ("alpha", "beta"):
        project(root, name, {"requirements.txt": "torch==2.12.0\ntorch==2.13.0\n"})
    done = call(root, "test", "--isolated")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "0 passed, 2 failed, 0 skipped"
    assert done.stderr.count("torch==2.12.0 and torch==2.13.0; agree on one") == 2


def test_the_log_of_pip_is_shown_before_its_folder_is_gone(root, monkeypatch, capsys):
    def fail(venv, requirements):
        write(venv / "pip.log", "the whole story")
        raise WorkspaceError("no network")

    monkeypatch.setattr(suites, "prepare", fail)
    assert suites.run_isolated(project(root, "alpha")).code == 2
    assert capsys.readouterr().err.endswith("the whole story\nno network\n")


def test_isolated_is_not_for_tools(root):
    done = call(root, "test", "tools/", "--isolated")
    assert done.returncode == 2 and "--isolated is for sub-projects" in done.stderr


def test_python_is_the_one_of_the_environment(root):
    project(root, "alpha")
    make_ready(root)
    shown = f'#!/bin/sh\necho started "$4" >&2\nexec "{sys.executable}" "$@"\n'
    (root / ".venv/bin/python").write_text(shown)
    assert "started pytest" in call(root, "test", "alpha").stderr
