"""A bench from the command line, with real training: the smallest there is."""

import json
import sys
from unittest import mock

import pytest
import scripts.evolve as script

from src.utils import cli
from tests.evolution_stub import BENCH


TINY = BENCH.replace("[1, 2, 3]", "[1]").replace("[old, modern]", "[old]")
TINY += "sample: 20\nprompt: the\n"


def evolve(*arguments) -> int:
    """What `python scripts/evolve.py ARGUMENTS` would do; gives the exit code."""
    with (
        mock.patch.object(sys, "argv", ["evolve.py", *map(str, arguments)]),
        pytest.raises(SystemExit) as leaving,
    ):
        cli.run(script.evolve)
    return leaving.value.code


@pytest.mark.spec("SEQ-115", "resumed by the same `evolve.py` command")
@pytest.mark.spec("SEQ-121", "samples")
def test_a_bench_runs_and_its_command_again_runs_nothing(tmp_path, capsys):
    config = tmp_path / "evolve_tiny.yaml"
    config.write_text(TINY)
    given = ["--config", config, "--out", tmp_path, "--only", "rnn"]
    assert evolve(*given, "--json") == 0
    said = capsys.readouterr()
    assert "[1/1] rnn-old-s1" in said.err and "bits per byte" in said.err
    found = json.loads(said.out)
    (run,) = found["runs"]
    assert 1 < run["bpb"] < 9 and run["peak_bytes"] > 1e8 and run["tokens"] == 128
    assert found["samples"]["rnn-old"].startswith("the")
    assert len(found["samples"]["rnn-old"]) == 23
    page = tmp_path / "evolve-tiny" / "index.html"
    assert page.stat().st_size > 10_000
    page.unlink()

    trained = (tmp_path / "evolve-tiny/rnn-old-s1/summary.json").stat().st_mtime_ns
    assert evolve(*given) == 0
    said = capsys.readouterr()
    assert str(page) in said.out and page.exists()
    assert "a sample of" not in said.err  # it was kept
    again = (tmp_path / "evolve-tiny/rnn-old-s1/summary.json").stat().st_mtime_ns
    assert again == trained


def test_a_mistake_is_one_sentence(tmp_path, capsys):
    assert evolve("--config", tmp_path / "nothing.yaml") == 2
    said = capsys.readouterr()
    assert "nothing.yaml: no such file" in said.err and said.err.count("\n") == 1
    assert said.out == ""


def test_help_is_complete(capsys):
    assert evolve("--help") == 0
    said = capsys.readouterr().out
    for option in ("--only", "--dry-run", "--report", "--sweep", "--at-once"):
        assert option in said
