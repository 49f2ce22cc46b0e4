"""The loss of a batch and the numbers that an evaluation adds up."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from src.audio.front_end import FeatureConfig
from src.losses import LossConfig, mwer_loss
from src.models import ModelConfig
from src.tokenizers import EOS
from src.training.task import Config, SpeechTask
from src.training.task import build as build_task
from src.utils.errors import InputError
from tests.test_models import SMALL, batch_of, both, build


def terms(config: LossConfig, progress: float) -> float:
    model = build(glance=0.0)
    task = SpeechTask(config, ModelConfig(**SMALL, glance=0.0))
    return task.loss(model, batch_of([60, 44], [7, 3]), progress).item()


@pytest.mark.spec("ASR-194", "(1 - w) L_CE + w L_CTC + q L_quantity")
def test_the_loss_is_the_sum_of_its_terms():
    batch = batch_of([60, 44], [7, 3])
    heard, said = both(batch)
    output = build(glance=0.0)(*heard, *said)
    cross = [
        F.cross_entropy(output.logits[b, :u], said[0][b, :u])
        for b, u in ((0, 7), (1, 3))
    ]
    ctc = F.ctc_loss(
        output.ctc_logits.log_softmax(-1).transpose(0, 1), said[0],
        output.time_lengths, said[1], reduction="none",
    )  # fmt: skip
    missed = ((output.counts - said[1]).abs() / said[1]).mean().item()
    expected_ce = sum(cross).item() / 2
    expected_ctc = (ctc / said[1]).mean().item()
    config = LossConfig(label_smoothing=0, ctc=0.3, ctc_from=0.5, quantity=2.0)
    early, late = terms(config, 0.4), terms(config, 0.5)
    assert early == pytest.approx(expected_ce + 2 * missed, rel=1e-9)
    mixed = 0.7 * expected_ce + 0.3 * expected_ctc + 2 * missed
    assert late == pytest.approx(mixed, rel=1e-9)


@pytest.mark.parametrize(
    ("model", "loss", "words"),
    [
        ({"predictor": "ctc"}, {"ctc": 0.0}, "loss.ctc = 0: model.predictor = ctc"),
        ({"name": "ctc"}, {"mwer": 0.1}, "loss.mwer = 0.1: is for model.name = para"),
    ],
)
def test_a_loss_that_the_model_cannot_have_is_refused(model, loss, words):
    with pytest.raises(ValueError, match=words):
        Config(model=ModelConfig(**model), loss=LossConfig(**loss))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ctc", "label_smoothing"),
        ("ctc", "ctc"),
        ("ctc", "quantity"),
        ("transformer", "quantity"),
    ],
)
def test_a_loss_that_the_model_ignores_is_refused_before_a_training(name, key):
    config = Config(model=ModelConfig(name=name), loss=LossConfig(**{key: 0.2}))
    with pytest.raises(InputError, match=f"loss.{key} = 0.2: model.name = {name} does"):
        build_task(config)
    assert LossConfig(**{key: 0.2}, ctc_from=0.5).unheeded("paraformer") == []
    assert LossConfig(ctc_from=0.25).unheeded(name) == []  # as the recipes have it


@pytest.mark.parametrize("cmvn", ["utterance", "global", "none"])
@pytest.mark.parametrize("causal", [True, False])
def test_a_causal_model_that_cannot_stream_is_told_so(monkeypatch, causal, cmvn):
    told = []
    monkeypatch.setattr("src.training.task.log.warning", told.append)
    monkeypatch.setattr("src.training.task.open_data", lambda *_: 1 / 0)
    features = FeatureConfig(cmvn=cmvn)
    with pytest.raises(ZeroDivisionError):  # what comes next
        build_task(Config(features=features, model=ModelConfig(causal=causal)))
    assert ["cannot stream" in line for line in told] == (
        [True] if causal and cmvn == "utterance" else []
    )


def test_the_baseline_learns_where_a_sentence_ends():
    model, batch = build(name="transformer"), batch_of([60, 44], [7, 3])
    config = LossConfig(label_smoothing=0.2, ctc=0.0)
    task = SpeechTask(config, ModelConfig(**SMALL, name="transformer"))
    heard, said = both(batch)
    logits = model(*heard, *said).logits
    cross = [
        F.cross_entropy(
            logits[b, : u + 1],
            torch.tensor([*said[0][b, :u].tolist(), EOS]),
            label_smoothing=0.2,
        )
        for b, u in ((0, 7), (1, 3))
    ]
    found = task.loss(model, batch, 0.5).item()
    assert found == pytest.approx(sum(cross).item() / 2, rel=1e-9)


def test_the_expected_errors_count_from_their_time_on():
    heard, said = both(batch_of([60, 44], [7, 3]))
    logits = build(glance=0.0)(*heard, *said).logits
    plain, config = LossConfig(), LossConfig(mwer=50.0, mwer_from=0.8)
    assert terms(config, 0.79) == terms(plain, 0.79)
    expected = terms(plain, 0.8)
    batch_of([60, 44], [7, 3])  # leaves the generator as it does in `terms`
    expected += 50 * mwer_loss(logits, *said).item()
    assert terms(config, 0.8) == pytest.approx(expected, rel=1e-9)


@pytest.mark.spec("ASR-194", "mean over the utterances")
@pytest.mark.parametrize("name", ["paraformer", "transformer", "ctc"])
def test_a_batch_costs_the_mean_of_its_utterances(name):
    model = build(name=name, glance=0.0)
    task = SpeechTask(LossConfig(), ModelConfig(**SMALL, name=name, glance=0.0))
    frames, tokens = [60, 44, 30], [7, 3, 1]
    batch = batch_of(frames, tokens)
    whole = task.loss(model, batch, 0.9).item()
    parts = []
    for row, (n, u) in enumerate(zip(frames, tokens, strict=True)):
        one = {
            "features": batch["features"][row : row + 1, :n],
            "feature_lengths": batch["feature_lengths"][row : row + 1],
            "tokens": batch["tokens"][row : row + 1, :u],
            "token_lengths": batch["token_lengths"][row : row + 1],
        }
        parts.append(task.loss(model, one, 0.9).item())
    assert whole == pytest.approx(sum(parts) / 3, rel=1e-9)


@pytest.mark.spec("ASR-195", "errors a true token")
def test_metrics_count_errors_over_all_batches(monkeypatch):
    task = SpeechTask(LossConfig(), ModelConfig(**SMALL))
    monkeypatch.setattr(task, "_scored_loss", lambda *_: torch.tensor(3.0))
    batch = {
        "features": None, "feature_lengths": None,
        "tokens": torch.tensor([[5, 6, 7], [5, 5, 0], [0, 0, 0]]),
        "token_lengths": torch.tensor([3, 2, 0]),
    }  # fmt: skip
    monkeypatch.setattr(task, "transcribe", lambda *_: [[5, 7], [5, 5], [8, 8]])
    sums = task.evaluate(SimpleNamespace(), batch)
    found = task.metrics({name: value + value for name, value in sums.items()})
    assert found == pytest.approx(
        {"loss": 6 / 10, "ter": 6 / 10, "exact": 2 / 6, "count_error": 6 / 10}
    )


@pytest.mark.parametrize("name", ["paraformer", "transformer", "ctc"])
@torch.no_grad()
def test_an_evaluation_of_silence_has_numbers(name):
    model = build(name=name)
    task = SpeechTask(LossConfig(), ModelConfig(**SMALL, name=name))
    batch = batch_of([0, 0], [0, 0])
    metrics = task.metrics(task.evaluate(model, batch))
    assert all(value == value for value in metrics.values())
