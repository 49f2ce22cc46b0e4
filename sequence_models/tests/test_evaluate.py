"""Scoring a checkpoint: every token once, as JSON and as a table."""

import json
import logging
from unittest import mock

import pytest
import torch
from scripts.eval import command as script

from src.inference.evaluate import evaluate
from src.training.load import load_model, reopen_data
from src.utils import cli
from src.utils.checkpoint import save_checkpoint
from src.utils.errors import FaultError, InputError
from tests.tiny import NO_MEMORY, start


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    assert start(out, *NO_MEMORY, "train.epochs=1") == 0
    return out / "run"


@pytest.mark.spec("SEQ-144", "scores every token of a split but the first once")
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_each_token_is_scored_once(run, split):
    found = evaluate(run / "checkpoints/best.pt", split, quiet=True, device="cpu")
    loaded = load_model(run / "checkpoints/best.pt")
    opened = reopen_data(loaded)
    tokens = torch.as_tensor(opened.datasets[split].tokens).long()
    assert found["tokens"] == len(tokens) - 1
    nats = []
    with torch.no_grad():
        for begin in range(0, len(tokens) - 1, 8):
            part = tokens[begin : begin + 9]
            logits, _ = loaded.model(part[None, :-1])
            log_p = logits[0].log_softmax(-1)
            nats.append(-log_p.gather(1, part[1:, None])[:, 0])
    assert found["loss"] == pytest.approx(torch.cat(nats).mean().item(), rel=1e-5)


@pytest.mark.spec("SEQ-144", "writes\n  the result as JSON")
def test_the_result_is_written_and_printed(run, capsys):
    arguments = ["eval.py", "--checkpoint", str(run / "checkpoints/best.pt"), "--json"]
    with mock.patch("sys.argv", arguments), pytest.raises(SystemExit, match="0"):
        cli.run(script)
    said = json.loads(capsys.readouterr().out)
    assert said["split"] == "test"
    kept = json.loads((run / "eval/test.json").read_text())
    assert kept == said and kept["bpb"] > 0


def test_a_stateful_run_is_scored_like_any_other(tmp_path):
    assert start(tmp_path, "train.epochs=1") == 0
    found = evaluate(tmp_path / "run/checkpoints/best.pt", "val", quiet=True)
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert found["loss"] == pytest.approx(summary["best"]["loss"], rel=1e-5)


def test_a_split_that_is_not_there_is_named(run):
    with pytest.raises(InputError, match="--split dev: this data has train, val, test"):
        evaluate(run / "checkpoints/best.pt", "dev", quiet=True)


def changed(run, tmp_path, change):
    content = torch.load(run / "checkpoints/best.pt", weights_only=True)
    change(content)
    save_checkpoint(tmp_path / "changed.pt", content)
    return tmp_path / "changed.pt"


def test_data_that_has_changed_since_is_told(run, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("src.training.load.log.propagate", True)
    with caplog.at_level(logging.WARNING, "run"):
        evaluate(run / "checkpoints/best.pt", quiet=True, out=tmp_path, device="cpu")
        assert not caplog.text
        path = changed(run, tmp_path, lambda c: c["data"].update(fingerprint="another"))
        evaluate(path, quiet=True, out=tmp_path, device="cpu")
    assert "the data is not what the checkpoint was trained with" in caplog.text


def test_a_model_of_nan_is_no_result(run, tmp_path):
    def spoil(content):
        next(iter(content["model"].values()))[:] = torch.nan

    with pytest.raises(FaultError, match="the model gives NaN"):
        evaluate(changed(run, tmp_path, spoil), "val", tmp_path, quiet=True)
    assert not (tmp_path / "val.json").exists()


def drop_character(tokenizer):
    tokenizer["characters"] = tokenizer["characters"][1:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: drop_character(c["data"]["tokenizer"]), "has .* tokens"),
        (lambda c: c["data"].pop("tokenizer"), "its tokenizer cannot be read"),
        (lambda c: c["data"]["tokenizer"].update(kind="words"), "tokenizer"),
        (lambda c: c["data"].update(vocab=3), "its model 3. Use another checkpoint"),
        (lambda c: c["config"]["model"].update(d_model=10), "changed.pt"),
    ],
)
def test_a_checkpoint_whose_parts_do_not_fit_is_refused(run, tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        load_model(changed(run, tmp_path, change))
