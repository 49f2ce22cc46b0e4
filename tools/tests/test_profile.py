"""`tools profile`: a made-up training whose shares are known, and exact sums."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import profile_run
from tools.profile_samples import PHASES
from tools.projects import ROOT, WorkspaceError
from tools.tests import fake


BURN = """import time
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
"""
TRAIN = """import sys
import time
from pathlib import Path
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from src.burn import burn
import src.heavy
from src.data.toy import batch
from src.nn.module import Module
from src.engine.tape import Loss
from src.optim.sgd import SGD

def evaluate(model):
    batch()
    model()

def main():
    model, optimizer = Module(), SGD()
    for _ in range(4):
        batch()
        model()
        Loss().backward()
        optimizer.step()
    evaluate(model)
    print("trained")
    print("with a warning", file=sys.stderr)
    sys.exit(3)

main()
"""
PROGRAM = {  # CPU-seconds of 4 steps and one evaluation
    "src/burn.py": BURN,
    "src/heavy.py": "from .burn import burn\nburn(0.1)\n",
    "src/data/toy.py": "from ..burn import burn\ndef batch():\n    burn(0.0125)\n",
    "src/nn/module.py": "from ..burn import burn\nclass Module:\n"
    "    def __call__(self):\n        burn(0.05)\n",
    "src/engine/tape.py": "from ..burn import burn\nclass Loss:\n"
    "    def backward(self):\n        burn(0.2)\n",
    "src/optim/sgd.py": "from ..burn import burn\nclass SGD:\n"
    "    def step(self):\n        burn(0.05)\n",
    "scripts/train.py": TRAIN,
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """The working folder: a sub-project in a path with a space."""
    path = fake.project(tmp_path / "work space", "alpha", PROGRAM)
    monkeypatch.chdir(path)
    monkeypatch.setattr(profile_run, "handle_signals", lambda: None)
    return path


def script(project: Path, text: str) -> tuple[str, ...]:
    fake.write(project / "scripts/made.py", text)
    return "--", "python", "scripts/made.py"


@pytest.mark.spec("WSP-130", "what it prints and its exit code go through")
@pytest.mark.spec("WSP-131", "in the order of what they really took")
@pytest.mark.spec("WSP-134", "measured, printed and in no phase")
@pytest.mark.spec("WSP-135", "a table, `profile.json` and `profile.png`")
def test_the_shares_of_a_known_program(project, capfd):
    code = profile_run.main(["--", "python", "scripts/train.py"])
    out, said = capfd.readouterr()
    assert code == 3
    assert out.startswith("trained\n") and "with a warning" in said
    found = json.loads((project / "runs/profile/profile.json").read_text())
    took = {name: phase["cpu_seconds"] for name, phase in found["phases"].items()}
    # 0.8, 0.2 and 0.05 of the steps: a late look may take from a neighbour, not all.
    assert took["backward"] > took["forward"] > took["data"] > 0
    assert min(took["optimiser"], took["evaluation"], took["import"]) > 0
    assert took["writing"] == 0 and took["rest"] < took["backward"]
    assert sum(took.values()) == pytest.approx(found["cpu_seconds"], abs=0.01)
    seconds = sum(phase["seconds"] for phase in found["phases"].values())
    assert seconds == pytest.approx(found["seconds"], abs=0.01)
    own = found["profiler_cpu_seconds"]
    assert 0 < own < found["cpu_seconds"]
    said = re.search(r"the profiler itself took ([\d.]+) CPU-seconds more", out)
    assert float(said[1]) == pytest.approx(own, abs=0.011)  # both are rounded
    rows = out.splitlines()
    assert [row.split()[0] for row in rows[3:12]] == [*PHASES, "all"]
    assert found["exit_code"] == 3 and found["peak_mib"] > 5
    picture = (project / "runs/profile/profile.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    names = sorted(path.name for path in (project / "runs/profile").iterdir())
    assert names == ["profile.json", "profile.png"]


@pytest.mark.spec("WSP-130", "finds what it would find")
@pytest.mark.parametrize("module", [False, True])
def test_the_program_finds_what_python_would_give_it(project, capfd, module):
    text = "import sys\nprint([__name__, sys.argv, sys.path[0], __file__])\n"
    fake.write(project / "scripts/tell.py", text + "print(sys.warnoptions)\n")
    program = ("-m", "scripts.tell") if module else ("scripts/tell.py",)
    words = ("-W", "error", *program, "--a", "b=[1, 2]", "--", "-x")
    assert profile_run.main(["--", "python", *words]) == 0
    profiled = capfd.readouterr().out.splitlines()[:2]
    plain = [sys.executable, *words]
    done = subprocess.run(plain, cwd=project, capture_output=True, text=True)
    assert profiled == done.stdout.splitlines()


@pytest.mark.spec("WSP-130", "tracebacks too")
@pytest.mark.parametrize("text", ["def f():\n    1 / 0\nf()\n", "x = (\n", "a = b\n"])
def test_a_traceback_is_that_of_the_program(project, capfd, text):
    assert profile_run.main(list(script(project, text))) == 1
    said = capfd.readouterr().err
    done = subprocess.run(
        [sys.executable, "scripts/made.py"], cwd=project, capture_output=True, text=True
    )
    assert said.rpartition("saved ")[0] == done.stderr


@pytest.mark.spec("WSP-130", "if it ends before the first look")
def test_a_program_that_ends_at_once(project, capfd, monkeypatch):
    monkeypatch.setattr(profile_run, "read_samples", lambda *_: None)
    assert profile_run.main(list(script(project, "import os\nos._exit(5)\n"))) == 5
    said = "scripts/made.py ended with code 5 before there was anything to see\n"
    assert capfd.readouterr().err == said
    assert not (project / "runs").exists()


@pytest.mark.spec("WSP-133", "killed at any moment")
def test_a_killed_program_leaves_its_profile(project, capfd):
    text = "import os, time, src.burn\nkept = bytearray(50_000_000)\n"
    text = "import sys\nsys.path.insert(0, '.')\n" + text
    text += "src.burn.burn(0.5)\nos.kill(os.getpid(), 9)\n"
    assert profile_run.main(list(script(project, text))) == 137
    found = json.loads((project / "runs/profile/profile.json").read_text())
    assert found["exit_code"] == 137 and found["peak_mib"] > 50
    assert found["phases"]["rest"]["cpu_seconds"] > 0.1


@pytest.mark.spec("WSP-133", "the most memory that it ever had")
def test_a_short_peak_is_seen(project):
    assert profile_run.main(list(script(project, "bytearray(200_000_000)\n"))) == 0
    found = json.loads((project / "runs/profile/profile.json").read_text())
    assert found["peak_mib"] > 190
    assert len(found["memory"]) < 200


def test_a_copy_of_the_process_writes_no_samples(project):
    text = "import os, sys, time\ntime.sleep(0.1)\nif not os.fork():\n    sys.exit()\n"
    script(project, text + "os.wait()\n")
    words = [sys.executable, profile_run.CHILD, "samples", str(time.monotonic())]
    subprocess.run([*words, "scripts/made.py"], check=True)
    lines = (project / "samples").read_text().splitlines()
    times = [float(line.split()[0]) for line in lines if len(line.split()) == 5]
    assert times == sorted(times) and len(times) == len(set(times)) > 2


@pytest.mark.spec("WSP-136", "is one sentence")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what to run"),
        (["--"], "say what to run"),
        (["--", "ls"], "only Python is looked into"),
        (["--", "python"], "name a script"),
        (["--", "python", "-m"], "name a script"),
        (["--", "python", "-c", "1"], "name a script"),
        (["--", "python", "scripts/none.py"], "scripts/none.py: no such file"),
        (["--", "python3.99", "scripts/train.py"], "no such program"),
        (["vision_cn", "--", "python", "a.py"], "did you mean vision_cnn"),
        (["--out", "README.md", "--", "python", "-m", "this"], "cannot be written"),
    ],
)
def test_bad_input(project, capfd, words, said):
    assert profile_run.main(words) == 2
    assert said in capfd.readouterr().err.splitlines()[-1]


@pytest.mark.spec("WSP-136", "leaves the profile of the one before")
def test_a_refused_command_leaves_the_old_profile(project, capfd):
    old = fake.write(project / "runs/profile/profile.json", "old")
    words = script(project, "print('no such config')\nraise SystemExit(2)\n")
    assert profile_run.main(words) == 2
    out, said = capfd.readouterr()
    assert out == "no such config\n" and "refused" in said
    assert old.read_text() == "old"


@pytest.mark.spec("WSP-130", "its exit code go through")
def test_a_training_that_ends_with_2_has_a_profile(project, capfd):
    text = (project / "scripts/train.py").read_text().replace("exit(3)", "exit(2)")
    assert profile_run.main(script(project, text)) == 2
    assert (project / "runs/profile/profile.json").exists()


def test_at_the_root_the_sub_project_is_named(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(WorkspaceError, match="say in which sub-project"):
        profile_run._folder(None)
    assert profile_run._folder("vision_cnn/") == ROOT / "vision_cnn"


@pytest.mark.spec("WSP-137", "lets the program save its state")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_program(project, number):
    text = "import signal, sys, time\n"
    text += "def save(n, _):\n    print('saved', flush=True)\n    sys.exit(128 + n)\n"
    text += "signal.signal(signal.SIGINT, save)\nsignal.signal(signal.SIGTERM, save)\n"
    text += "print('ready', flush=True)\ntime.sleep(60)\n"
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.profile_run", *script(project, text)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    if number == signal.SIGINT:  # as a terminal does
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert out.startswith("saved\n") and "peak MiB" in out


def test_the_child_needs_only_python():
    """It runs as a file in an environment that may lack everything."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import profile_child"],
        cwd=ROOT / "tools",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
