"""A bench from the command line, with real training: the smallest there is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from src.evolution.evolve import evolve
from tests.evolution_stub import BENCH


ROOT = Path(__file__).resolve().parents[1]
TINY = BENCH.replace("[1, 2, 3]", "[1]").replace("[old, modern]", "[old]")
TINY += "sample: 20\nprompt: the\n"


def script(*arguments, timeout=120):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "evolve.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


@pytest.mark.spec("SEQ-115", "resumed by the same `evolve.py` command")
@pytest.mark.spec("SEQ-121", "samples")
def test_a_bench_runs_and_its_command_again_runs_nothing(tmp_path, capsys):
    config = tmp_path / "evolve_tiny.yaml"
    config.write_text(TINY)
    given = ["--config", config, "--out", tmp_path, "--only", "rnn"]
    done = script(*given, "--json")
    assert done.returncode == 0, done.stderr
    assert "[1/1] rnn-old-s1" in done.stderr and "bits per byte" in done.stderr
    said = json.loads(done.stdout)
    (run,) = said["runs"]
    assert 1 < run["bpb"] < 9 and run["peak_bytes"] > 1e8 and run["tokens"] == 128
    assert said["samples"]["rnn-old"].startswith("the")
    assert len(said["samples"]["rnn-old"]) == 23
    page = tmp_path / "evolve-tiny" / "index.html"
    assert page.stat().st_size > 10_000
    page.unlink()

    code = evolve(config, ["rnn"], tmp_path, report_only=True)
    said = capsys.readouterr()
    assert code == 0 and str(page) in said.out and page.exists()
    assert "a sample of" not in said.err  # it was kept


def test_a_mistake_is_one_sentence(tmp_path):
    done = script("--config", tmp_path / "nothing.yaml")
    assert done.returncode == 2 and done.stdout == ""
    assert "nothing.yaml: no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_is_quick_and_complete():
    done = script("--help")
    assert done.returncode == 0
    for option in ("--only", "--dry-run", "--report", "--sweep", "--at-once"):
        assert option in done.stdout
