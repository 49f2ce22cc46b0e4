"""One process at a time in a run folder, and signals that end a run between steps."""

import os
import signal

import pytest

from src.utils.errors import InputError
from src.utils.interrupt import Interrupt, exit_code
from src.utils.lock import check_free
from src.utils.logging import log
from src.utils.run_dir import RunDir
from tests.forked import end_forked, in_fork, wait


fcntl = pytest.importorskip("fcntl")


@pytest.fixture(autouse=True)
def ended():
    yield
    end_forked()


def refused(call, advice: str) -> int:
    """In a fork: the exit code is 0 if `call` is refused with `advice`."""

    def run() -> int:
        with pytest.raises(InputError, match=f"is in use by process .*{advice}"):
            call()
        return 0

    return wait(in_fork(run))


@pytest.mark.spec("AGE-069", "One process at a time")
def test_a_run_in_use_is_refused(tmp_path):
    with RunDir.create(tmp_path, "mlp", name="run") as run:
        run.update_meta(status="running")
        assert refused(lambda: RunDir(run.path), "Wait for it, or stop it") == 0
        again = {"name": "run", "overwrite": True}
        call = lambda: RunDir.create(tmp_path, "mlp", **again)  # noqa: E731
        assert refused(call, "choose another --name") == 0
        assert refused(lambda: check_free(run.path, "Go away"), "Go away") == 0
    holder = (run.path / ".lock").read_text()
    assert holder.startswith(f"process {os.getpid()} since ")
    RunDir(run.path).__exit__()


@pytest.mark.spec("AGE-069", "however it ends")
def test_the_lock_falls_with_a_process_that_is_killed(tmp_path):
    def hold() -> int:
        RunDir(tmp_path / "run")
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert wait(in_fork(hold)) == -signal.SIGKILL
    check_free(tmp_path / "run", "")
    RunDir(tmp_path / "run").__exit__()


def test_two_may_look_at_once_whether_a_run_is_free(tmp_path):
    def look() -> int:
        check_free(tmp_path, "")
        return 0

    check_free(tmp_path, "")
    (tmp_path / ".lock").touch()
    with open(tmp_path / ".lock") as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        assert wait(in_fork(look)) == 0


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_noted_and_the_second_ends(number, code, monkeypatch):
    said = []
    monkeypatch.setattr(log, "info", said.append)
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        assert exit_code(interrupt.number) == 0
        signal.raise_signal(number)
        assert exit_code(interrupt.number) == code
    assert said == ["stopping after this step (again: stop at once, without saving)"]
    assert signal.getsignal(number) is before

    def twice() -> int:
        with Interrupt():
            signal.raise_signal(number)
            signal.raise_signal(number)
        return 0

    assert wait(in_fork(twice)) == -number
