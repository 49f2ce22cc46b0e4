"""A made-up sub-project to sweep over, and what its runs leave behind."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tools import sweep
from tools.tests import fake


TRAIN = Path(__file__).with_name("fake_train.py")


def made(root: Path, name: str, **config) -> Path:
    """The configuration of a sub-project whose train.py is fake_train.py."""
    project = fake.project(root, name)
    shutil.copy(TRAIN, project / "scripts/train.py")
    return fake.write(project / "configs/toy.yaml", json.dumps(config))


def caller(capsys, monkeypatch) -> Callable[..., tuple[int, str, str]]:
    """The tool in this process: exit code, stdout, stderr."""
    monkeypatch.setattr(sweep, "handle_signals", lambda: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def call(*words) -> tuple[int, str, str]:
        code = sweep.main([str(word) for word in words])
        return code, *capsys.readouterr()

    return call


def calls(config: Path) -> dict[str, list[list[str]]]:
    """What train.py was asked for, by run folder."""
    runs = config.parents[1] / "runs/sweep-toy"
    return {
        file.parent.name: [json.loads(line) for line in file.read_text().splitlines()]
        for file in sorted(runs.glob("*/calls"))
        if not file.parent.is_symlink()
    }


def status(run: Path) -> str:
    return json.loads((run / "meta.json").read_text())["status"]


def until(true: Callable[[], bool]) -> None:
    """Wait until it is; a minute at most."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
