"""What the panel `runs` says of one run and of two, against trainer and metrics."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from src.app.opened import Opened
from src.app.runs import Runs
from src.app.stops import slope, stopping
from src.data import DataConfig, ToyConfig
from src.inference.scores import compare
from src.training.progress import TrainConfig
from src.utils.errors import InputError
from tests.checkpoints import CONFIG, logits_of, make_checkpoint
from tests.tiny import rows, start


STEADY = ("optim.schedule=constant", "optim.warmup=0")


def replay(run, **asked):
    return Runs(None, run.parent).stopping(run.name, **asked)


@pytest.mark.spec("CNN-195", "it ends where the run ended, with the same sentence")
@pytest.mark.parametrize(
    "wait",
    [
        ("train.patience=1", "train.min_gain=0.9", "train.epochs=9"),
        ("train.patience=2", "train.min_gain=0.3", "train.epochs=6"),
        ("train.patience=1", "train.min_gain=0.9", "train.cooldown=2"),
        ("train.patience=2", "train.monitor=loss", "train.mode=min"),
    ],
)
def test_a_run_is_replayed_to_its_end(tmp_path, capsys, wait):
    assert start(tmp_path, *STEADY, *wait, quiet=False) == 0
    said, run = capsys.readouterr().err, tmp_path / "run"
    progress = torch.load(run / "checkpoints/last.pt", weights_only=True)["progress"]
    found = replay(run)
    assert found["stop"] == progress["epoch"]
    assert found["waited"][-1] == progress["waited"]
    assert found["cooling_from"] == progress["cooling_from"]
    assert found["epochs"][-1] == progress["epoch"]
    early = progress["epoch"] < found["planned"]
    assert (f"stopped early: {found['sentence']}" in said) == early


@pytest.mark.spec("CNN-195", "where another `patience` or `min_gain` would have ended")
def test_another_patience_is_what_a_run_with_it_would_have_done(tmp_path):
    asked = ("train.patience=1", "train.min_gain=0.3", "train.epochs=6")
    assert start(tmp_path / "a", *STEADY, "train.epochs=6") == 0
    assert start(tmp_path / "b", *STEADY, *asked) == 0
    off = replay(tmp_path / "a/run")
    assert off["sentence"] == (
        "train.patience is 0: the rule was off, all 6 epochs are trained"
    )
    found = replay(tmp_path / "a/run", patience=1, min_gain=0.3)
    run = replay(tmp_path / "b/run")
    assert found["asked"] and not run["asked"]
    assert found["stop"] == run["stop"] < 6
    assert found["sentence"] == run["sentence"]
    values = [float(r["accuracy"]) for r in rows(tmp_path / "b/run") if r["accuracy"]]
    assert found["values"][: len(values)] == values == run["values"]


@pytest.mark.spec("CNN-195", "the least-squares slope of the last evaluations")
def test_the_slope_is_that_of_a_fitted_line():
    epochs = [1, 3, 5, 7, 9]
    values = [0.1, 0.5, 0.45, 0.6, 0.62]
    for at in range(2, 5):
        wanted = np.polyfit(epochs[at - 2 : at + 1], values[at - 2 : at + 1], 1)[0]
        assert slope(epochs, values, at, 3) == pytest.approx(wanted)
    assert slope(epochs, values, 1, 3) is None
    assert slope(epochs, [*values[:4], float("nan")], 4, 3) is None


def test_the_band_is_the_slope_that_just_satisfies_the_rule():
    train = TrainConfig(patience=4, min_gain=0.02, epochs=40)
    found = stopping([2, 4, 6], [0.1, 0.2, 0.219], train)
    assert found["band"] == pytest.approx(0.02 / 8)
    assert found["needed"] == [None, pytest.approx(0.12), pytest.approx(0.22)]
    assert found["gains"] == [True, True, False]
    assert found["sentence"].startswith("after epoch 6 of 40 it has waited for 1 of 4")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two models of the same data in one folder, and one of other data."""
    folder = tmp_path_factory.mktemp("runs")
    make_checkpoint(folder / "one")
    make_checkpoint(folder / "two", seed=5)
    other = replace(CONFIG, data=DataConfig(toy=ToyConfig(size=12, noise=0.5)))
    make_checkpoint(folder / "other", other)
    three = ToyConfig(size=12, patterns=("stripes", "rings"))
    make_checkpoint(folder / "three", replace(CONFIG, data=DataConfig(toy=three)))
    return folder


@pytest.fixture(scope="module")
def panel(pair):
    return Runs(Opened(pair / "one/checkpoints/best.pt"))


@pytest.mark.spec("CNN-196", "what `scripts/eval.py --against` gives")
def test_two_checkpoints_are_compared_on_the_same_images(panel, pair):
    ours, target, _ = logits_of(pair / "one/checkpoints/best.pt")
    theirs, _, _ = logits_of(pair / "two/checkpoints/best.pt")
    *told, found = panel.compare("one/best", "two/best", "test")
    wanted = compare(ours, theirs, target, panel.opened.info.class_names)
    assert {key: found[key] for key in wanted} == wanted
    assert told[-1] == {"done": 40, "of": 40}
    assert found["accuracy_a"] - found["accuracy"] == pytest.approx(found["difference"])
    cells = ("both_right", "only_this_right", "only_other_right", "both_wrong")
    assert sum(found[cell] for cell in cells) == len(target) == 20


@pytest.mark.spec("CNN-196", "McNemar's p")
def test_the_p_is_the_exact_binomial(panel):
    stats = pytest.importorskip("scipy.stats")
    *_, found = panel.compare("one/best", "two/best", "test")
    a, b = found["only_this_right"], found["only_other_right"]
    assert a + b > 0
    wanted = stats.binomtest(a, a + b).pvalue
    assert found["mcnemar_p"] == pytest.approx(wanted)


@pytest.mark.spec("CNN-196", "galleries of the images that only one of them has right")
def test_the_galleries_hold_what_one_alone_has_right(panel, pair):
    ours, target, _ = logits_of(pair / "one/checkpoints/best.pt")
    theirs, _, _ = logits_of(pair / "two/checkpoints/best.pt")
    right, other = ours.argmax(1) == target, theirs.argmax(1) == target
    *_, found = panel.compare("one/best", "two/best", "test")
    for tiles, alone, wrong in (
        ("tiles_a", right & ~other, theirs),
        ("tiles_b", other & ~right, ours),
    ):
        wanted = alone.nonzero()[:, 0].tolist()
        shown = [int(t["id"].removeprefix("test:")) for t in found[tiles]]
        assert sorted(shown) == wanted
        sure = [t["confidence"] for t in found[tiles]]
        assert sure == sorted(sure, reverse=True)
        for tile, number in zip(found[tiles], shown, strict=True):
            assert tile["predicted"] == int(wrong.argmax(1)[number])


@pytest.mark.spec("CNN-196", "Other images or other classes are refused")
@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("other/best", "one/best and other/best have other images in test"),
        ("three/best", "one/best and three/best were trained on different classes"),
        ("../one/best", "checkpoint '../one/best': .* has one/best, other/best"),
    ],
)
def test_what_cannot_be_compared_is_refused(panel, other, said):
    with pytest.raises(InputError, match=said):
        list(panel.compare("one/best", other, "test"))


def test_only_runs_of_the_list_are_read(tmp_path, panel):
    assert panel.start()["pair"] == ["one/best", "other/best"]
    with pytest.raises(InputError, match=r"run '\.\./secret'"):
        panel.stopping("../secret")
    assert start(tmp_path, "train.epochs=1") == 0
    run = tmp_path / "run"
    shutil.copytree(run, tmp_path / "empty")
    head = (run / "metrics.csv").read_text("utf-8").splitlines()[0]
    (tmp_path / "empty/metrics.csv").write_text(head + "\n", "utf-8")
    with pytest.raises(InputError, match="has no evaluation yet"):
        replay(tmp_path / "empty")
    (tmp_path / "empty/metrics.csv").write_text("step,split\n1,val\n", "utf-8")
    with pytest.raises(InputError, match="is not what a training writes"):
        replay(tmp_path / "empty")
    with pytest.raises(InputError, match="patience"):
        replay(run, patience=-1)
    assert json.dumps(Runs(None, tmp_path).start()["runs"]) == '["empty", "run"]'
