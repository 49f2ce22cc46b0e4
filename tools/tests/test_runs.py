"""Folders of runs: which are found, and what of them cannot be read."""

import shlex
import sys

import pytest

from tools.compare import main
from tools.runs import eval_command, read_run
from tools.tests import fake
from tools.tests.compared_runs import make


def test_places_without_a_run_are_named(tmp_path, capsys):
    path = make(tmp_path, "a", 0.9)
    (tmp_path / "cache").mkdir()
    (tmp_path / "latest").symlink_to("a")
    assert main([*map(str, sorted(tmp_path.iterdir()))]) == 0
    said = capsys.readouterr().out
    assert f"note  {tmp_path}/cache holds no run" in said and "repeats" not in said
    assert main([str(tmp_path / "cache")]) == 2
    assert main([str(path), str(tmp_path / "b")]) == 2
    assert "b is not there" in capsys.readouterr().err


@pytest.mark.spec("WSP-108", "has a damaged file")
def test_one_damaged_evaluation_does_not_hide_the_others(tmp_path, capsys):
    for seed in range(3):
        path = make(tmp_path, f"a{seed}", 0.9, seed, test=0.5)
    (path / "eval/test.json").write_bytes(b"\xff")
    assert main([str(tmp_path), "--metric", "test:accuracy"]) == 0
    said = capsys.readouterr().out
    assert "a2/eval/test.json is damaged: 'utf-8'" in said and "seeds 0-1" in said
    assert main([str(path), "--metric", "test:accuracy"]) == 2
    assert capsys.readouterr().err.endswith("; the run is left out\n")


@pytest.mark.spec("WSP-108", "has a damaged file")
def test_why_the_others_have_no_value_is_said_beside_a_damaged_file(tmp_path, capsys):
    make(tmp_path, "a", 0.9)
    (make(tmp_path, "b", 0.9, 1, test=0.5) / "eval/test.json").write_text("{")
    assert main([str(tmp_path), "--metric", "test:accuracy"]) == 2
    said = capsys.readouterr().err
    assert "b/eval/test.json is damaged" in said
    assert "; test:accuracy: no run has it; a has no eval/test.json; make" in said


@pytest.mark.spec("WSP-108", "has a damaged file")
@pytest.mark.parametrize(
    "config, words",
    [
        ({"seed": [1]}, "seed is [1]"),
        ({"train": {"monitor": ["a"]}}, "train.monitor is ['a']"),
        ({"train": {"monitor": "accuracy", "mode": [1]}}, "train.mode is [1]"),
    ],
)
def test_a_setting_that_is_no_one_value_damages_its_run(
    tmp_path, capsys, config, words
):
    make(tmp_path, "a", 0.9)
    path = make(tmp_path, "b", 0.9, 1, config=config)
    assert main([str(tmp_path)]) == 0
    expected = "expected one number or word; the run is left out"
    assert f"note  {path} is damaged: {words}, {expected}" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["config.yaml", "summary.json"])
@pytest.mark.parametrize(
    "damage", ["[1]", "{a: [", "[" * 100_000, '{"a":' * 2_000 + "1" + "}" * 2_000]
)
def test_a_damaged_run_is_a_sentence(tmp_path, capsys, name, damage):
    make(tmp_path, "a", 0.9)
    (make(tmp_path, "b", 0.9, 1) / name).write_text(damage)
    assert main([str(tmp_path)]) == 0
    assert f"note  {tmp_path}/b/{name} is damaged: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "summary, there, name",
    [
        ("{}", "best.pt", "best.pt"),
        ("{}", "best.npz", "best.npz"),
        ('{"checkpoint": "/far/runs/x/checkpoints/last.pt"}', "best.pt", "last.pt"),
        ('{"checkpoint": null}', "none", "best.pt"),
    ],
)
def test_the_command_of_an_evaluation_can_be_typed_anywhere(
    tmp_path, summary, there, name
):
    project = tmp_path / "a b" / "alpha"
    fake.write(project / "src/__init__.py", "")
    fake.write(project / "runs/one/meta.json", "{}")
    fake.write(project / "runs/one/summary.json", summary)
    fake.write(project / "runs/one/checkpoints" / there, "")
    said = eval_command(read_run(project / "runs/one"), "test")
    folder, words = said.split(" && ")
    assert folder == f"cd '{project}'"
    checkpoint = str(project / "runs/one/checkpoints" / name)
    assert shlex.split(words) == [
        *(sys.executable, "scripts/eval.py", "--checkpoint", checkpoint),
        *("--split", "test"),
    ]
