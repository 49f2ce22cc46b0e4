"""A study from the command line, with real training: the smallest there is."""

import json
import sys
from unittest import mock

import pytest
import scripts.reason as script

from src.evolution.study_length import took
from src.utils import cli


CONFIG = """
task: reason
data: {name: problems, batch_size: 8, block: 16, samples: 16}
model: {name: gpt_2023, d_model: 8, layers: 1, heads: 2}
reason:
  problems: {name: addition, options: {digits: 1}, n_train: 20, n_val: 2, n_test: 4}
  demonstrations: 10
  warm_up: 1
  group: 2
train: {epochs: 2, log_every: 1}
"""

STUDY = """
config: reason_tiny.yaml
seeds: [1]
curves: [reward, entropy]
pairs: [[grpo, grpo.base]]
arms:
  grpo: {label: GRPO}
  other: {change: {reason: {algorithm: rloo}}}
"""


def reason(*arguments) -> int:
    """What `python scripts/reason.py ARGUMENTS` would do; gives the exit code."""
    with (
        mock.patch.object(sys, "argv", ["reason.py", *map(str, arguments)]),
        pytest.raises(SystemExit) as leaving,
    ):
        cli.run(script.scale, script.solve, script.study)
    return leaving.value.code


@pytest.mark.spec("SEQ-220", "trains each arm with each seed")
@pytest.mark.spec("SEQ-224", "of each arm and of its supervised base")
def test_a_study_runs_and_its_command_again_runs_nothing(tmp_path, capsys):
    (tmp_path / "reason_tiny.yaml").write_text(CONFIG)
    config = tmp_path / "study_tiny.yaml"
    config.write_text(STUDY)
    given = ["study", "--config", config, "--out", tmp_path, "--only", "grpo"]
    assert reason(*given, "--json") == 0
    said = capsys.readouterr()
    assert "[1/1] grpo-s1  val pass@1 0.000  val pass@16" in said.err
    found = json.loads(said.out)
    assert [row["name"] for row in found["rows"]] == ["grpo.base", "grpo"]
    base, final = found["runs"]
    assert set(final["values"]) == {"greedy", "pass@1", "pass@4", "pass@16", "vote@16"}
    assert final["cpu_seconds"] > 0 and final["peak_bytes"] > 1e8
    assert base["data"] == final["data"] and final["epochs"] == 2
    assert "There are only 0 of 1 runs of other." in found["conclusion"]
    folder = tmp_path / "study-tiny"
    assert (folder / "study.png").stat().st_size > 10_000
    time = took(folder / "grpo-s1")
    assert time.epochs == 2 and time.evaluations == 2
    assert 0 < time.trained < time.cpu_seconds == final["cpu_seconds"]

    before = (folder / "grpo-s1" / "summary.json").stat().st_mtime_ns
    assert reason(*given) == 0
    said = capsys.readouterr()
    assert "GRPO, supervised base  1" in said.out and "scored on" not in said.err
    assert (folder / "grpo-s1" / "summary.json").stat().st_mtime_ns == before


@pytest.mark.spec("SEQ-221", "in one sentence with file and key")
def test_a_mistake_is_one_sentence(tmp_path, capsys):
    (tmp_path / "reason_tiny.yaml").write_text(CONFIG)
    config = tmp_path / "study_tiny.yaml"
    config.write_text(STUDY.replace("rloo", "grop"))
    assert reason("study", "--config", config) == 2
    said = capsys.readouterr()
    assert "study_tiny.yaml: arms.other.change: reason.algorithm must be" in said.err
    assert "Did you mean grpo?" in said.err and said.err.count("\n") == 1
    assert said.out == ""


def test_help_is_complete(capsys):
    assert reason("study", "--help") == 0
    said = capsys.readouterr().out
    for option in ("--seeds", "--only", "--dry-run", "--report", "--at-once", "--json"):
        assert option in said
