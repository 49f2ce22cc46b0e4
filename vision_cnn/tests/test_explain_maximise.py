"""Activation maximisation: what it reaches, what it leaves, and its parts."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data import DataInfo
from src.explain.activation_maximisation import (
    Ascent,
    blurred,
    jittered,
    maximise,
    maximised_figure,
    total_variation,
    waves,
)
from tests.explained import Corners, relu_net, same_state, state_of


INFO = DataInfo(
    3, 12, 11, ("a", "b", "c", "d", "e"), (0.5, 0.4, 0.6), (0.2,) * 3, (1,) * 5, ""
)
SHORT = Ascent(steps=25, jitter=0, blur_every=10)
BOTH = pytest.mark.parametrize("parametrisation", ["pixel", "fourier"])


@pytest.mark.spec("CNN-102", "raises the logit of each class")
@BOTH
def test_each_logit_rises_and_is_that_of_the_image(parametrisation):
    model = relu_net()
    model[-1].weight.data *= 30  # as large as after a training
    ascent = replace(SHORT, parametrisation=parametrisation)
    found = maximise(model, INFO, range(5), ascent=ascent)
    assert found.images.shape == (5, 3, 12, 11)
    assert found.images.min() >= 0 and found.images.max() <= 1
    assert (found.after > found.before + 0.5).all()
    with torch.no_grad():
        logits = model.eval()(INFO.normalise(found.images))
    assert torch.allclose(logits.diagonal(), found.after, atol=1e-5)
    assert found.before.std() > 0  # of one image, which all begin with


@pytest.mark.spec("CNN-102", "the mean of a channel")
def test_channels_rise_and_those_of_vectors_are_their_own_mean():
    model = relu_net(inplace=False).eval()
    found = maximise(model, INFO, [0, 3], layer="3", ascent=SHORT)
    assert (found.after > found.before).all()
    output = model[:4](INFO.normalise(found.images))
    wanted = output.mean((2, 3))[[0, 1], [0, 3]]
    assert torch.allclose(found.after, wanted.detach(), atol=1e-5)
    logits = maximise(model, INFO, [2], layer="7", ascent=SHORT)
    classes = maximise(model, INFO, [2], ascent=SHORT)
    assert torch.equal(logits.images, classes.images)


@pytest.mark.spec("CNN-102", "whichever others are sought beside it")
@BOTH
def test_an_image_is_the_same_alone_and_each_time_but_not_for_another_seed(
    parametrisation,
):
    model = relu_net()
    ascent = replace(SHORT, parametrisation=parametrisation, jitter=2)
    together = maximise(model, INFO, [0, 3], ascent=ascent)
    again = maximise(model, INFO, [0, 3], ascent=ascent)
    assert torch.equal(together.images, again.images)
    alone = maximise(model, INFO, [3], ascent=ascent)
    assert torch.allclose(alone.images[0], together.images[1], atol=1e-5)
    other = maximise(model, INFO, [3], ascent=replace(ascent, seed=1))
    assert (other.images - alone.images).abs().max() > 1e-3


@BOTH
def test_a_blur_changes_pixels_and_no_waves(parametrisation):
    model, ascent = relu_net(), replace(SHORT, parametrisation=parametrisation)
    often, never = (
        maximise(model, INFO, [0], ascent=replace(ascent, blur_every=every))
        for every in (5, 0)
    )
    rougher = total_variation(never.images) - total_variation(often.images)
    assert rougher > 1e-3 if parametrisation == "pixel" else rougher == 0


@pytest.mark.spec("CNN-102", "leaves the network as it was")
def test_the_network_is_as_it_was():
    model = relu_net().train()
    before = state_of(model)
    maximise(model, INFO, [1], ascent=Ascent(steps=2))
    assert same_state(before, state_of(model))


def test_what_is_known_to_be_best_is_found():
    info = replace(INFO, height=12, width=12)
    found = maximise(Corners(), info, [0, 3], ascent=Ascent(steps=150, jitter=0))
    red = found.images[:, 0]
    assert red[0, :3, :3].min() > 0.9 and red[1, -3:, -3:].min() > 0.9
    assert (red[0, 6:, 6:] - 0.5).abs().max() < 0.2  # nothing is asked of it
    free = maximise(
        Corners(), info, [0], ascent=Ascent(steps=150, jitter=0, variation=0)
    )
    assert (free.images[0, 1:] - 0.5).abs().max() < 0.2  # nor of green and blue


def test_zero_steps_give_the_mean_colour():
    found = maximise(relu_net(), INFO, [0, 1], ascent=Ascent(steps=0))
    wanted = torch.tensor(INFO.mean)[None, :, None, None]
    assert (found.images - wanted).abs().max() < 0.02
    assert torch.equal(found.before, found.after)


@given(st.integers(1, 7), st.integers(1, 7))
def test_waves_are_the_sum_of_cosines_and_sines(height, width):
    random = torch.Generator().manual_seed(height * 8 + width)
    half = width // 2 + 1
    spectrum = torch.randn(1, 2, height, half, 2, generator=random).double()
    rows = torch.arange(height).double()[:, None] / height
    columns = torch.arange(width).double()[None] / width
    wanted = torch.zeros(2, height, width).double()
    for k in range(height):
        for m in range(half):
            signed = k if k <= (height - 1) // 2 else k - height
            frequency = ((signed / height) ** 2 + (m / width) ** 2) ** 0.5
            weight = 1 / max(frequency, 1 / max(height, width)) / 4
            angle = 2 * torch.pi * (k * rows + m * columns)
            twice = 1 if m == 0 or 2 * m == width else 2
            real, imaginary = spectrum[0, :, k, m].T[:, :, None, None]
            wave = real * angle.cos() - imaginary * angle.sin()
            wanted += twice * weight * wave / (height * width) ** 0.5
    assert torch.allclose(waves(spectrum, width)[0], wanted, atol=1e-9)


def test_jitter_moves_all_alike_within_its_reach():
    image = torch.arange(2 * 30.0).view(2, 1, 5, 6)
    random, moves = torch.Generator().manual_seed(0), set()
    for _ in range(200):
        moved = jittered(image, 2, random)
        assert torch.equal(moved[1] - moved[0], torch.full((1, 5, 6), 30.0))
        moves.add(float(moved[0, 0, 2, 2]))
    assert moves == {6.0 * row + column for row in range(5) for column in range(5)}
    assert torch.equal(jittered(image, 0, random), image)
    assert jittered(image[:, :, :1], 3, random).shape == (2, 1, 1, 6)  # no room


def test_total_variation_and_blur_by_hand():
    image = torch.tensor([[0.0, 1, 0], [0, 0, 0]])[None, None]
    assert total_variation(image).tolist() == [pytest.approx(3 / 6)]
    point = torch.zeros(1, 1, 5, 5)
    point[0, 0, 2, 2] = 16
    wanted = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert torch.equal(blurred(point)[0, 0, 1:4, 1:4], wanted)
    flat = torch.full((1, 2, 3, 3), 0.7)
    assert torch.allclose(blurred(flat), flat) and total_variation(flat).sum() == 0


def test_smoother_with_variation_and_drawn_below_names():
    rough, smooth = (
        maximise(relu_net(), INFO, [0, 2], ascent=replace(SHORT, variation=weight))
        for weight in (0.0, 200.0)
    )
    assert (total_variation(smooth.images) < total_variation(rough.images)).all()
    figure = maximised_figure(smooth, ["a", "$b_"], "title")
    figure.canvas.draw()
    assert figure.axes[1].get_title().startswith("\\$b_\n")
