import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from tests.fake import QUICK, call, make_ready, project, workspace
from tools.projects import ROOT


@pytest.fixture
def root(tmp_path):
    return workspace(tmp_path)


@pytest.mark.spec("WSP-001", "the folders that hold `src/__init__.py`; no list names")
def test_sub_projects_are_found_by_looking(root):
    project(root, "beta")
    project(root, "alpha")
    (root / "not_one" / "src").mkdir(parents=True)
    assert json.loads(call(root, "list", "--json").stdout) == ["alpha", "beta"]
    assert call(root, "list").stdout == "alpha  On alpha.\nbeta  On beta.\n"


def test_an_empty_workspace_has_no_sub_projects(root):
    assert json.loads(call(root, "list", "--json").stdout) == []


@pytest.mark.spec("WSP-002", "one sentence with the known names and exit code 2")
@pytest.mark.parametrize("command", ["test", "demo"])
def test_an_unknown_name(root, command):
    project(root, "alpha")
    done = call(root, command, "alpah")
    known = "alpha, tools, check, exercises" if command == "test" else "alpha"
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (f"alpah is not here; did you mean alpha? known: {known}\n")


@pytest.mark.spec("WSP-003", "refused in one sentence that says what to type")
def test_an_old_python(root):
    code = (
        "import sys; sys.version_info = (3, 8, 1); sys.argv = ['x']; import runpy; "
        f"runpy.run_path({str(root / 'tools/workspace.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "Python 3.11 or newer is needed, this is 3.8; start it with a newer one, "
        "for example: python3.12 tools/workspace.py demo\n"
    )


@pytest.mark.spec("WSP-004", "from any folder and in a path with spaces")
@pytest.mark.spec("WSP-030", "in its own process from its own folder")
@pytest.mark.spec("WSP-072", "from any folder and without")
def test_everything_passes_from_elsewhere(root, tmp_path):
    where = 'import os\n\n\ndef test_it():\n    assert os.getcwd().endswith("alpha")\n'
    project(root, "alpha", {"tests/test_where.py": where})
    make_ready(root)
    (root / ".ci").mkdir()
    script = root / ".ci" / "run"
    script.write_bytes((ROOT / ".ci" / "run").read_bytes())
    assert script.read_text().splitlines()[-1] == (
        "exec python3 tools/workspace.py test </dev/null"
    )
    done = subprocess.run(
        ["bash", str(script)],
        cwd=tmp_path,
        env=os.environ | QUICK | {"CI": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "12 passed, 0 failed, 0 skipped"
    module = [sys.executable, "-m", "tools.workspace", "list"]
    assert subprocess.check_output(module, cwd=root, text=True) == "alpha  On alpha.\n"


WAIT = """
import signal, sys, time
from pathlib import Path

def stop(number, frame):
    time.sleep(0.5)
    Path("saved").write_text("")
    sys.exit(130)

signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
Path("started").write_text("")
time.sleep(200)
"""


@pytest.mark.spec("WSP-005", "gives the child time to save its state")
@pytest.mark.spec("WSP-006", "SIGTERM stops the child too and ends with exit code 143")
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(root, number, code):
    alpha = project(root, "alpha", {"scripts/train.py": WAIT})
    make_ready(root)
    command = [sys.executable, str(root / "tools/workspace.py"), "demo"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A job in the background of a script is started with Ctrl-C ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        _until((alpha / "started").exists)
        if number == signal.SIGINT:  # a terminal sends it to the whole group
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, errors = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == code
    assert (alpha / "saved").exists()
    assert "Traceback" not in errors


def _until(condition, seconds=100):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


@pytest.mark.spec("WSP-036", "refused in two lines that say what to")
@pytest.mark.parametrize(
    "arguments, refused",
    [(["alpha", "beta"], True), (["."], True), ([], False), (["alpha"], False)],
)
def test_pytest_over_several_sub_projects(root, arguments, refused):
    project(root, "alpha")
    project(root, "beta")
    for name in ("conftest.py", "pytest.ini"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_timeout", *arguments]
    done = subprocess.run(
        command, cwd=root, env=os.environ | QUICK, capture_output=True, text=True
    )
    if refused:
        assert done.returncode == 4
        assert "test one: pytest alpha\nor all of them" in done.stderr
    else:
        assert done.returncode == 0, done.stdout + done.stderr
