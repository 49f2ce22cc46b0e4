"""Every file of configs/ can be trained, every kind of data is drawn; the folds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scripts.cross_validate as script

from src.data import DataConfig
from src.models import ModelConfig
from src.training import draw
from src.training.cross_validate import cross_validate
from src.training.progress import TrainConfig
from src.training.state import State
from src.training.task import Config, build
from src.training.trainer import Trainer
from src.utils.config import load_config
from src.utils.errors import InputError
from src.utils.run_dir import RunDir
from tests.tiny import run_script


ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
FOREIGN = ("idx", "image_folder", "text")
"""Kinds whose data does not come with the project: drawn digits or a poem stand in."""

POEM = "So long as men can breathe or eyes can see,\nSo long lives this.\n" * 9


def config_of(path: Path, tmp_path: Path) -> Config:
    """As the file says, with little data."""
    config = load_config(Config, path)
    data = replace(config.data, batch_size=4, count=20)
    if data.name in FOREIGN:
        (tmp_path / "poem.txt").write_text(POEM)
        name = "text" if data.name == "text" else "digits"
        root = str(tmp_path / "poem.txt")
        data = replace(data, name=name, root=root, epoch_windows=8, block=16)
    root = str(ROOT / data.root) if data.name == "table" else data.root
    return replace(config, data=replace(data, root=root))


@pytest.mark.spec("AGE-089", "says in its head with which command")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_config_makes_a_step(path, tmp_path):
    first = path.read_text().splitlines()[0]
    assert first == f"# python scripts/train.py --config configs/{path.name}"
    config = config_of(path, tmp_path)
    setup = build(config)
    run = RunDir(Path(), writes=False)
    state = State(config, {}, setup.model)
    trainer = Trainer(config, setup.task, setup.splits, state, run, quiet=True)
    before = setup.model.state_dict()
    loss, norm, _ = trainer._step(trainer._batches(0))
    assert np.isfinite(loss) and norm > 0
    moved = [(before[n] != a).any() for n, a in setup.model.state_dict().items()]
    assert any(moved)


@pytest.mark.parametrize(
    ("name", "model"),
    [("points", "mlp"), ("table", "logistic"), ("sentiment", "lstm"), ("text", "gpt")],
)
def test_each_kind_of_data_is_drawn(tmp_path, name, model):
    root = {"table": str(ROOT / "data/breast_cancer.csv"), "text": "poem.txt"}
    (tmp_path / "poem.txt").write_text(POEM)
    where = str(tmp_path / root.get(name, "")) if name in root else ""
    data = DataConfig(name=name, root=where, count=20, block=8, target="diagnosis")
    small = ModelConfig(name=model, hidden=(4,), d_model=8, n_heads=2)
    train = TrainConfig(monitor="loss", mode="min")
    setup = build(Config(data=data, model=small, train=train))
    (tmp_path / "predictions").mkdir()
    drawn = draw.draw_predictions(setup, "cpu", tmp_path)
    content = (tmp_path / drawn).read_bytes()
    if name == "text":
        assert len(content.decode()) == draw.CHARACTERS + 1
        assert set(content.decode()) <= set(POEM)
    else:
        assert content.startswith(b"\x89PNG") and len(content) > 3000


FEW = ("data.folds=3", "train.epochs=3", "model.name=logistic", "optim.lr=5e-2")


@pytest.mark.spec("AGE-089", "tests every row of a table exactly once")
def test_cross_validation_tests_every_row_once(monkeypatch):
    config = load_config(Config, ROOT / "configs/breast_cancer.yaml", FEW)
    monkeypatch.chdir(ROOT)
    seen = []

    def reference(train, test):
        rows = [features.tobytes() for features in test.features]
        known = {features.tobytes() for features in train.features}
        assert not known & set(rows) and len(train) + len(test) == 569
        seen.extend(np.round(test.labels))
        return np.zeros(len(test), np.int64)

    done = cross_validate(config, reference)
    assert done["model"]["rows"] == len(seen) == 569
    assert done["model"]["right"] == sum(row["right"] for row in done["folds"])
    assert done["model"]["accuracy"] > 0.9
    assert done["reference"]["right"] == seen.count(0)
    low, high = done["model"]["interval_95"]
    assert low < done["model"]["accuracy"] < high


def test_the_command_shows_scikit_learn_beside(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert run_script(script.command, *FEW, "train.epochs=1") == 0
    said = capsys.readouterr().out
    assert "logistic: " in said and "of 569 right" in said and "95 % interval" in said
    assert "scikit-learn: " in said
    monkeypatch.setattr(script, "logistic_regression", lambda: None)
    assert run_script(script.command, *FEW, "train.epochs=1") == 0
    assert "scikit-learn is not installed" in capsys.readouterr().out


def test_only_a_table_is_cross_validated():
    with pytest.raises(InputError, match="data.name = digits: only a table is divided"):
        cross_validate(Config())
