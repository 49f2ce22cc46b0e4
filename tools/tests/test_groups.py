import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fake import QUICK, call, make_ready, project, workspace, write
from tools import groups
from tools.groups import Command, run_commands


LIMIT = 100
"""Seconds that a busy machine may take for what takes one."""


@pytest.fixture
def root(tmp_path):
    return workspace(tmp_path)


def python(name, folder, code, *words):
    return Command(name, [sys.executable, "-u", "-c", code, *words], folder)


MEET = """
import sys, time
from pathlib import Path

print(sys.argv[1], "one")
Path(sys.argv[1]).touch()
end = time.monotonic() + 100
while not Path(sys.argv[2]).exists() and time.monotonic() < end:
    time.sleep(0.02)
print(sys.argv[1], "two")
sys.exit(not Path(sys.argv[2]).exists())
"""


@pytest.mark.spec("WSP-080", "side by side, one a core; the output of each is shown")
def test_two_at_once_and_the_output_of_each_whole(tmp_path, capfd):
    pairs = [("a", "b"), ("b", "a"), ("c", "a")]
    commands = [python(x, tmp_path, MEET, x, y) for x, y in pairs]
    ended = run_commands(commands, limit=200, workers=2)
    assert [one.code for one in ended] == [0, 0, 0]
    said = capfd.readouterr().out.split()
    assert sorted(said[::2]) == [*"aabbcc"] and said[1::2] == ["one", "two"] * 3
    assert said[0] == said[2] and said[4] == said[6]


def test_one_worker_begins_the_second_when_the_first_has_ended(tmp_path, capfd):
    codes = ["print(1); raise SystemExit(3)", "print(2)"]
    commands = [python(code, tmp_path, code) for code in codes]
    assert [one.code for one in run_commands(commands, 60, 1)] == [3, 0]
    assert capfd.readouterr().out.split() == ["1", "2"]


WAIT = """
import sys, time
from pathlib import Path

print(*sys.argv[2:])
while not Path(sys.argv[1]).exists():
    time.sleep(0.02)
"""


@pytest.mark.spec("WSP-080", "until then how far it is")
def test_how_far_each_is(tmp_path, monkeypatch):
    said, seen = [], tmp_path / "seen"

    def say(text):
        said.append(text)
        if "42%" in text:  # they work until then
            seen.touch()

    monkeypatch.setattr(groups, "REPORT_EVERY", 1)
    monkeypatch.setattr(groups, "say", say)
    far = python("far", tmp_path, WAIT, str(seen), "... [  7%]\n.. [ 42%]\n..")
    silent = python("silent", tmp_path, WAIT, str(seen))
    ended = run_commands([far, silent], LIMIT, 2)
    assert [one.code for one in ended] == [0, 0]
    assert any(re.fullmatch(r"\d:\d\d  far 42%, silent", line) for line in said)


def test_a_child_that_is_left_behind_does_not_hold_its_suite(tmp_path, capfd):
    code = "import subprocess; print(subprocess.Popen(['sleep', '999']).pid)"
    (first, second) = run_commands([python(n, tmp_path, code) for n in "ab"], 60, 2)
    assert first.code == second.code == 0  # or they would have met the limit
    for pid in map(int, capfd.readouterr().out.split()):
        assert is_gone(pid)


HANG = """import subprocess, time
print(subprocess.Popen(['sleep', '999']).pid)
open('hangs', 'w'); time.sleep(999)
"""


@pytest.mark.spec("WSP-039", "killed with all that it started, says")
def test_one_that_does_not_end_does_not_hide_the_other(tmp_path, capfd, monkeypatch):
    hangs = python("hangs", tmp_path, HANG)
    ends = python("ends", tmp_path, "print('ok')")
    hangs.words[1:1] = ["-X", "faulthandler"]

    def seconds(one):  # its time is over when it hangs, however long that took
        return 99 * (tmp_path / one.command.name).exists()

    monkeypatch.setattr(groups._Running, "seconds", seconds)
    ended = run_commands([hangs, ends], 3, 2)
    assert [one.code for one in ended] == [groups.KILLED, 0]
    said = capfd.readouterr()
    assert "hangs did not end within 0.05 minutes: killed" in said.err
    assert 'File "<string>", line 3 in <module>' in said.out and "ok" in said.out
    (pid,) = (int(line) for line in said.out.splitlines() if line.isdigit())
    assert is_gone(pid)


def is_gone(pid: int) -> bool:
    """Also where it is a zombie that nobody reaps, as in a container."""
    end, stat = time.monotonic() + LIMIT, Path(f"/proc/{pid}/stat")
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            if stat.exists() and stat.read_text().split()[2] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


SLOW = """
import time
from pathlib import Path


def test_it():
    try:
        Path("started").touch()
        time.sleep(200)
    finally:
        Path("saved").touch()
"""


@pytest.mark.spec("WSP-081", "reach every suite that runs")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_reach_the_suites(root, number, code):
    handler = (
        "import signal\n\nsignal.signal(signal.SIGTERM, signal.default_int_handler)"
    )
    both = [project(root, name, {"tests/test_slow.py": SLOW}) for name in ("a", "b")]
    for one in both:
        write(one / "tests" / "conftest.py", handler)
    make_ready(root)
    process = subprocess.Popen(
        [sys.executable, str(root / "tools/workspace.py"), "test"],
        env=os.environ | QUICK,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        end = time.monotonic() + LIMIT
        while not all((one / "started").exists() for one in both):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        out, errors = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    assert process.returncode == code, errors
    assert all((one / "saved").exists() for one in both), out + errors
    assert out.count("!! KeyboardInterrupt !!") == 2 and "Traceback" not in errors


def test_one_suite_alone_speaks_for_itself(root):
    project(root, "alpha")
    make_ready(root)
    done = call(root, "test", "alpha")
    assert done.stderr.startswith("\n== alpha ==\n")
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed, 0 skipped"
