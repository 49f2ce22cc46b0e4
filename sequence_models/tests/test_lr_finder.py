import csv
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
import scripts.find_lr as script
import torch

from src.data.dataloader import train_loader
from src.training.lr_finder import find_lr, judge, range_test
from src.training.stage import Stage
from src.training.state import State
from src.training.task import Config, build
from src.training.trainer import Trainer
from src.utils import cli
from src.utils.config import load_config
from src.utils.distributed import Ranks
from src.utils.errors import InputError
from src.utils.seed import seed_everything


TINY = """
model: {name: gpt_2023, layers: 1, heads: 2, d_model: 16, dropout: 0.1}
data: {block: 16, samples: 40, batch_size: 16, toy: {n_train: 60, n_val: 10, n_test: 2}}
optim: {name: sgd, lr: 0.5, schedule: cosine}
train: {ema: 0.9, accumulate: 2}
"""


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


def setup_of(path: Path):
    config = load_config(Config, path)
    seed_everything(0)
    return config, build(config)


def valley(x: float) -> float:
    """Flat at 2, steepest at -2, lowest (1) at -1, then out; x is log10 of the rate."""
    if x < -1:
        return 1.5 - 0.5 * math.tanh(3 * (x + 2))
    return 1 + 3 * (x + 1) ** 2


@pytest.mark.spec("SEQ-111", "the steepest fall and a tenth of that of the lowest")
def test_the_suggestions_of_a_known_curve():
    places = [-5 + 6 * i / 120 for i in range(121)]
    found = judge([10**x for x in places], [valley(x) for x in places], True)
    assert math.log10(found.steepest) == pytest.approx(-2, abs=0.15)
    assert math.log10(found.lowest) == pytest.approx(-1.1, abs=0.3)
    assert found.tenth == found.lowest / 10


def test_noise_does_not_move_them_far():
    places = [-5 + 6 * i / 120 for i in range(121)]
    noise = 0.05 * torch.randn(121, generator=torch.Generator().manual_seed(0))
    losses = [valley(x) + e for x, e in zip(places, noise.tolist(), strict=True)]
    found = judge([10**x for x in places], losses, True)
    assert math.log10(found.steepest) == pytest.approx(-2, abs=0.4)


@pytest.mark.parametrize("losses", [[1.0] * 50, [1 + 0.01 * i for i in range(50)]])
def test_no_fall_no_suggestion(losses):
    found = judge([1e-3 * 1.1**i for i in range(50)], losses, False)
    assert found.steepest is None and found.tenth is None


@pytest.mark.spec("SEQ-111", "at rates that grow by one factor")
@pytest.mark.spec("SEQ-111", "ends where the loss breaks out")
def test_the_model_and_the_data_stay_as_they_are(config):
    config, setup = setup_of(config)
    before = {name: v.clone() for name, v in setup.model.state_dict().items()}
    found = range_test(config, setup, torch.device("cpu"), 1e-4, 1e4, 60)
    for name, value in setup.model.state_dict().items():
        assert torch.equal(value, before[name])
    ratios = [b / a for a, b in zip(found.rates, found.rates[1:], strict=False)]
    assert ratios == pytest.approx([1e8 ** (1 / 59)] * len(ratios))
    assert found.rates[0] == 1e-4
    assert found.broke_out and len(found.losses) < 60
    assert found.steepest < found.lowest < found.rates[-1]


@pytest.mark.spec("SEQ-111", "the trainer's own steps")
def test_the_losses_are_those_of_a_training_at_these_rates(config):
    config, setup = setup_of(config)
    rng = torch.get_rng_state()
    found = range_test(config, setup, torch.device("cpu"), 0.01, 0.1, 10)
    torch.set_rng_state(rng)
    train = replace(config.train, ema=0.0, epochs=10)
    optim = replace(config.optim, schedule="constant", warmup=0.0)
    config = replace(config, train=train, optim=optim)
    state = State(config, {}, setup.model, Ranks())
    trainer = Trainer(config, setup.task, setup.datasets, state, None, Ranks(), True)
    losses = []
    state.model.train()
    for epoch in range(10):  # of one step, for 40 images are 2 batches of 16
        state.progress.epoch = epoch
        trainer.stages.all = [Stage("", 0, replace(optim, lr=found.rates[epoch]))]
        batches = train_loader(trainer.datasets["train"], trainer._batches(0))
        losses.append(trainer._step(iter(batches))[0])
    assert losses == found.losses


@pytest.mark.parametrize(
    ("low", "high", "steps", "words"),
    [
        (1.0, 0.1, 50, "--low 1 --high 0.1: must be"),
        (0.0, 0.1, 50, "--low 0 --high 0.1: must be"),
        (1e-3, 0.1, 9, "--steps 9: needs at least 10"),
        (1e30, 1e35, 20, "the loss is not finite after"),
    ],
)
def test_ranges_that_are_none(config, low, high, steps, words):
    with pytest.raises(InputError, match=words):
        range_test(*setup_of(config), torch.device("cpu"), low, high, steps)


@pytest.mark.spec("SEQ-111", "prints the command to type next")
def test_the_command(config, tmp_path, capsys):
    given = ["find_lr.py", "--config", str(config), "--out", str(tmp_path / "out")]
    given += ["--low", "1e-4", "--high", "1e3", "--steps", "40", "--device", "cpu"]
    with (
        mock.patch.object(sys, "argv", [*given, "data.val_share=0.2"]),
        pytest.raises(SystemExit) as leaving,
    ):
        cli.run(script.find)
    assert leaving.value.code == 0
    said = capsys.readouterr().out.splitlines()
    step = (
        f"next   python scripts/train.py --config {config} data.val_share=0.2 optim.lr="
    )
    assert said[-1].startswith(step)
    rate = float(said[-1].removeprefix(step))
    tenth = next(line for line in said if line.startswith("a tenth"))
    assert float(tenth.split()[-1]) == pytest.approx(rate)
    assert (tmp_path / "out/tiny.png").stat().st_size > 10_000
    rows = list(csv.DictReader((tmp_path / "out/tiny.csv").read_text().splitlines()))
    assert float(rows[0]["lr"]) == 1e-4 and rows[0].keys() == {"lr", "loss", "smoothed"}


def test_nothing_to_suggest(config, tmp_path, capsys):
    find_lr(config, (), 1e-9, 1e-8, 10, tmp_path, "cpu", as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["next"] is None and said["steepest"] is None
    find_lr(config, (), 1e-9, 1e-8, 10, tmp_path, "cpu")
    shown = capsys.readouterr().out
    assert "the loss hardly fell at any rate" in shown and "next" not in shown


def test_a_steeper_fall_after_the_lowest_loss_is_not_suggested():
    gentle = [2.0 - 0.1 * i for i in range(11)]  # to 1.0
    losses = [*gentle, 2.0, 4.0, 6.0, 6.0, 6.0, 2.0, 1.8, 1.8]
    found = judge([10.0**i for i in range(len(losses))], losses, True)
    assert found.steepest < found.lowest
