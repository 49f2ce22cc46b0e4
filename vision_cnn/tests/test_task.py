"""The loss of mixed and smoothed labels, the sums of an evaluation, and the split."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from src.data import AugmentConfig, DataConfig, DataInfo, ToyConfig, build_datasets
from src.data.splits import stratified_split
from src.losses import LossConfig
from src.training.task import ClassificationTask, Config, build
from src.utils.config import from_dict
from src.utils.errors import InputError


NAMES = ("a", "b", "c", "d", "e", "f", "g")
INFO = DataInfo(1, 2, 2, NAMES, (0.5,), (0.2,), (1,) * 7, "")
TOYS = ToyConfig(size=16, n_train=60, n_val=12, n_test=8)


def batch(n: int = 6) -> dict:
    torch.manual_seed(0)
    return {
        "image": torch.randn(n, 7, dtype=torch.float64),
        "target": torch.randint(0, 7, (n,)),
        "partner": torch.randint(0, 7, (n,)),
        "share": torch.rand(n, dtype=torch.float64),
    }


def by_hand(logits, target, smoothing):
    """-sum_c q_c log p_c with q = (1 - s) onehot + s / C, a loop an image."""
    total = []
    for row, label in zip(logits, target, strict=True):
        log_p = row - torch.logsumexp(row, 0)
        wanted = torch.full((7,), smoothing / 7, dtype=torch.float64)
        wanted[label] += 1 - smoothing
        total.append(-(wanted * log_p).sum())
    return torch.stack(total)


@pytest.mark.parity("smoothed cross entropy", "Szegedy et al. 2016, written out")
@pytest.mark.spec("CNN-139", "the cross entropy with label smoothing")
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_plain_images(smoothing, parity):
    sample = batch()
    del sample["partner"]
    logits = sample["image"].requires_grad_()
    task = ClassificationTask(LossConfig(smoothing), INFO)
    loss = task.loss(nn.Identity(), sample, 0.0)
    expected = by_hand(logits, sample["target"], smoothing).mean()
    parity.value(loss, expected, atol=1e-12)
    parity.gradient(
        *(torch.autograd.grad(x, logits) for x in (loss, expected)), atol=1e-12
    )


@pytest.mark.parity("loss of mixed images", "Zhang et al. 2018, written out")
@pytest.mark.spec("CNN-139", "the mean of the losses of both labels, weighted")
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_mixed_images(smoothing, parity):
    sample = batch()
    logits = sample["image"].requires_grad_()
    task = ClassificationTask(LossConfig(smoothing), INFO)
    loss = task.loss(nn.Identity(), sample, 0.0)
    first = by_hand(logits, sample["target"], smoothing)
    second = by_hand(logits, sample["partner"], smoothing)
    share = sample["share"]
    expected = (share * first + (1 - share) * second).mean()
    parity.value(loss, expected, atol=1e-12)
    parity.gradient(
        *(torch.autograd.grad(x, logits) for x in (loss, expected)), atol=1e-12
    )


def test_sums_of_batches_are_those_of_the_whole():
    task = ClassificationTask(LossConfig(0.3, 0.1), INFO)
    whole = batch(9)
    sums: dict = {}
    for part in (slice(0, 4), slice(4, 9)):
        piece = {name: value[part] for name, value in whole.items()}
        for name, value in task.evaluate(nn.Identity(), piece).items():
            sums[name] = sums.get(name, 0) + value.double()
    found = task.metrics(sums)
    logits, target = whole["image"].float(), whole["target"]
    loss = nn.functional.cross_entropy(logits, target).item()
    top5 = [t in row.topk(5).indices for row, t in zip(logits, target, strict=True)]
    right = logits.argmax(1) == target
    assert list(found) == task.names == ["loss", "accuracy", "top5", "macro_f1"]
    assert found["loss"] == pytest.approx(loss, rel=1e-6)
    assert found["accuracy"] == pytest.approx(right.double().mean().item())
    assert found["top5"] == pytest.approx(sum(top5) / 9)


def test_few_classes_have_no_top_5():
    info = DataInfo(1, 2, 2, ("a", "b"), (0.5,), (0.2,), (1, 1), "")
    assert ClassificationTask(LossConfig(), info).names == [
        "loss", "accuracy", "macro_f1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (lambda: LossConfig(1.0), r"label_smoothing = 1.0: must be in \[0, 1\)"),
        (lambda: LossConfig(0.0, -1.0), "sam_rho = -1.0: must be >= 0"),
        (lambda: DataConfig(val_share=1.0), "val_share = 1.0: must lie between"),
        (lambda: DataConfig(folds=1), "folds = 1: must be 0, or 2 and more"),
        (lambda: DataConfig(folds=3, fold=3), "fold = 3: must be from 0 to folds - 1"),
        (lambda: DataConfig(channels=2), "channels = 2: must be 1 or 3"),
        (lambda: DataConfig(size=-1), "size = -1: must be >= 0"),
        (lambda: DataConfig(size=8), "size = 8: toy_patterns does not read it; use"),
        (lambda: DataConfig("idx", size=8), "size = 8: idx does not read it"),
    ],
)
def test_settings_out_of_range_are_refused(config, words):
    with pytest.raises(ValueError, match=words):
        config()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train": {"monitor": "miou"}}, "train.monitor = miou: this data has loss, a"),
        ({"data": {"name": "idx"}}, "data.root is empty: data.name = idx needs to"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        build(from_dict(Config, changes))


@pytest.mark.spec("CNN-140", "each class by its share, as a function of the seed")
@given(
    counts=st.lists(st.integers(0, 20), min_size=1, max_size=5),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 9),
)
def test_each_class_is_held_out_by_its_share(counts, share, seed):
    labels = torch.tensor([c for c, n in enumerate(counts) for _ in range(n)])
    labels = labels[torch.randperm(len(labels))].long()
    if not len(labels):
        return
    train, val = stratified_split(labels, share, seed)
    assert sorted([*train.tolist(), *val.tolist()]) == list(range(len(labels)))
    for label, count in enumerate(counts):
        held = int((labels[val] == label).sum())
        wanted = min(max(round(share * count), 1), count - 1) if count else 0
        assert held == wanted
    assert torch.equal(stratified_split(labels, share, seed)[1], val)


def test_another_seed_holds_out_others():
    labels = torch.arange(100) % 4
    first, second = (stratified_split(labels, 0.2, seed)[1] for seed in (0, 1))
    assert not torch.equal(first, second)


@pytest.mark.spec("CNN-140", "Validation images are held out of the training part")
def test_folds_hold_out_each_training_image_once():
    data = DataConfig(toy=TOYS, folds=3)
    seen = []
    for fold in range(3):
        from dataclasses import replace

        parts = build_datasets(replace(data, fold=fold), AugmentConfig(), 0)
        assert len(parts["train"]) + len(parts["val"]) == 60
        seen += [parts["val"].names[i] for i in range(len(parts["val"]))]
    assert len(seen) == len(set(seen)) == 60


def test_a_batch_is_its_samples():
    config = AugmentConfig(flip="random", crop=2, mixup=0.5)
    dataset = build_datasets(DataConfig(toy=TOYS), config, 3)["train"]
    keys = [(2, 5), (2, 0), (2, 59)]
    whole = dataset.__getitems__(keys)
    assert whole["image"].shape == (3, 3, 16, 16)
    for place, key in enumerate(keys):
        alone = dataset[key]
        for name in ("image", "target", "partner", "share"):
            torch.testing.assert_close(whole[name][place], alone[name])
        assert whole["name"][place] == alone["name"]
