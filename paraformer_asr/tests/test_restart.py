# pattern: tests/test_restart.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_restart.py --from <sub-project>
"""Which run a job goes on with when torchrun restarts it."""

import json
from pathlib import Path

import pytest

from src.training.options import Options, continue_after_restart, job


@pytest.fixture(autouse=True)
def second_attempt(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setattr("sys.argv", ["train.py", "--config", "x.yaml"])


def make(out: Path, name: str, start: str, saved: bool = True, **meta) -> Path:
    (out / name / "checkpoints").mkdir(parents=True)
    if saved:
        (out / name / "checkpoints/last.pt").touch()
    content = {"job": job(), "status": "running", "start": start, **meta}
    (out / name / "meta.json").write_text(json.dumps(content))
    return out / name


def asked(out: Path, **more) -> Options:
    return Options(config=Path("x.yaml"), overrides=("seed=1",), out=out, **more)


def test_the_newest_unfinished_run_of_the_same_command_goes_on(tmp_path):
    make(tmp_path, "x-001", "2026-01-01")
    ours = make(tmp_path, "x-002", "2026-01-02", status="failed")
    make(tmp_path, "x-003", "2026-01-03", status="done")
    make(tmp_path, "x-004", "2026-01-04", job=["none", "train.py", "other"])
    (tmp_path / "latest").symlink_to("x-004")
    found = continue_after_restart(asked(tmp_path))
    assert found.resume == str(ours) and found.config is None
    assert found.overrides == () and not found.overwrite


def test_a_run_that_was_never_saved_is_begun_again(tmp_path):
    make(tmp_path, "x-001", "2026-01-01", saved=False)
    found = continue_after_restart(asked(tmp_path))
    assert (found.name, found.overwrite, found.resume) == ("x-001", True, "")


@pytest.mark.parametrize("other", [{"job": ["none", "x"]}, {"status": "done"}, None])
def test_a_run_of_somebody_else_is_never_overwritten(tmp_path, other):
    if other is not None:
        make(tmp_path, "mine", "2026-01-01", **other)
    before = asked(tmp_path, name="mine")
    assert continue_after_restart(before) == before


def test_the_first_attempt_does_as_it_is_told(tmp_path, monkeypatch):
    make(tmp_path, "x-001", "2026-01-01")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert continue_after_restart(asked(tmp_path)) == asked(tmp_path)
