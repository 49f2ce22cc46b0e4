"""The loss landscape against losses computed with weights that were really moved."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from src.explain.landscape import (
    Landscape,
    draw_landscape,
    landscape,
    like_filters,
    random_direction,
)
from src.utils.plots import new_figure
from tests.explained import images, relu_net, same_state, state_of


def loss_of(model, image, target):
    with torch.no_grad():
        return float(F.cross_entropy(model.eval()(image), target))


@pytest.mark.spec("CNN-106", "the norm of the filter that it moves")
def test_each_filter_of_a_direction_has_the_norm_of_its_weights():
    model = relu_net()
    direction = random_direction(model, 0)
    weights = dict(model.named_parameters())
    assert set(direction) == {n for n, w in weights.items() if w.ndim > 1}
    for name, step in direction.items():
        for filter, weight in zip(step, weights[name], strict=True):
            assert filter.norm().item() == pytest.approx(weight.norm().item(), rel=1e-5)
    other = random_direction(model, 1)
    assert all(not torch.equal(other[name], direction[name]) for name in direction)


def test_a_filter_of_zeros_does_not_move():
    weight = torch.ones(3, 2)
    weight[1] = 0
    step = like_filters(torch.randn(3, 2), weight)
    assert (step[1] == 0).all() and step.isfinite().all()
    assert (like_filters(torch.zeros(3, 2), weight) == 0).all()


@pytest.mark.spec("CNN-106", "at its centre the loss of the model")
@pytest.mark.parametrize("dimensions", [1, 2])
def test_every_point_is_the_loss_of_moved_weights(dimensions):
    model, (image, target) = relu_net(), images(5)
    target = target % 5
    found = landscape(
        model,
        image,
        target,
        dimensions=dimensions,
        points=3,
        radius=0.7,
        seed=4,
        batch=2,
    )
    assert found.losses.shape == (3,) * dimensions
    assert found.coordinates.tolist() == pytest.approx([-0.7, 0, 0.7])
    centre = found.losses.flatten()[found.losses.numel() // 2]
    assert float(centre) == pytest.approx(loss_of(model, image, target), rel=1e-6)
    directions = [random_direction(model, 4 + i) for i in range(dimensions)]
    for place in torch.cartesian_prod(*[torch.arange(3)] * dimensions).view(
        -1, dimensions
    ):
        moved = copy.deepcopy(model)
        for i, d in zip(place.flip(0).tolist(), directions, strict=True):
            for name, weight in moved.named_parameters():
                if name in d:
                    weight.data += found.coordinates[i].float() * d[name]
        wanted = loss_of(moved, image, target)
        assert float(found.losses[tuple(place)]) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.spec("CNN-106", "the same bit for bit afterwards")
def test_the_model_is_as_it_was_also_after_an_exception():
    model, (image, target) = relu_net(), images(2)
    model.train()
    before = state_of(model)
    landscape(model, image, target, points=3)
    assert same_state(before, state_of(model))
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        landscape(model, image, target, points=3, progress=stop)
    assert seen == [(1, 9), (2, 9), (3, 9), (4, 9)]
    assert same_state(before, state_of(model))


def test_one_point_is_the_centre_and_others_are_odd():
    model, (image, target) = relu_net(), images(2)
    found = landscape(model, image, target, points=1)
    assert found.losses.shape == (1, 1) and found.coordinates.tolist() == [0]
    for wrong in ({"points": 4}, {"points": 0}, {"dimensions": 3}):
        with pytest.raises(ValueError, match="must be odd, . dimensions 1 or 2"):
            landscape(model, image, target, **wrong)
    with pytest.raises(ValueError, match="and 0 images at least one"):
        landscape(model, image[:0], target[:0])


def test_half_precision_weights_and_a_loss_that_is_not_finite():
    model, (image, target) = relu_net(), images(2)
    nn.init.constant_(model[-1].weight, math.inf)
    found = landscape(model, image, target, points=3, dimensions=1)
    assert not found.losses.isfinite().any()
    draw_landscape(new_figure(3, 3).subplots(), found)


@pytest.mark.parametrize("losses", [torch.rand(5), torch.rand(5, 5), torch.ones(5, 5)])
def test_curves_and_flat_landscapes_are_drawn(losses):
    figure = new_figure(3, 3)
    axis = figure.subplots()
    draw_landscape(axis, Landscape(torch.linspace(-1, 1, 5), losses), "a title")
    figure.canvas.draw()
    assert axis.get_title() == "a title"
