"""Losses and metrics of the tasks, by hand and by scikit-learn."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from src.data import DataConfig, open_data
from src.losses import NOT_SCORED, LossConfig, token_loss
from src.models import MODELS, ModelConfig, build_model
from src.tokenizers import TokenizerConfig
from src.training.task import MODELS_OF, Config, build
from src.training.tasks import ClassifyTask, LanguageTask, PairsTask
from src.utils.config import from_dict
from src.utils.errors import InputError


def scored_logits(seed: int = 0):
    torch.manual_seed(seed)
    logits = torch.randn(3, 5, 7, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(0, 7, (3, 5))
    targets[0, 3:] = targets[2] = NOT_SCORED
    return logits, targets


@pytest.mark.spec("SEQ-139", "with label smoothing")
@pytest.mark.parity("cross entropy with label smoothing", "Szegedy et al. 2016")
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_smoothed_cross_entropy(parity, smoothing):
    logits, targets = scored_logits()
    ours = token_loss(logits, targets, smoothing)
    (gradient,) = torch.autograd.grad(ours, logits)
    kept = targets != NOT_SCORED
    log_p = logits[kept].log_softmax(-1)
    right = log_p.gather(1, targets[kept][:, None])[:, 0]
    by_hand = -((1 - smoothing) * right + smoothing * log_p.mean(-1)).mean()
    parity.value(ours, by_hand, atol=1e-12)
    parity.gradient(gradient, torch.autograd.grad(by_hand, logits)[0], atol=1e-12)
    assert not gradient[~kept].any() and gradient[kept].any()


@pytest.mark.spec("SEQ-139", "in no loss\n  and in no metric")
def test_where_nothing_is_scored_nothing_is_learnt():
    logits, targets = scored_logits()
    loss = token_loss(logits, torch.full_like(targets, NOT_SCORED))
    loss.backward()
    assert loss == 0 and not logits.grad.any()


class Fixed(nn.Module):
    """Gives the logits that it was told, in order."""

    def __init__(self, *logits):
        super().__init__()
        self.logits = list(logits)

    def forward(self, *_, **__):
        return self.logits.pop(0), None


@pytest.mark.spec("SEQ-139", "in no loss\n  and in no metric")
def test_sums_of_batches_are_those_of_one():
    logits, targets = scored_logits()
    task = LanguageTask(LossConfig(label_smoothing=0.3), torch.arange(7))
    tokens = torch.zeros_like(targets)
    whole = task.evaluate(Fixed(logits), {"tokens": tokens, "targets": targets})
    parts = [
        task.evaluate(Fixed(logits[i : i + 1]), {"tokens": tokens[:1], "targets": row})
        for i, row in enumerate(targets.split(1))
    ]
    added = {name: sum(part[name] for part in parts) for name in whole}
    ours = task.metrics(added)
    assert ours == pytest.approx(task.metrics(whole))
    kept = targets != NOT_SCORED
    nats = F.cross_entropy(logits[kept], targets[kept])  # not smoothed
    assert ours["loss"] == pytest.approx(nats.item(), rel=1e-6)
    right = (logits.argmax(-1) == targets)[kept]
    assert ours["accuracy"] == pytest.approx(right.float().mean().item())
    assert ours["perplexity"] == pytest.approx(math.exp(nats.item()), rel=1e-6)


def test_a_row_is_exact_when_every_scored_token_is():
    logits, targets = scored_logits()
    with torch.no_grad():
        logits[0].scatter_(1, targets[0].clamp(min=0)[:, None], 99.0)
    sums = PairsTask(LossConfig()).evaluate(
        lambda *_: logits,
        {"source": None, "source_mask": None, "tokens": None, "targets": targets},
    )
    assert (sums["rows_right"], sums["rows"]) == (1, 2)  # row 2 has nothing scored


@pytest.mark.spec("SEQ-142", "whatever the tokenizer")
@pytest.mark.parametrize("kind", ["char", "byte", "bpe"])
def test_bits_per_byte_are_bits_over_bytes_of_the_text(tmp_path, kind):
    text = "Ein Mäuschen läuft über die Straße. " * 40
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    config = DataConfig(
        name="text", root=str(tmp_path / "a.txt"), block=16,
        tokenizer=TokenizerConfig(kind=kind, vocab_size=280),
    )  # fmt: skip
    opened = open_data(config, "lm", 0)
    sizes = torch.tensor([len(piece) for piece in opened.tokenizer.token_bytes()])
    task = LanguageTask(LossConfig(), sizes)
    val = opened.datasets["val"]
    batch = val.__getitems__([(0, i) for i in range(len(val))])
    even = torch.zeros(*batch["tokens"].shape, opened.info.vocab)
    found = task.metrics(task.evaluate(Fixed(even), batch))
    held_out = text[int(len(text) * 0.9) :]
    ids = opened.tokenizer.encode(held_out)
    first = len(opened.tokenizer.decode_bytes(ids[:1]))
    bits = (len(ids) - 1) * math.log2(opened.info.vocab)
    assert found["bpb"] == pytest.approx(bits / (len(held_out.encode()) - first))


def stateful_task():
    torch.manual_seed(0)
    model = build_model(ModelConfig("lstm", embedding=4, hidden=5, layers=2), 7, 4)
    task = LanguageTask(LossConfig(), torch.ones(7, dtype=torch.long))
    tokens = torch.randint(0, 7, (2, 9))
    batches = [
        {
            "tokens": tokens[:, start : start + 4],
            "targets": tokens[:, start + 1 : start + 5],
            "first": torch.tensor([start == 0] * 2),
        }
        for start in (0, 4)
    ]
    return model.double(), task, tokens, batches


@pytest.mark.spec("SEQ-140", "takes its memory from batch to batch")
def test_two_batches_see_what_one_long_one_sees():
    model, task, tokens, batches = stateful_task()
    parts = [task.logits(model, batch) for batch in batches]
    whole, _ = model(tokens[:, :8])
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-10, atol=1e-12)


@pytest.mark.spec("SEQ-140", "cut off from the gradient")
def test_the_memory_is_cut_off_and_new_where_a_text_begins():
    model, task, _, batches = stateful_task()
    first = task.loss(model, batches[0], 0.0)
    assert all(not part.requires_grad for part in task.carried["memory"])
    before = task.carried["memory"]
    with torch.no_grad():
        task.evaluate(model, batches[1])
    assert task.carried["memory"] is before  # scoring has a memory of its own
    task.loss(model, batches[1], 0.0).backward()
    assert task.loss(model, batches[0], 0.0) == first


def test_a_model_without_memory_carries_nothing():
    _, task, _, batches = stateful_task()
    model = build_model(ModelConfig("gpt_2020", d_model=8, heads=2, layers=1), 7, 4)
    task.loss(model, batches[0], 0.0)
    assert task.carried == {}


@pytest.mark.parity("macro F1", "sklearn.metrics.f1_score")
def test_classes_are_scored_as_scikit_learn_does(parity):
    metrics = pytest.importorskip("sklearn.metrics")
    torch.manual_seed(0)
    logits, target = torch.randn(40, 4), torch.randint(0, 3, (40,))
    task = ClassifyTask(LossConfig(label_smoothing=0.1), 4)
    batch = {"tokens": None, "pad_mask": None, "target": target}
    found = task.metrics(task.evaluate(lambda *_: logits, batch))
    guess = logits.argmax(1)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(target, guess))
    f1 = metrics.f1_score(target, guess, average="macro", labels=[0, 1, 2, 3])
    parity.value(found["macro_f1"], f1, atol=1e-7)
    assert found["loss"] == pytest.approx(F.cross_entropy(logits, target).item())


@pytest.mark.spec("SEQ-143", "refuses the models that are not made for it")
@pytest.mark.parametrize("task", MODELS_OF)
def test_each_task_has_its_models(task):
    data = {"pairs": "toy_task", "answer": "toy_task"}.get(task, "toy_grammar")
    for name in MODELS:
        if name in MODELS_OF[task]:
            continue
        model = {"name": name} | ({"slot": "gated_retention"} if name == "slot" else {})
        config = from_dict(
            Config, {"task": task, "data": {"name": data}, "model": model}
        )
        with pytest.raises(InputError, match=f"model.name = {name}|data.name ="):
            build(config)


@pytest.mark.spec("SEQ-140", "a recurrent network takes its memory")
def test_a_model_that_takes_no_memory_along_is_refused():
    changes = {"data": {"stateful": True}, "model": {"name": "gpt_2023"}}
    with pytest.raises(InputError, match="data.stateful: gpt_2023 sees 64 tokens and"):
        build(from_dict(Config, changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "pairs"}, "the task pairs reads toy_task"),
        ({"data": {"name": "text"}}, "data.root is empty: data.name = text needs"),
        ({"train": {"monitor": "bleu"}}, "the task lm has loss, bpb, accuracy"),
        (
            {"task": "mlm", "data": {"stateful": True}},
            "data.stateful: the task mlm has no text to go on with",
        ),
        (
            {"data": {"name": "documents", "root": "a.txt", "stateful": True}},
            "data.stateful: data.name = documents has no text to go on with",
        ),
        (
            {"data": {"root": "a.txt"}},
            "data.root = a.txt: data.name = toy_grammar reads no file; set data.name",
        ),
        (
            {"data": {"name": "text", "root": "a.txt", "test": "b.txt"}},
            "data.test = b.txt: only data.name = labelled reads a test part",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        build(from_dict(Config, changes))
