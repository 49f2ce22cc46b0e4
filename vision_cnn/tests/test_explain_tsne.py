"""t-SNE against scikit-learn, autograd and the definitions of the paper."""

import math
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.explain.tsne import (
    conditional_probabilities,
    divergence,
    gradient,
    joint_probabilities,
    squared_distances,
    tsne,
)


@cache
def digits(count: int = 300):
    data = pytest.importorskip("sklearn.datasets").load_digits()
    return torch.tensor(data.data[:count]), torch.tensor(data.target[:count])


def normal(*shape: int):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parity(
    "P of t-SNE", "sklearn.manifold._t_sne._joint_probabilities, float32"
)
@pytest.mark.spec("CNN-104", "equals scikit-learn's joint probabilities")
def test_p_equals_scikit_learn(parity):
    t_sne = pytest.importorskip("sklearn.manifold._t_sne")
    distance = pytest.importorskip("scipy.spatial.distance")
    features = digits(200)[0]
    squared = squared_distances(features)
    wanted = t_sne._joint_probabilities(squared.float().numpy(), 20.0, 0)
    p = joint_probabilities(features, 20.0)
    assert torch.allclose(p.sum(), torch.ones(()).double())
    ours = distance.squareform(p.numpy(), checks=False) / wanted.max()
    parity.value(ours, wanted / wanted.max(), atol=1e-4)


@pytest.mark.spec("CNN-104", "equals scikit-learn's joint probabilities")
def test_p_is_the_formula_of_the_paper_pair_by_pair():
    x, count = normal(7, 3), 7
    conditional = conditional_probabilities(squared_distances(x), 2.5)
    for i in range(count):
        rows = [j for j in range(count) if j != i]
        away = [float((x[i] - x[j]).square().sum()) for j in rows]
        first, second = conditional[i, rows[0]], conditional[i, rows[1]]
        precision = float((first / second).log()) / (away[1] - away[0])
        weights = [math.exp(-precision * d) for d in away]
        wanted = torch.tensor(weights).double() / sum(weights)
        assert torch.allclose(conditional[i, rows], wanted, atol=1e-6)
        assert conditional[i, i] == 0
    joint = joint_probabilities(x, 2.5)
    assert torch.allclose(joint, (conditional + conditional.T) / (2 * count))


@pytest.mark.spec("CNN-104", "each row has the perplexity asked for")
@given(st.floats(1.5, 20), st.sampled_from([1e-8, 1.0, 1e8]), st.integers(25, 40))
def test_each_row_has_the_perplexity(perplexity, unit, count):
    distances = squared_distances(normal(count, 4) * unit)
    p = conditional_probabilities(distances, perplexity)
    entropy = -(p * p.clamp_min(1e-300).log()).sum(1)
    assert torch.allclose(entropy.exp(), torch.tensor(perplexity).double(), rtol=1e-4)
    assert torch.allclose(p.sum(1), torch.ones(count).double())


@pytest.mark.parity("divergence of t-SNE", "torch.autograd through its definition")
@pytest.mark.spec("CNN-104", "autograd gives through the divergence")
@pytest.mark.parametrize("count", [2, 9, 200])
def test_the_gradient_is_that_of_the_divergence(count, parity):
    p = joint_probabilities(normal(count, 5), 3.0)
    y = (3 * normal(count, 2)).requires_grad_()
    w = 1 / (1 + (y[:, None] - y[None]).square().sum(2))
    w = w * (1 - torch.eye(count))
    q = w / w.sum()
    kl = (p * (p.clamp_min(1e-30) / q.clamp_min(1e-30)).log()).sum()
    (wanted,) = torch.autograd.grad(kl, y)
    parity.gradient(gradient(p, y.detach()), wanted, atol=1e-10)
    assert math.isclose(divergence(p, y.detach()), float(kl.detach()), rel_tol=1e-9)
    parity.value(divergence(p, y.detach()), kl, atol=1e-9)


@pytest.mark.spec("CNN-105", "keeps neighbours as well as scikit-learn's")
def test_neighbours_are_kept_as_well_as_by_scikit_learn():
    manifold = pytest.importorskip("sklearn.manifold")
    features, labels = digits()
    ours = tsne(features)
    theirs = manifold.TSNE(init="pca", random_state=0, max_iter=500)
    points = theirs.fit_transform(features.numpy())
    kept, wanted = (
        manifold.trustworthiness(features.numpy(), y, n_neighbors=10)
        for y in (ours.points.numpy(), points)
    )
    assert kept > wanted - 0.01
    p = joint_probabilities(features, 30.0)
    assert ours.divergence < 1.05 * divergence(p, torch.tensor(points).double())
    near = torch.cdist(ours.points, ours.points).fill_diagonal_(math.inf).argmin(1)
    assert (labels[near] == labels).double().mean() > 0.93


@pytest.mark.spec("CNN-105", "same points each time")
def test_the_points_are_the_same_each_time_and_the_divergence_falls():
    features = digits(120)[0]
    first, again = tsne(features, steps=250), tsne(features, steps=250)
    assert torch.equal(first.points, again.points)
    longer, begun = tsne(features, steps=400), tsne(features, steps=0)
    assert longer.divergence < first.divergence < 0.5 * begun.divergence
    assert first.points.mean(0).abs().max() < 1e-3


@pytest.mark.spec("CNN-105", "a third of the others")
def test_a_perplexity_too_large_for_the_rows_is_lowered():
    few = tsne(normal(10, 3), perplexity=30, steps=20)
    assert few.perplexity == 3 and few.points.isfinite().all()
    assert tsne(normal(100, 3), perplexity=30, steps=1).perplexity == 30


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_two_and_three_points(count):
    found = tsne(normal(count, 4), steps=300)
    assert found.points.shape == (count, 2) and found.points.isfinite().all()
    assert -1e-9 < found.divergence < 0.2
    assert len(found.points.unique(dim=0)) == count


@pytest.mark.parametrize("value", [0.0, 7.5])
def test_equal_rows_and_one_feature(value):
    found = tsne(torch.full((40, 1), value), steps=200)
    assert found.points.isfinite().all() and math.isfinite(found.divergence)
    copies = normal(4, 3).repeat_interleave(10, 0)  # more equals than the perplexity
    assert tsne(copies, steps=200).points.isfinite().all()


@pytest.mark.spec("CNN-105", "refused by their number")
def test_rows_that_are_not_finite_are_refused():
    features = normal(5, 2)
    features[3, 1] = math.nan
    with pytest.raises(
        ValueError, match="1 rows are not finite, the first is number 3"
    ):
        tsne(features)
    with pytest.raises(ValueError, match="no features: there must be at least one row"):
        tsne(torch.zeros(0, 4))
