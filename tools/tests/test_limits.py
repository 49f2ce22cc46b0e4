"""A test that hangs fails, in every sub-project and whatever it waits for."""

import os
import subprocess
import sys

import pytest

from tests.fake import QUICK, write
from tools.projects import ROOT, find_projects, read_pyproject, requirement_lines


PROJECTS = find_projects(ROOT)
WAITS = {
    "process": "import os, time\npid = os.fork()\nif not pid:\n    time.sleep(20)\n"
    "    os._exit(0)\nos.waitpid(pid, 0)",
    "queue": "import multiprocessing\nmultiprocessing.SimpleQueue().get()",
    "thread": "import threading, time\n"
    "thread = threading.Thread(target=time.sleep, args=[99], daemon=True)\n"
    "thread.start()\nthread.join()",
    "socket": "import socket\nserver = socket.create_server(('', 0))\n"
    "with server:\n    server.accept()",
    "command": "import subprocess\nsubprocess.check_output(['sleep', '99'])",
}


@pytest.mark.spec("WSP-038", "A test that takes longer than five minutes")
@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_every_sub_project_has_the_limit_wherever_it_is_copied(project):
    settings = read_pyproject(project)["tool"]["pytest"]["ini_options"]
    assert settings.get("timeout") == 300, f"{project}/pyproject.toml: timeout = 300"
    needs = requirement_lines(project / "requirements.txt")
    assert any(line.startswith("pytest-timeout") for line in needs), needs


@pytest.mark.spec("WSP-038", "fails wherever it waits, and the others go on")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")
@pytest.mark.parametrize("waits", WAITS)
def test_a_test_that_hangs_fails(tmp_path, waits):
    config = (ROOT / "pytest.ini").read_text().replace("timeout = 300", "timeout = 1")
    write(tmp_path / "pytest.ini", config.replace("tools/tests", "."))
    body = "".join(f"    {line}\n" for line in WAITS[waits].splitlines())
    other = "@pytest.mark.timeout(100)\ndef test_b():\n    pass\n"
    text = f"import pytest\n\n\ndef test_a():\n{body}\n\n{other}"
    write(tmp_path / "test_x.py", text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_timeout"]
    with open(tmp_path / "log", "w", encoding="utf-8") as log:  # a pipe waits for all
        code = subprocess.run(
            command, cwd=tmp_path, env=os.environ | QUICK, stdout=log, timeout=200
        ).returncode
    said = (tmp_path / "log").read_text()
    assert code == 1 and "test_a - Failed: Timeout (>1.0s)" in said, said
    assert said.splitlines()[-1].startswith("1 failed, 1 passed")
