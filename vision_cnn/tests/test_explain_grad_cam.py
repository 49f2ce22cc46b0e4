"""Grad-CAM and Grad-CAM++ against captum and against their definitions."""

import pytest
import torch
from torch import nn

from src.explain.grad_cam import grad_cam, grad_cam_plus_plus, upsample
from src.utils.errors import InputError
from tests.explained import Corners, images, relu_net, same_state, state_of


BOTH = pytest.mark.parametrize("method", [grad_cam, grad_cam_plus_plus])


@pytest.mark.parity("Grad-CAM", "captum.attr.LayerGradCam")
@pytest.mark.spec("CNN-085", "equal those of captum")
@pytest.mark.parametrize("layer", ["0", "1", "4"])
def test_grad_cam_equals_captum(layer, parity):
    attributions = pytest.importorskip("captum.attr")
    (image, target), plain = images(), relu_net(inplace=False).eval()
    captum = attributions.LayerGradCam(plain, plain[int(layer)])
    wanted = captum.attribute(image.clone(), target, relu_attributions=True)
    cam = grad_cam(relu_net(), image, target, layer)
    assert cam.any()
    parity.value(cam, wanted[:, 0], atol=1e-6)
    captums = attributions.LayerAttribution.interpolate(wanted, (12, 11), "bilinear")
    parity.value(upsample(cam, 12, 11), captums[:, 0], atol=1e-6)


def by_definition(model, head, image, target):
    """Equation 19 as it stands: the derivatives of Y = exp(S) by each A_ij."""
    A = model(image).detach()
    n, channels, rows, columns = A.shape
    weights = torch.zeros(n, channels).double()
    for b, k, i, j in torch.cartesian_prod(*map(torch.arange, A.shape)).tolist():
        a = A[b, k, i, j].clone().requires_grad_()
        maps = A[b].clone()
        maps[k, i, j] = a
        Y = head(maps[None])[0, target[b]].exp()
        (first,) = torch.autograd.grad(Y, a, create_graph=True)
        (second,) = torch.autograd.grad(first, a, create_graph=True)
        (third,) = torch.autograd.grad(second, a)
        below = 2 * second + third * A[b, k].sum()
        alpha = second / below if second != 0 else 0
        weights[b, k] += (alpha * first.relu() / Y).detach()
    return (weights[:, :, None, None] * A).sum(1).relu()


@pytest.mark.spec("CNN-086", "derivatives of exp(score) by autograd")
def test_grad_cam_plus_plus_equals_its_definition():
    torch.manual_seed(0)
    image, target = images()
    image = image[:, :, :7, :6].double()
    features = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU()).double()
    head = nn.Sequential(nn.Flatten(), nn.Linear(24, 5)).double()
    model = nn.Sequential(features, head)
    wanted = by_definition(features, head, image, target)
    cam = grad_cam_plus_plus(model, image, target, "0")
    assert cam.any() and torch.allclose(cam, wanted, atol=1e-12)


def test_grad_cam_plus_plus_leaves_out_what_would_be_divided_by_zero():
    pick = nn.Conv2d(3, 2, 1, bias=False)
    pick.weight.data = torch.eye(3)[:2, :, None, None]
    model = nn.Sequential(pick, nn.Flatten(), nn.Linear(8, 1))
    nn.init.ones_(model[2].weight)  # so that g is 1 everywhere
    image = torch.zeros(1, 3, 2, 2)
    image[0, 0] = torch.tensor([[-3.0, 1.0], [0.5, -0.5]])  # their sum is -2: 2 + g A
    image[0, 1] = torch.tensor([[2.0, 0.0], [0.0, 0.0]])  # is 0, and here it is 4
    cam = grad_cam_plus_plus(model, image, torch.tensor([0]), "0")
    assert torch.equal(cam, image[:, 1])  # four times 1/4


@pytest.mark.spec("CNN-091", "Grad-CAM is largest where the evidence lies")
@BOTH
@pytest.mark.parametrize("corner", range(4))
def test_the_map_is_at_the_corner_that_the_class_looks_at(method, corner):
    place = (0, 3, 8, 11)[corner]  # of 3x4 cells
    row, column = divmod(place, 4)
    red = torch.zeros(1, 3, 12, 16)
    red[:, 0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 1
    cam = method(Corners(), red, torch.tensor([corner]))
    assert int(cam.flatten().argmax()) == place and (cam > 0).sum() == 1


@pytest.mark.spec("CNN-090", "is zero everywhere and stays so")
@BOTH
def test_a_map_without_evidence_is_zero(method):
    model, (image, target) = relu_net(), images()
    model[-1].weight.data.fill_(-1)  # everything speaks against every class
    cam = method(model, image, target)
    assert not cam.any() and not upsample(cam, 12, 11).any()
    nn.init.zeros_(model[-1].weight)  # nothing speaks at all: 0/0 in the weights
    assert not method(model, image, target).any()


@BOTH
@pytest.mark.parametrize("corner", range(2))
def test_nothing_red_is_no_evidence(method, corner):
    cam = method(Corners(), torch.zeros(1, 3, 8, 8), torch.tensor([corner]))
    assert torch.equal(cam, torch.zeros(1, 2, 2))


@BOTH
def test_a_map_of_one_position_covers_the_image(method):
    model = nn.Sequential(nn.Conv2d(3, 4, 8), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    torch.manual_seed(2)
    image = torch.rand(1, 3, 8, 8)
    model[3].weight.data.fill_(1)
    cam = method(model, image, torch.tensor([1]), "1")
    assert cam.shape == (1, 1, 1)
    assert torch.allclose(upsample(cam, 8, 8), cam.expand(1, 8, 8))


@BOTH
def test_a_batch_gives_what_its_images_give_alone(method):
    model, (image, target) = relu_net().double(), images(3)
    image = image.double()
    whole = method(model, image, target, "1")
    assert whole.dtype == torch.float64
    for i in range(3):
        alone = method(model, image[i : i + 1], target[i : i + 1], "1")
        assert torch.allclose(whole[i : i + 1], alone, atol=1e-12)


@pytest.mark.spec("CNN-088", "no hook, no changed mode and no gradient")
@BOTH
@pytest.mark.parametrize("frozen", [False, True])
def test_the_model_is_left_as_it_was(method, frozen):
    model, (image, target) = relu_net().train(), images()
    model.requires_grad_(not frozen)
    before = state_of(model)
    with torch.no_grad():
        assert method(model, image, target).any()
    with pytest.raises(ValueError, match="target 9"):
        method(model, image, torch.full((2,), 9))
    assert same_state(before, state_of(model))


@BOTH
def test_a_layer_that_the_score_does_not_depend_on_has_no_evidence(method):
    class Aside(nn.Module):
        def __init__(self):
            super().__init__()
            self.aside, self.used = nn.Conv2d(3, 2, 3), nn.Conv2d(3, 2, 3)

        def forward(self, image):
            self.aside(image)
            return self.used(image).mean((2, 3))

    image, target = images()
    assert not method(Aside(), image, target % 2, "aside").any()


def test_a_layer_without_positions_is_refused_with_one_that_has():
    with pytest.raises(InputError, match="layer '6' gives 150 numbers .* such as 5.$"):
        grad_cam(relu_net(), *images(), "6")


def test_upsampling_keeps_the_middle_of_each_cell():
    cam = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]])
    large = upsample(cam, 6, 6)
    assert torch.allclose(large[:, 1::3, 1::3], cam, atol=1e-6)
