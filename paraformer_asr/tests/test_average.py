"""The mean of the last epochs' weights."""

import pytest
import torch
from scripts import average as script

from src.training.average import average_checkpoints, newest_epochs
from src.training.load import load_model
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.errors import InputError
from tests.tiny import command_of, start


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("averaged")
    assert start(out, "train.keep=2") == 0
    return out / "run"


def test_a_thousandth_epoch_is_newer_than_the_one_before(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for epoch in ("998", "1000", "999", "1001"):
        (tmp_path / f"checkpoints/epoch-{epoch}.pt").touch()
    names = [path.name for path in newest_epochs(tmp_path, 3)]
    assert names == ["epoch-999.pt", "epoch-1000.pt", "epoch-1001.pt"]


def weights(path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["model"]


@pytest.mark.spec("ASR-188", "the last epochs that `train.keep` has kept")
def test_the_last_epochs_stay(run):
    kept = sorted(path.name for path in (run / "checkpoints").glob("epoch-*"))
    assert kept == ["epoch-003.pt", "epoch-004.pt"]
    last = torch.load(run / "checkpoints/last.pt", weights_only=True)["model"]
    newest = weights(run / "checkpoints/epoch-004.pt")
    assert all(torch.equal(newest[name], last[name]) for name in last)


@pytest.mark.spec("ASR-188", "the mean of the weights")
def test_the_mean_is_a_checkpoint_like_any_other(run, tmp_path, capsys):
    out = tmp_path / "deep" / "mean.pt"
    where = ["--run", run, "--last", "2", "--out", out]
    assert command_of(script.average, "average.py", *where) == 0
    assert f"eval.py --checkpoint {out}" in capsys.readouterr().out
    one, two = (weights(path) for path in newest_epochs(run, 2))
    moved = 0.0
    for name, tensor in weights(out).items():
        wanted = (one[name].double() + two[name].double()) / 2
        assert torch.equal(tensor, wanted.to(tensor.dtype))
        moved += float((one[name].double() - two[name].double()).abs().sum())
    assert moved > 0
    assert not load_model(out).model.training


@pytest.mark.spec("ASR-188", "refuses checkpoints of different models")
def test_other_models_and_missing_epochs_are_refused(run, tmp_path):
    assert start(tmp_path, "train.epochs=1", "train.keep=1", "model.ff=8") == 0
    foreign = newest_epochs(tmp_path / "run", 1)
    with pytest.raises(InputError, match="differ in their model"):
        average_checkpoints([*foreign, *newest_epochs(run, 1)], tmp_path / "x.pt")
    content = load_checkpoint(newest_epochs(run, 1)[0])
    content["data"]["front_end"]["config"]["preemphasis"] = 0.5
    save_checkpoint(tmp_path / "other.pt", content)
    with pytest.raises(InputError, match="differ in their front_end"):
        average_checkpoints(
            [tmp_path / "other.pt", *newest_epochs(run, 1)], tmp_path / "x.pt"
        )
    with pytest.raises(InputError, match="has kept 2 epochs, and 3 are asked for"):
        newest_epochs(run, 3)
    assert not (tmp_path / "x.pt").exists()
