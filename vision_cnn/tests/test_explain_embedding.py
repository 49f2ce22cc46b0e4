"""Principal components against scikit-learn, and the features before the head."""

import math

import pytest
import torch
from torch import nn

from src.data import AugmentConfig, build_datasets
from src.explain.embedding import embed_split, pca, some_of
from src.explain.scatter import draw_scatter
from src.models import ModelConfig, build_model
from src.utils.plots import new_figure
from tests.checkpoints import TOY


def normal(*shape: int):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parity("principal components", "sklearn.decomposition.PCA")
@pytest.mark.spec("CNN-103", "equal scikit-learn's up to their sign")
@pytest.mark.parametrize("shape", [(60, 7), (5, 30), (2, 3)])
def test_components_equal_scikit_learn(shape, parity):
    decomposition = pytest.importorskip("sklearn.decomposition")
    features = normal(*shape) * torch.arange(1, shape[1] + 1) + 5
    number = min(shape[0] - 1, 3)
    theirs = decomposition.PCA(number, svd_solver="full")
    scores = theirs.fit_transform(features.numpy())
    ours = pca(features, number)
    sign = (ours.components * torch.tensor(theirs.components_)).sum(1).sign()
    parity.value(ours.scores * sign, scores, atol=1e-9)
    parity.value(ours.components * sign[:, None], theirs.components_, atol=1e-9)
    parity.value(ours.explained, theirs.explained_variance_ratio_, atol=1e-12)


@pytest.mark.spec("CNN-103", "largest entry of each is positive")
def test_the_sign_is_fixed():
    found = pca(normal(20, 4), 3)
    largest = found.components.gather(1, found.components.abs().argmax(1)[:, None])
    assert (largest > 0).all()
    mirrored = pca(-normal(20, 4), 3)
    assert torch.allclose(mirrored.components, found.components)
    assert torch.allclose(mirrored.scores, -found.scores)


@pytest.mark.parametrize("rows", [torch.full((6, 3), 0.1), torch.rand(1, 3)])
def test_what_does_not_vary_explains_nothing(rows):
    found = pca(rows, 2)
    assert (found.explained == 0).all() and found.scores.abs().max() < 1e-6


@pytest.mark.parametrize("rows", [torch.zeros(0, 3), torch.tensor([[1.0, math.nan]])])
def test_no_rows_and_rows_that_are_not_finite_are_refused(rows):
    with pytest.raises(ValueError, match="at least one row, all of them finite"):
        pca(rows)


def test_features_are_what_the_head_sees():
    images = build_datasets(TOY, AugmentConfig(), 0)["test"]
    model = build_model(ModelConfig("simple_cnn", widths=(4, 6)), 3, 4, (12, 12))
    model.train()
    found = embed_split(model, images, count=7, batch=3)
    assert model.training and isinstance(model.head, nn.Linear)
    model.eval()
    batch = images.__getitems__([(0, i) for i in found.indices.tolist()])
    assert torch.allclose(found.logits, model(batch["image"]), atol=1e-6)
    assert torch.allclose(model.head(found.features), found.logits, atol=1e-6)
    assert torch.equal(found.target, batch["target"])
    assert found.names == tuple(batch["name"])
    again = embed_split(model, images, count=7, batch=7)
    assert torch.equal(again.indices, found.indices)


def test_images_are_drawn_without_repetition():
    chosen = some_of(1000, 400)
    assert len(chosen.unique()) == 400 and torch.equal(chosen, chosen.sort().values)
    assert not torch.equal(chosen, some_of(1000, 400, seed=1))
    assert torch.equal(some_of(5, 9), torch.arange(5))
    with pytest.raises(ValueError, match="0 of 5 images: both must be at least 1"):
        some_of(5, 0)


def test_mistaken_points_have_a_black_edge_and_names_lie_on_their_class():
    axis = new_figure(4, 3).subplots()
    points = torch.tensor([[0.0, 0], [0, 1], [9, 9], [5, 5], [5, 6], [5, 7]])
    target, predicted = (
        torch.tensor([0, 0, 0, 1, 1, 1]),
        torch.tensor([0, 0, 1, 1, 1, 1]),
    )
    draw_scatter(axis, points, target, predicted, ("cat", "dog", "none"))
    black = [
        collection.get_offsets().tolist()
        for collection in axis.collections
        if len(collection.get_offsets())
        and collection.get_edgecolors()[0][:3].max() == 0
    ]
    assert black == [[[9.0, 9.0]]]
    named = {text.get_text(): text.get_position() for text in axis.texts}
    assert named == {"cat": (0.0, 1.0), "dog": (5.0, 6.0)}
    shown = [text.get_text() for text in axis.get_legend().get_texts()]
    assert shown == ["cat", "dog", "none"]
    many = tuple(map(str, range(30)))
    draw_scatter(new_figure(4, 3).subplots(), points, target, predicted, many)
