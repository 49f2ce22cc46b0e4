"""`scripts/serve.py` as a process: its address, its end, and what it refuses."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from src.service.launch import Address, require_extra
from src.service.limits import Limits
from src.service.state import load_served
from src.utils.errors import InputError
from tests import served
from tests.forked import end_forked, in_fork, wait
from tests.served import Running, form, until, wav


ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def none_is_left():
    yield
    end_forked()


@contextmanager
def serving(tmp_path, monkeypatch, drain_s: float):
    """A service in a process of its own; gives its address, its id and its log.

    Its model works until there is a file `done`, so that a signal meets it at work.
    """
    served.need_extra()
    from src.inference.recognizer import Recognizer
    from src.service.launch import serve

    path = served.checkpoint()
    place, log = tmp_path / "address", tmp_path / "log"
    plain = Recognizer.transcribe

    def slow(self, waveform, rate, **more):
        while waveform.any() and not (tmp_path / "done").exists():
            time.sleep(0.01)
        return plain(self, waveform, rate, **more)

    def run() -> int:
        monkeypatch.setattr(Recognizer, "transcribe", slow)
        with open(place, "w") as out:
            os.dup2(out.fileno(), 1)
        sys.stdout = open(1, "w", closefd=False)
        from src.utils.logging import start_logging

        start_logging()
        serve(path, Address(port=0), Limits(drain_s=drain_s))
        return 0

    pid = in_fork(run, log)
    until(lambda: place.exists() and place.read_text().endswith("\n"))
    service = Running(place.read_text().strip(), None)
    until(lambda: service.get("/readyz").status == 200)
    yield service, pid, log


@pytest.mark.spec("ASR-140", "answers those that it has, and exits 143")
@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_lets_requests_finish(tmp_path, monkeypatch, number, code):
    with serving(tmp_path, monkeypatch, drain_s=60) as (service, pid, log):
        busy = at_work(service)
        os.kill(pid, number)
        until(lambda: refused(service))
        (tmp_path / "done").touch()
        answer = busy.getresponse()
        assert (answer.status, bool(answer.read())) == (200, True)
        busy.close()
        assert wait(pid) == code
    assert "Traceback" not in log.read_text()
    assert "stopped: all answers are given" in log.read_text()


def test_a_model_that_takes_longer_than_the_drain_is_not_waited_for(
    tmp_path, monkeypatch
):
    with serving(tmp_path, monkeypatch, drain_s=0.5) as (service, pid, _):
        busy = at_work(service)
        os.kill(pid, signal.SIGTERM)
        assert wait(pid) == 143
        busy.close()


def at_work(service: Running) -> HTTPConnection:
    """A request that the model works on; its answer is still to be read."""
    body, kind = form(wav())
    busy = service.connection()
    busy.request("POST", served.PATH, body, {"content-type": kind})
    until(lambda: b"asr_queue_length 1.0" in service.get("/metrics").body)
    return busy


def refused(service: Running) -> bool:
    try:
        service.get("/healthz")
    except OSError:
        return True
    return False


@pytest.fixture
def refused_with(monkeypatch, capsys):
    """What the command says on stderr; it ends with exit code 2."""
    from scripts import serve as script

    from src.utils.cli import run

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["serve.py", *arguments])
        with pytest.raises(SystemExit) as leaving:
            run(script.command)
        said = capsys.readouterr()
        assert leaving.value.code == 2, said.err
        return said.err

    return call


@pytest.mark.spec("ASR-140", "Without the extra it says what to type, exit code 2")
def test_without_the_extra_the_command_is_said(monkeypatch, refused_with):
    from src.service import launch

    absent = ("fastapi", "uvicorn")
    monkeypatch.setattr(launch, "find_spec", lambda name: name not in absent)
    assert refused_with("--checkpoint", "x.pt") == (
        "the service needs fastapi, uvicorn[standard]. Type: "
        "pip install fastapi 'uvicorn[standard]' python-multipart\n"
    )


def test_the_packages_are_those_of_the_extra():
    """What is typed is what pyproject.toml declares, without the versions."""
    import tomllib

    from src.service.launch import NEEDED

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]["service"]
    assert [re.split(r"[>=<]", line)[0] for line in extra] == [*NEEDED.values()]
    served.need_extra()
    require_extra()


def test_the_page_is_package_data():
    import tomllib

    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert tools["package-data"] == {"paraformer_asr.app": ["page/*"]}


@pytest.mark.spec("ASR-140", "an address that is taken and a limit that is none")
def test_an_address_that_is_taken_is_a_sentence():
    from src.service.launch import bind

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on .*:{port}: .*in use"):
            bind(Address(port=port))
    for host, port in (("127.0.0.1", 70000), ("no.such.host.invalid", 0)):
        with pytest.raises(InputError, match="Choose another --port or --host"):
            bind(Address(host, port))
    for name in ("queue", "seconds", "deadline_s", "megabytes"):
        with pytest.raises(InputError, match=f"{name} = 0: must be a number above 0"):
            Limits(**{name: 0})


def test_threads_below_none_are_refused(refused_with):
    assert "--threads" in refused_with("--checkpoint", "x.pt", "--threads", "-1")


@pytest.mark.spec("ASR-137", "exit code 2 and one sentence")
def test_a_checkpoint_that_is_none_ends_the_process(
    tmp_path, refused_with, monkeypatch
):
    served.need_extra()
    monkeypatch.setattr("signal.signal", lambda *_: None)  # pytest keeps its own
    bad = tmp_path / "bad.pt"
    bad.write_text("hello")
    said = refused_with("--checkpoint", str(bad), "--port", "0", "--quiet")
    assert said.startswith(f"{bad} is not a checkpoint: it is text.")
    assert said.count("\n") == 1


@pytest.mark.spec("ASR-137", "exit code 2 and one sentence")
def test_a_model_that_cannot_be_loaded_ends_the_process(tmp_path):
    """Its file is whole; that its weights do not fit is seen after the start."""
    served.need_extra()
    from src.utils.checkpoint import load_checkpoint, save_checkpoint

    content, path = load_checkpoint(served.checkpoint()), tmp_path / "other.pt"
    content["model"].popitem()
    save_checkpoint(path, content)
    done = subprocess.run(
        [sys.executable, "scripts/serve.py", "--checkpoint", str(path), "--port", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, "lacks tensor" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.spec("ASR-137", "until the model has transcribed a second of silence")
def test_the_model_is_warm_before_it_is_ready(monkeypatch):
    from src.inference.recognizer import Recognizer

    calls = []
    plain = Recognizer.transcribe
    monkeypatch.setattr(
        Recognizer,
        "transcribe",
        lambda self, wave, rate: (calls.append((wave, rate)), plain(self, wave, rate)),
    )
    made = load_served(served.checkpoint())()
    ((wave, rate),) = calls
    assert (len(wave), rate, bool(wave.any())) == (8000, 8000, False)
    assert (made.name, len(made.checkpoint)) == ("run", 12)
