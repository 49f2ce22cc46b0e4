import csv
import json
import sys
from pathlib import Path
from unittest import mock

import pytest
import scripts.cross_validate as script

from src.training import cross_validate as module
from src.training import report
from src.training.cross_validate import cross_validate
from src.utils import cli
from src.utils.errors import InputError


TINY = """
model: {name: simple_cnn, widths: [%s]}
data: {name: toy_patterns, batch_size: 8, toy: {size: 8, n_train: 24, n_val: 4}}
optim: {lr: 0.02}
train: {epochs: 2, patience: 1, min_gain: 0.9}
"""


@pytest.fixture
def configs(tmp_path) -> tuple[Path, Path]:
    paths = tmp_path / "wide.yaml", tmp_path / "thin.yaml"
    for path, widths in zip(paths, ("8, 8", "1"), strict=True):
        path.write_text(TINY % widths)
    return paths


@pytest.fixture(autouse=True)
def no_pictures_of_runs():
    with mock.patch.multiple(report, curves=mock.Mock(), draw_predictions=mock.Mock()):
        yield


@pytest.mark.spec("CNN-119", "every fold in a run folder of its own")
def test_two_configurations(configs, tmp_path, capsys):
    out = tmp_path / "runs"
    code = cross_validate(
        configs[0], (), 3, configs[1], out, "cpu", quiet=True, as_json=True
    )
    said = json.loads(capsys.readouterr().out)
    assert code == 0
    folder = out / "wide-cv-001"
    runs = [folder / part / f"fold-{i}" for part in "ab" for i in (1, 2, 3)]
    assert all((run / "checkpoints/last.pt").exists() for run in runs)
    kept = json.loads((folder / "cross_validation.json").read_text())
    assert kept == said
    rows = list(csv.DictReader((folder / "predictions.csv").read_text().splitlines()))
    assert len(rows) == 24
    right = {
        name: [row[f"predicted_{name}"] == row["target"] for row in rows]
        for name in ("wide", "thin")
    }
    assert said["right"] == sum(right["wide"])
    for part, name in ((said, "wide"), (said["against"], "thin")):
        shares = [fold["accuracy"] for fold in part["folds"]]
        for i, share in enumerate(shares):
            held = [
                hit
                for hit, row in zip(right[name], rows, strict=True)
                if row[f"fold_{name}"] == str(i)
            ]
            assert len(held) == 8 and share == sum(held) / 8
        assert part["mean"] == pytest.approx(sum(shares) / 3)
        assert part["interval_95"][0] < part["pooled"] < part["interval_95"][1]
    both = list(zip(right["wide"], right["thin"], strict=True))
    test = said["against"]["mcnemar"]
    assert test["only_a"] == both.count((True, False))
    assert test["only_b"] == both.count((False, True))
    assert (folder / "folds.png").stat().st_size > 5000


def test_a_fold_is_judged_by_its_last_weights(configs, tmp_path, capsys):
    cross_validate(configs[0], (), 2, None, tmp_path, "cpu", quiet=True)
    run = tmp_path / "wide-cv-001/fold-1"
    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    last = [row for row in rows if row["split"] == "val"][-1]
    said = json.loads((tmp_path / "wide-cv-001/cross_validation.json").read_text())
    assert last["epoch"] == "2"  # a patience of 1 would have ended it
    assert said["folds"][0]["accuracy"] == pytest.approx(float(last["accuracy"]), 1e-5)
    shown = capsys.readouterr().out
    assert "pooled" in shown and "95 % from" in shown and "McNemar" not in shown


def test_nothing_is_overwritten(tmp_path):
    first, second = (module._new_folder(tmp_path, "wide") for _ in range(2))
    assert first.name == "wide-cv-001" and second.name == "wide-cv-002"


def test_what_cannot_be_compared_is_refused_before_training(configs, tmp_path):
    configs[1].write_text(TINY.replace("size: 8, n", "size: 9, n") % "4")
    with pytest.raises(InputError, match="do not train on the same images"):
        cross_validate(configs[0], (), 3, configs[1], tmp_path / "runs", "cpu")
    with pytest.raises(InputError, match="--folds 1: must be 2 or more"):
        cross_validate(configs[0], (), 1, None, tmp_path / "runs", "cpu")
    assert not (tmp_path / "runs").exists()


def test_the_command_line(configs, tmp_path, capsys):
    words = ["cross_validate.py", "--config", str(configs[0]), "--folds", "99"]
    words += ["--out", str(tmp_path / "runs"), "--device", "cpu"]
    with (
        mock.patch.object(sys, "argv", words),
        pytest.raises(SystemExit) as leaving,
    ):
        cli.run(script.validate)
    assert leaving.value.code == 2
    assert "24 images cannot make 99 folds" in capsys.readouterr().err
