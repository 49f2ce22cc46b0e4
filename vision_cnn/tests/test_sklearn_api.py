import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from src.sklearn_api import CNNClassifier
from src.utils.errors import DivergedError


ROOT = Path(__file__).parents[1]
NAMES = np.array(["down", "across"])


def stripes(n: int = 60, side: int = 6, seed: int = 0):
    """Images striped down or across, at any phase, in noise; labels are words."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    wave = (np.arange(side) + random.integers(0, 2, (n, 1))) % 2
    X = np.where(y[:, None, None] == 0, wave[:, None, :], wave[:, :, None])
    return X + random.normal(0, 0.3, X.shape), NAMES[y]


def quick(**options) -> CNNClassifier:
    return CNNClassifier(
        **{"n_epochs": 8, "lr": 0.03, "random_state": 0, "widths": (8,)} | options
    )


@pytest.mark.spec("CNN-124", "tables of pixels")
def test_every_layout_of_the_same_images_gives_the_same_network():
    X, y = stripes()
    tall = np.repeat(X[:, None], 2, 1) * [[[1.0]], [[3.0]]]  # two channels
    wanted = quick().fit(X, y)
    assert wanted.score(X, y) > 0.95
    table, one = X.reshape(len(X), -1), X[:, None]
    for layout in (table, one):
        np.testing.assert_array_equal(
            quick().fit(layout, y).predict_proba(layout), wanted.predict_proba(X)
        )
    np.testing.assert_array_equal(wanted.predict_proba(table), wanted.predict_proba(X))
    assert wanted.n_features_in_ == 36
    first = quick().fit(tall, y)
    last = quick(channels_last=True).fit(np.moveaxis(tall, 1, 3), y)
    rows = quick(image_shape=(2, 6, 6)).fit(tall.reshape(len(X), -1), y)
    shares = first.predict_proba(tall)
    np.testing.assert_array_equal(last.predict_proba(np.moveaxis(tall, 1, 3)), shares)
    np.testing.assert_array_equal(rows.predict_proba(tall.reshape(60, -1)), shares)
    assert first.module_.in_channels == 2


@pytest.mark.parametrize(
    ("options", "shape", "words"),
    [
        ({}, (60, 36, 36, 3), "set channels_last=True"),
        ({}, (60, 2, 2, 2, 2), "X has 5 axes"),
        ({"image_shape": (5, 7)}, (60, 36), r"image_shape \(5, 7\) is not"),
        ({"lr": 0.0}, (60, 36), "lr = 0.0: must be > 0"),
        ({"model": "resnet19"}, (60, 36), "name must be one of"),
        ({"optimizer": "adam"}, (60, 36), "Did you mean adamw"),
        ({"model_options": {"stem": "cifar"}}, (60, 36), "stem is not an option of"),
        ({"n_epochs": 0}, (60, 36), "n_epochs = 0: must be > 0"),
        ({"batch_size": 0}, (60, 36), "batch_size = 0: must be an integer >= 1"),
        ({"augment": {"flip": "random"}}, (60, 36), "augment needs X of bytes"),
        ({"early_stopping": True, "patience": -1}, (60, 36), "patience = -1"),
        (
            {"early_stopping": True, "validation_fraction": 1.0},
            (60, 36),
            "validation_fraction = 1.0: must be in",
        ),
    ],
)
@pytest.mark.spec("CNN-124", "is a ValueError that names the parameter")
def test_what_cannot_be_is_refused(options, shape, words):
    X, y = np.zeros(shape), stripes()[1]
    with pytest.raises(ValueError, match=words):
        quick(**options).fit(X, y)


def test_images_of_another_size_are_refused():
    X, y = stripes()
    network = quick().fit(X, y)
    with pytest.raises(ValueError, match=r"images of \(1, 9, 4\), but CNNClassifier"):
        network.predict(X.reshape(60, 9, 4))
    with pytest.raises(ValueError, match="X has 35 features, but CNNClassifier is exp"):
        network.predict(X.reshape(60, 36)[:, 1:])


@pytest.mark.spec("CNN-123", "is a function of `random_state`")
def test_the_same_seed_gives_the_same_network():
    X, y = stripes()
    network = quick(model_options={"dropout": 0.3})
    first, again = (clone(network).fit(X, y).predict_proba(X) for _ in range(2))
    other = clone(network).set_params(random_state=1).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


@pytest.mark.spec("CNN-123", "a pickled one predicts the same and learns on alike")
def test_a_pickle_goes_on_where_it_was():
    X, y = stripes()
    network = quick().fit(X, y)
    copy = pickle.loads(pickle.dumps(network))
    for one in (network, copy):
        one.partial_fit(X[:20], y[:20])
    np.testing.assert_array_equal(copy.predict_proba(X), network.predict_proba(X))


@pytest.mark.spec("CNN-126", "the weights where the loss of the held-out images")
def test_early_stopping_keeps_the_best_weights():
    X, y = stripes(80)
    y = np.where(np.random.default_rng(1).random(80) < 0.4, NAMES[0], y)  # to overfit
    network = quick(
        n_epochs=60, early_stopping=True, patience=4, validation_fraction=0.25, lr=0.05
    ).fit(X, y)
    losses = [row["val_loss"] for row in network.history_]
    assert network.n_epochs_ == len(losses) < 60
    assert np.argmin(losses) < len(losses) - 1
    held_out = network.validation_indices_
    assert len(held_out) == round(0.25 * (y == NAMES[0]).sum()) + round(
        0.25 * (y == NAMES[1]).sum()
    )
    shares = network.predict_proba(X[held_out])
    right = shares[np.arange(len(held_out)), (y[held_out] == NAMES[0]).astype(int)]
    assert -np.log(right).mean() == pytest.approx(min(losses), rel=1e-4)
    assert network.classes_.tolist() == ["across", "down"]


def test_without_early_stopping_nothing_is_held_out():
    X, y = stripes()
    network = quick(n_epochs=2).fit(X, y)
    assert not len(network.validation_indices_)
    assert [sorted(row) for row in network.history_] == [["loss"]] * 2


@pytest.mark.spec("CNN-127", "One image is enough")
def test_images_one_at_a_time():
    X, y = stripes(40)
    network = quick(lr=0.003)
    for image, label in zip(X, y, strict=True):
        network.partial_fit(image[None], [label], classes=NAMES)
    assert network.n_epochs_ == 40
    assert np.isfinite(network.predict_proba(X)).all()
    assert quick().fit(X[:1], y[:1]).predict(X[:3]).tolist() == [y[0]] * 3
    assert quick(batch_size=7).fit(X[:8], y[:8]).score(X[:8], y[:8]) >= 0.5


@pytest.mark.spec("CNN-127", "learns from one `partial_fit` to the next")
def test_partial_fit_learns():
    X, y = stripes()
    network = quick()
    for _ in range(8):
        network.partial_fit(X, y, classes=NAMES)
    losses = [row["loss"] for row in network.history_]
    assert network.score(X, y) > 0.95 and losses[-1] < 0.5 * losses[0]
    with pytest.raises(ValueError, match="the first partial_fit needs classes="):
        quick().partial_fit(X, y)
    with pytest.raises(ValueError, match="y has .*'up'.*; the classes are"):
        network.partial_fit(X[:1], ["up"])
    with pytest.raises(ValueError, match="but was"):
        network.partial_fit(X, y, classes=["down", "up"])


def test_weights_decide_between_contradictions():
    X, y = stripes(40)
    double = np.concatenate([X, X])
    labels = np.concatenate([y, np.where(y == NAMES[0], NAMES[1], NAMES[0])])
    weight = np.repeat([1.0, 0.0], 40)
    network = quick().fit(double, labels, sample_weight=weight)
    plain = quick().fit(X, y, sample_weight=np.ones(40))
    np.testing.assert_array_equal(network.predict_proba(X), plain.predict_proba(X))
    weight[40:] = 0.05
    assert quick().fit(double, labels, sample_weight=weight).score(X, y) > 0.9


@pytest.mark.spec("CNN-124", "augmented as in training")
def test_bytes_can_be_augmented():
    X, y = stripes(80)
    X = np.clip(X * 80 + 60, 0, 255).astype(np.uint8)
    plain = quick().fit(X, y)
    varied = quick(augment={"flip": "random", "crop": 1, "mixup": 0.2}).fit(X, y)
    assert varied.score(X, y) > 0.9
    assert np.abs(varied.predict_proba(X) - plain.predict_proba(X)).max() > 1e-3


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_images_can_be_mixed_but_not_weighted_then(kind):
    X, y = stripes(40)
    X = np.clip(X * 80 + 60, 0, 255).astype(np.uint8)
    alone = quick(augment={"flip": "random"}, n_epochs=1).fit(X, y)
    mixed = quick(augment={"flip": "random", kind: 1.0}, n_epochs=1).fit(X, y)
    assert np.abs(mixed.predict_proba(X) - alone.predict_proba(X)).max() > 1e-4
    with pytest.raises(
        ValueError, match="mixup or cutmix blends take no sample_weight"
    ):
        mixed.fit(X, y, sample_weight=np.full(40, 0.5))


@pytest.mark.parametrize("name", ["fast_cnn", "vit_tiny", "vgg11", "resnet20"])
def test_networks_that_want_larger_images_get_a_frame(name):
    X, y = stripes(6)
    widths = (4,) if name == "fast_cnn" else None
    network = quick(model=name, widths=widths, n_epochs=1, lr=1e-3).fit(X, y)
    assert network.predict_proba(X).shape == (6, 2)


def test_a_rate_that_is_too_high_is_told():
    X, y = stripes()
    with pytest.raises(DivergedError, match="learning rate of .*; lower lr"):
        quick(lr=1e30, optimizer="sgd", schedule="constant").fit(X * 1e3, y)


def test_unfitted():
    with pytest.raises(NotFittedError):
        quick().predict(stripes()[0])


@pytest.mark.spec("CNN-128", "says how to install it")
def test_without_scikit_learn_the_module_can_be_imported():
    code = """
import sys
sys.modules["sklearn"] = None
from src.sklearn_api import CNNClassifier
try:
    CNNClassifier()
except ImportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    wanted = "CNNClassifier needs scikit-learn: pip install 'scikit-learn>=1.6'"
    assert done.stdout.strip() == wanted, done.stderr
