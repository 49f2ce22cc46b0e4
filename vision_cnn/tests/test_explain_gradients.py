"""Gradient attributions against captum, by hand, and on what must come out as zero."""

import pytest
import torch
from torch import nn

from src.explain.gradients import (
    class_score,
    input_x_gradient,
    integrated_gradients,
    saliency,
    score_gradient,
    smooth_grad,
)
from src.explain.guided import guided_backprop
from src.utils.errors import InputError
from tests.explained import images, relu_net, same_state, state_of


ALL = [saliency, input_x_gradient, smooth_grad, integrated_gradients, guided_backprop]

PATH = (integrated_gradients, "steps")


def only_map(result):
    return result[0] if isinstance(result, tuple) else result


def captum_of(name, model, image, target, **options):
    attributions = pytest.importorskip("captum.attr")
    method = getattr(attributions, name)(model.eval())
    with pytest.warns() if name != "IntegratedGradients" else nothing():
        return method.attribute(image.clone(), target=target, **options)


class nothing:
    def __enter__(self): ...
    def __exit__(self, *args): ...


@pytest.mark.parity("saliency", "captum.attr.Saliency")
@pytest.mark.spec("CNN-085", "equal those of captum")
def test_saliency_equals_captum(parity):
    model, (image, target) = relu_net(), images()
    wanted = captum_of("Saliency", model, image, target).amax(1)
    parity.value(saliency(model, image, target), wanted, atol=1e-7)


@pytest.mark.parity("input times gradient", "captum.attr.InputXGradient")
@pytest.mark.spec("CNN-085", "equal those of captum")
def test_input_x_gradient_equals_captum(parity):
    model, (image, target) = relu_net(), images()
    wanted = captum_of("InputXGradient", model, image, target)
    parity.value(input_x_gradient(model, image, target), wanted, atol=1e-7)


@pytest.mark.parity("integrated gradients", "captum.attr.IntegratedGradients")
@pytest.mark.spec("CNN-085", "equal those of captum")
@pytest.mark.parametrize("baseline", [None, 0.3])
def test_integrated_gradients_equal_captum(baseline, parity):
    model, (image, target) = relu_net().double(), images()
    image = image.double()
    start = None if baseline is None else torch.full_like(image, baseline)
    attribution, _ = integrated_gradients(
        model, image, target, baseline=start, steps=20, batch_size=7
    )
    options = {"n_steps": 20, "method": "riemann_middle", "baselines": start}
    wanted = captum_of("IntegratedGradients", model, image, target, **options)
    assert torch.allclose(attribution, wanted, atol=1e-12)
    parity.value(attribution, wanted, atol=1e-9)  # captum's steps are float32


@pytest.mark.parity("guided backpropagation", "captum.attr.GuidedBackprop")
@pytest.mark.spec("CNN-085", "equal those of captum")
def test_guided_backprop_equals_captum(parity):
    model, (image, target) = relu_net(), images()
    plain = relu_net(inplace=False)  # captum's own way of ReLU fails in place
    wanted = captum_of("GuidedBackprop", plain, image, target)
    guided = guided_backprop(model, image, target)
    parity.value(guided, wanted, atol=1e-7)
    assert not torch.allclose(guided, score_gradient(model, image, target))


class Spelled(nn.Module):
    def __init__(self, relu):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)
        self.relu = relu

    def forward(self, image):
        return self.head(self.relu(self.conv(image)).mean((2, 3)))


SPELLINGS = {
    "module": nn.ReLU(),
    "in place": nn.ReLU(inplace=True),
    "functional": nn.functional.relu,
    "functional in place": lambda x: nn.functional.relu(x, inplace=True),
    "torch": torch.relu,
    "torch in place": torch.relu_,
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
    "six": nn.ReLU6(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_guided_backprop_finds_a_relu_however_it_is_spelled(spelling):
    torch.manual_seed(0)
    model, (image, target) = Spelled(SPELLINGS[spelling]), images()
    guided = guided_backprop(model, image, target)
    a = model.conv(image)
    weight = model.head.weight[target] / a[0, 0].numel()  # what arrives at the ReLU
    arrives = weight.clamp(min=0)[:, :, None, None] * (a > 0)
    wanted = nn.functional.conv_transpose2d(arrives, model.conv.weight)
    assert torch.allclose(guided, wanted, atol=1e-6)


def test_guided_backprop_says_of_a_model_without_relu_that_it_has_none():
    model, (image, target) = Spelled(nn.GELU()), images()
    with pytest.raises(InputError, match="a ReLU, and Spelled has none. Use another"):
        guided_backprop(model, image, target)


@pytest.mark.spec("CNN-086", "mean of the gradients at the noisy images")
def test_smooth_grad_is_the_mean_over_the_noise_of_its_seed():
    model, (image, target) = relu_net(), images()
    smooth = smooth_grad(model, image, target, noise=0.2, samples=3, seed=5)
    generator = torch.Generator().manual_seed(5)
    draws = torch.randn(3, 3, 12, 11, generator=generator)
    for i in range(2):
        sigma = 0.2 * (image[i].max() - image[i].min())
        noisy = (image[i] + sigma * draws).requires_grad_()
        score = model.eval()(noisy)[:, target[i]].sum()
        wanted = torch.autograd.grad(score, noisy)[0].mean(0)
        assert torch.allclose(smooth[i], wanted, atol=1e-6)


def test_smooth_grad_without_noise_is_the_gradient():
    model, (image, target) = relu_net(), images()
    smooth = smooth_grad(model, image, target, noise=0.0, samples=2)
    assert torch.allclose(smooth, score_gradient(model, image, target), atol=1e-7)


@pytest.mark.spec("CNN-087", "returned error falls as the steps grow")
def test_integrated_gradients_add_up_to_the_difference_of_the_scores():
    model, (image, target) = relu_net().double(), images()
    image, errors = 3 * image.double(), []
    for steps in (4, 64, 1024):
        attribution, error = integrated_gradients(model, image, target, steps=steps)
        with torch.no_grad():
            scores = model.eval()(torch.cat([image, torch.zeros_like(image)]))
        gained = scores[[0, 1], target] - scores[[2, 3], target]
        assert torch.allclose(attribution.sum((1, 2, 3)) - gained, error, atol=1e-9)
        errors.append(float(error.abs().max()))
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    assert errors[2] < 1e-3 * gained.abs().max()


@pytest.mark.spec("CNN-087", "a pixel that alone changes the score")
def test_integrated_gradients_are_sensitive_where_the_gradient_is_saturated():
    """f(x) = 1 - relu(1 - x) at x = 2, the example of the paper: no slope, yet 1."""

    class Saturated(nn.Module):
        def forward(self, image):
            return 1 - torch.relu(1 - image.flatten(1)[:, :1])

    image, target = torch.zeros(1, 1, 2, 2), torch.tensor([0])
    image[0, 0, 0, 0] = 2
    assert saliency(Saturated(), image, target).sum() == 0
    attribution, error = integrated_gradients(Saturated(), image, target)
    assert torch.equal(attribution, torch.tensor([[[[1.0, 0], [0, 0]]]]))
    assert error == 0


@pytest.mark.parametrize("steps, batch_size", [(5, 1), (5, 4), (7, 1000)])
@pytest.mark.parametrize("method, count", [(smooth_grad, "samples"), PATH])
def test_many_copies_run_in_batches_of_bounded_size(steps, batch_size, method, count):
    model, (image, target) = relu_net().double(), images()
    image, sizes = image.double(), []
    whole = only_map(method(model, image, target, **{count: steps}))
    model.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    options = {count: steps, "batch_size": batch_size}
    parts = only_map(method(model, image, target, **options))
    assert torch.allclose(parts, whole, atol=1e-12)
    assert max(sizes) <= max(batch_size, len(image))


@pytest.mark.spec("CNN-088", "no hook, no changed mode and no gradient")
@pytest.mark.parametrize("attribution", ALL)
def test_an_attribution_leaves_the_model_as_it_was(attribution):
    model, (image, target) = relu_net(), images()
    model.train()[1].eval()
    before, pixels = state_of(model), image.clone()
    with torch.no_grad():  # as an evaluation might call it
        attribution(model, image, target)
    with pytest.raises((RuntimeError, ValueError)):
        attribution(model, image[:, :, :5], target)
    assert same_state(before, state_of(model))
    assert torch.equal(image, pixels) and not image.requires_grad


@pytest.mark.parametrize("attribution", ALL)
def test_a_batch_gives_what_its_images_give_alone(attribution):
    model, (image, target) = relu_net().double(), images(3)
    image = image.double()
    whole = only_map(attribution(model, image, target))
    assert whole.dtype == torch.float64
    for i in range(3):
        alone = only_map(attribution(model, image[i : i + 1], target[i : i + 1]))
        assert torch.allclose(whole[i : i + 1], alone, atol=1e-12)


@pytest.mark.parametrize("attribution", ALL)
def test_no_images_give_no_maps(attribution):
    model, (image, target) = relu_net(), images()
    assert len(only_map(attribution(model, image[:0], target[:0]))) == 0


@pytest.mark.spec("CNN-090", "is zero everywhere and stays so")
@pytest.mark.parametrize("attribution", ALL)
def test_a_class_that_nothing_speaks_for_has_a_map_of_zeros(attribution):
    model, (image, target) = relu_net(), images()
    model[-1].weight.data[target] = 0
    result = attribution(model, image, target)
    assert not only_map(result).any()


def test_a_class_that_the_model_has_not_is_refused():
    with pytest.raises(ValueError, match=r"target 5: the model has the classes 0..4"):
        saliency(relu_net(), images()[0], torch.tensor([0, 5]))
    with pytest.raises(ValueError, match="target -1"):
        class_score(torch.zeros(1, 3), torch.tensor([-1]))


@pytest.mark.parametrize(
    "options", [{"samples": 0}, {"noise": -0.1}], ids=["samples", "noise"]
)
def test_numbers_without_meaning_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}=.* is too small"):
        smooth_grad(relu_net(), *images(), **options)
    with pytest.raises(ValueError, match="steps=0 is too small"):
        integrated_gradients(relu_net(), *images(), steps=0)
