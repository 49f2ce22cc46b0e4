import os
import signal
import subprocess
import sys
import time

import pytest

from tests.exercises import TESTS, exercise_project
from tests.fake import QUICK, make_ready, workspace
from tools.projects import ROOT


@pytest.mark.spec("WSP-229", "each exercise counts as one test")
def test_the_suite(tmp_path):
    root = workspace(tmp_path)
    text = "# Exercises\n" + "".join(
        f"\n## {i}. `numbers.f{i}`\nrequirements: ABC-0{i:02}\nAdd.\n"
        for i in range(1, 13)
    )
    source = "".join(f"def f{i}(x):\n    return x + {i}\n" for i in range(1, 14))
    tests = "import pytest\nfrom src import numbers\n" + "".join(
        f'\n\n@pytest.mark.spec("ABC-0{i:02}", "adds")\n'
        f"def test_{i}():\n    assert numbers.f{i}(1) == {i + 1}\n"
        for i in range(1, 14)
    )
    spec = "".join(f"- **ABC-0{i:02}** It adds.\n" for i in range(1, 14))
    instead = {"source": source, "tests": tests, "spec": spec}
    exercise_project(root, exercises=text.replace("f12", "f13"), **instead)
    make_ready(root)
    done = subprocess.run(
        [sys.executable, root / "tools/workspace.py", "test", "exercises"],
        env=os.environ | QUICK,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "11 passed, 1 failed, 0 skipped"
    assert "exercises of alpha" in done.stdout
    assert "no test notices that numbers.f13 is gone" in done.stdout


@pytest.mark.spec("WSP-228", "Ctrl-C ends it with exit code 130")
def test_ctrl_c(tmp_path):
    slow = TESTS + (
        '\n\n@pytest.mark.spec("ABC-001", "waits")\ndef test_slow():\n'
        "    import os, pathlib, time\n"
        f"    part = pathlib.Path({str(tmp_path / 'part')!r})\n"
        "    part.write_text(str(os.getpid()))\n"
        f"    part.rename({str(tmp_path / 'began')!r})\n    time.sleep(99)\n"
    )
    exercise_project(tmp_path, tests=slow)
    code = (
        f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'tools')]!r}\n"
        "from pathlib import Path\nfrom tools import exercise\n"
        f"exercise.ROOT = Path({str(tmp_path)!r})\n"
        "sys.exit(exercise.main(['verify', 'alpha']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | QUICK,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (tmp_path / "began").exists() and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 130
    assert shown == "stopped\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "began").read_text()), 0)
