"""Two processes: equal to one, restarted by torchrun, never hanging."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from src.training import launch
from src.training.task import Config, build
from src.training.tasks import TokenTask
from src.utils.checkpoint import load_checkpoint
from src.utils.config import from_dict
from tests.tiny import CONFIG, NO_MEMORY, TINY, digest, end_forked, in_fork, start, wait


ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    not (torch.distributed.is_available() and hasattr(os, "fork")),
    reason="needs torch with distributed, and fork",
)


@pytest.fixture(autouse=True)
def no_child_survives_its_test():
    yield
    end_forked()


def fork_ranks(out: Path, *overrides: str, begin=start) -> tuple[list[int], str]:
    """What torchrun starts, with torch already imported: exit codes and stderr."""

    def train(rank: int) -> int:
        os.environ |= {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}", "WORLD_SIZE": "2"}
        os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": f"{port}"}
        return begin(out, *overrides)

    out.mkdir(exist_ok=True)
    logs = [out / f"log{rank}" for rank in (0, 1)]
    with socket.socket() as held:  # until the end: nobody else is given this port
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("localhost", 0))
        port = held.getsockname()[1]
        pids = [in_fork(lambda r=rank: train(r), logs[rank]) for rank in (0, 1)]
        codes = [wait(pid) for pid in pids]
    return codes, "".join(log.read_text() for log in logs)


def torchrun(script: Path, out: Path) -> subprocess.CompletedProcess:
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2",
        "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", "--max-restarts=1",
        script, "--config", CONFIG, "--out", out, "--name", "run", "--device", "cpu",
        "--quiet", *TINY,
    ]  # fmt: skip
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def script(path: Path, body: str) -> Path:
    """A train.py that first runs `body`."""
    text = (ROOT / "scripts/train.py").read_text()
    text = text.replace("str(Path(__file__).resolve().parents[1])", repr(str(ROOT)))
    path.write_text(text.replace('if __name__ == "__main__":', f"{body}\n\nif True:"))
    return path


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "checkpoints/last.pt", weights_only=True)["weights"]


@pytest.mark.spec("SEQ-157", "equal one process")
def test_two_processes_equal_one(tmp_path, monkeypatch):
    def build_in_double(config):
        setup = build(config)
        return replace(setup, model=setup.model.double())

    monkeypatch.setattr(launch, "build", build_in_double)
    codes, said = fork_ranks(tmp_path / "two", *NO_MEMORY)
    assert codes == [0, 0], said
    assert start(tmp_path / "one", *NO_MEMORY) == 0
    one, two = (weights_of(tmp_path / name / "run") for name in ("one", "two"))
    assert {weight.dtype for weight in one.values()} == {torch.float64}
    assert max((one[name] - two[name]).abs().max() for name in one) <= 1e-12


DIE_ONCE = """
import os
import signal
import time

from src.training import report, trainer

report.curves = report.draw_predictions = lambda *_: None  # they take longer
if os.environ["TORCHELASTIC_RESTART_COUNT"] != "0" and os.environ["RANK"] == "1":
    time.sleep(2)  # so that rank 0 could meet the dead rank 1 of the attempt before

plain = trainer.Trainer._step


def step(self, iterator):
    first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    if first and self.ranks.rank == 1 and self.state.progress.step == 10:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, iterator)


trainer.Trainer._step = step
"""


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    codes, said = fork_ranks(out)
    assert codes == [0, 0], said
    return out / "run"


def test_the_scores_are_those_of_the_saved_weights(unbroken):
    best = load_checkpoint(unbroken / "checkpoints/best.pt")
    setup = build(from_dict(Config, best["config"]))
    setup.model.load_state_dict(best["model"])
    setup.model.eval()
    val, parts = setup.datasets["val"], []
    for rank in range(2):
        share = [(0, i) for i in range(rank, len(val), 2)]
        batch = val.__getitems__(share)
        with torch.no_grad():
            parts.append(setup.task.evaluate(setup.model, batch))
    alone = setup.task.metrics({k: parts[0][k] + parts[1][k] for k in parts[0]})
    assert best["metrics"]["loss"] == pytest.approx(alone["loss"], rel=1e-5)


@pytest.mark.spec("SEQ-157", "Two processes under torchrun")
@pytest.mark.spec("SEQ-158", "restarts by itself")
def test_torchrun_restart_after_kill(tmp_path, unbroken):
    train = script(tmp_path / "train.py", DIE_ONCE)
    done = torchrun(train, tmp_path / "killed")
    assert done.returncode == 0, done.stderr
    assert "continues" in done.stderr
    assert digest(tmp_path / "killed/run") == digest(unbroken)


@pytest.mark.spec("SEQ-160", "names the step and the first bad tensor")
def test_a_bad_number_in_one_process_stops_them_all(tmp_path, monkeypatch):
    plain = TokenTask.loss

    def loss(self, model, batch, progress):
        if progress == 0.25 and os.environ["RANK"] == "1":
            getattr(model, "module", model).head.bias.data[0] = float("nan")
        return plain(self, model, batch, progress)

    monkeypatch.setattr(TokenTask, "loss", loss)
    codes, text = fork_ranks(tmp_path, "train.accumulate=2", "train.timeout_s=100")
    said = [line for line in text.splitlines() if "step 3: " in line]
    assert 0 not in codes and len(said) == 2 and said[0] == said[1], text
    assert "DivergedError: step 3: loss is nan (first seen in " in said[0]
    meta = json.loads((tmp_path / "run/meta.json").read_text())
    assert meta["status"] == "failed"


@pytest.mark.spec("SEQ-159", "names the rank")
def test_missing_rank_times_out(tmp_path, monkeypatch):
    plain = launch.join_ranks

    def stay_away(*given):
        if os.environ["RANK"] == "1":
            os._exit(7)
        return plain(*given)

    monkeypatch.setattr(launch, "join_ranks", stay_away)
    codes, said = fork_ranks(tmp_path, "train.timeout_s=3")
    assert codes == [1, 7] and "rank 0 of 2 waited 3 s for rank 1" in said


def test_batches_that_do_not_divide_are_refused(tmp_path):
    codes, said = fork_ranks(tmp_path, "data.batch_size=3")
    assert 0 not in codes
    assert "data.batch_size = 3 does not divide among 2 processes" in said
