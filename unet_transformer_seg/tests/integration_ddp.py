"""Two processes under torchrun: equal to one, restarted, never hanging."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from src.training.task import Config, build
from src.utils.checkpoint import load_checkpoint
from src.utils.config import from_dict
from tests.tiny import CONFIG, TINY, digest


ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="torch without distributed"
)
NO_NORM_NO_DROPOUT = (
    "model.norm=group",
    "model.dropout=0",
    "loss.terms={cross_entropy: 1}",
)
"""Batch statistics, dropout and pooled ratios depend on the share of a process."""


def torchrun(out: Path, *overrides: str, options=(), script=None, env=None):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2",
        "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", *options,
        script or ROOT / "scripts/train.py", "--config", CONFIG, "--out", out,
        "--name", "run", "--device", "cpu", "--quiet", *TINY, *overrides,
    ]  # fmt: skip
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | (env or {}),
    )


def script(path: Path, body: str) -> Path:
    """A train.py that first runs `body`."""
    text = (ROOT / "scripts/train.py").read_text()
    text = text.replace("str(Path(__file__).resolve().parents[1])", repr(str(ROOT)))
    path.write_text(text.replace('if __name__ == "__main__":', f"{body}\n\nif True:"))
    return path


IN_DOUBLE = """
import torch

torch.set_default_dtype(torch.float64)
from src.utils import tensor_utils
from src.training import report, trainer

report.draw_predictions = lambda *_: None  # its images are single precision
plain = trainer.to_device


def in_double(batch, *more):
    batch = plain(batch, *more)
    return {k: v.double() if k == "image" else v for k, v in batch.items()}


trainer.to_device = in_double
"""


@pytest.mark.spec("SEG-117", "equal one process")
def test_two_processes_equal_one(tmp_path):
    train = script(tmp_path / "train.py", IN_DOUBLE)
    two = torchrun(tmp_path / "two", *NO_NORM_NO_DROPOUT, script=train)
    assert two.returncode == 0, two.stderr
    command = [sys.executable, train, "--config", CONFIG, "--out", tmp_path / "one"]
    command += [
        "--name",
        "run",
        "--device",
        "cpu",
        "--quiet",
        *TINY,
        *NO_NORM_NO_DROPOUT,
    ]
    one = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    assert one.returncode == 0, one.stderr
    weights = [
        torch.load(tmp_path / name / "run/checkpoints/last.pt", weights_only=True)[
            "weights"
        ]
        for name in ("one", "two")
    ]
    assert next(iter(weights[0].values())).dtype == torch.float64
    worst = max(
        (weights[0][name] - weights[1][name]).abs().max() for name in weights[0]
    )
    assert worst <= 1e-12
    fresh = max(w.abs().max() for w in weights[0].values())
    assert fresh > 1e-3


DIE_ONCE = """
import os
import signal
import time

from src.training import trainer

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
    done = torchrun(out)
    assert done.returncode == 0, done.stderr
    return out / "run"


def test_the_scores_are_those_of_the_saved_weights(unbroken):
    best = load_checkpoint(unbroken / "checkpoints/best.pt")
    setup = build(from_dict(Config, best["config"]))
    setup.model.load_state_dict(best["model"])
    setup.model.eval()
    val, parts = setup.datasets["val"], []
    for indices in ((0, 2), (1, 3)):  # the shares of rank 0 and rank 1
        samples = [val[(0, i)] for i in indices]
        batch = {k: torch.stack([s[k] for s in samples]) for k in ("image", "target")}
        with torch.no_grad():
            parts.append(setup.task.evaluate(setup.model, batch))
    alone = setup.task.metrics({k: parts[0][k] + parts[1][k] for k in parts[0]})
    assert best["metrics"]["loss"] == pytest.approx(alone["loss"], rel=1e-5)


@pytest.mark.spec("SEG-118", "restarts by itself")
def test_torchrun_restart_after_kill(tmp_path, unbroken):
    train = script(tmp_path / "train.py", DIE_ONCE)
    done = torchrun(tmp_path / "killed", options=["--max-restarts=1"], script=train)
    assert done.returncode == 0, done.stderr
    assert "continues" in done.stderr
    assert digest(tmp_path / "killed/run") == digest(unbroken)


BAD_SAMPLE = """
import os

from src.training import task

plain = task.SegmentationTask.loss


def loss(self, model, batch, progress):
    if progress == 0.25 and os.environ["RANK"] == "1":
        batch["image"][0, 0, 0, 0] = float("nan")
    return plain(self, model, batch, progress)


task.SegmentationTask.loss = loss
"""


@pytest.mark.spec("SEG-120", "names the step, the first bad tensor and the samples")
def test_a_bad_number_in_one_process_stops_them_all(tmp_path):
    train = script(tmp_path / "train.py", BAD_SAMPLE)
    two_batches = ("train.accumulate=2", "train.timeout_s=20")
    done = torchrun(tmp_path, *two_batches, script=train)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("step 3: ")]
    assert len(said) == 2 and said[0] == said[1]
    assert said[0].startswith("step 3: loss is nan (first seen in ")
    meta = json.loads((tmp_path / "run/meta.json").read_text())
    assert meta["status"] == "failed"


@pytest.mark.spec("SEG-119", "names the rank")
def test_missing_rank_times_out(tmp_path):
    stay_away = "import os, time\nif os.environ['RANK'] == '1':\n    time.sleep(60)"
    train = script(tmp_path / "train.py", stay_away)
    done = torchrun(tmp_path, "train.timeout_s=4", script=train)
    assert done.returncode != 0
    assert "rank 0 of 2 waited 4 s for rank 1" in done.stderr


def test_batches_that_do_not_divide_are_refused(tmp_path):
    done = torchrun(tmp_path, "data.batch_size=3")
    assert done.returncode != 0
    assert "data.batch_size = 3 does not divide among 2 processes" in done.stderr
