"""Every network of the registry is explained; a trained one looks at its object."""

import pytest
import torch
from torch import nn

from src.explain.attributions import METHODS, attribute
from src.explain.gradients import saliency
from src.explain.sanity import randomisation_check
from src.models import MODELS, ModelConfig, build_model, options_of
from tests.explained import same_state, state_of


LOCATING = set(METHODS) - {"saliency", "smooth_grad", "guided_backprop"}
"""The others ask what would change the score, not what made it."""
NO_RELU = {"lenet5", "fast_cnn", "convnext_tiny", "vit_tiny"}
LAST = {"lenet5": "s4", "vit_tiny": "layers.11.norm1", "mobilenet_v2": "last"}


def tiny(name: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    options = {"width": 1 / 8} if "width" in options_of(name) else {}
    options |= {"width": 1 / 3} if name == "vit_tiny" else {}
    options |= {"widths": (4, 8)} if "widths" in options_of(name) else {}
    side = 32 if name.startswith(("vgg", "lenet")) else 16
    model = build_model(ModelConfig(name=name, **options), 3, 4, (side, side))
    return model, torch.randn(1, 3, side, side)


@pytest.mark.spec("CNN-089", "a finite map of the image's size or a sentence")
@pytest.mark.spec("CNN-088", "no hook, no changed mode and no gradient")
@pytest.mark.parametrize("name", MODELS)
def test_each_method_has_a_map_of_each_model_or_says_why_not(name):
    model, image = tiny(name)
    model.train()
    before = state_of(model)
    found = attribute(model, image, torch.tensor([1]))
    assert set(found.maps) == set(METHODS) - set(found.undefined)
    assert set(found.undefined) == ({"guided_backprop"} if name in NO_RELU else set())
    assert all("has none" in sentence for sentence in found.undefined.values())
    for method, map in found.maps.items():
        assert map.shape == image[:, 0].shape and map.isfinite().all(), method
        assert METHODS[method].signed or (map >= 0).all(), method
    assert found.layer == LAST.get(name, found.layer)
    assert same_state(before, state_of(model))


@pytest.mark.spec("CNN-089", "a finite map of the image's size or a sentence")
def test_a_model_without_maps_has_every_method_but_grad_cam():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2), nn.ReLU())
    found = attribute(model, torch.randn(1, 3, 2, 2), torch.tensor([1]))
    assert set(found.undefined) == {"grad_cam", "grad_cam_plus_plus"}
    assert "no layer with more than one position" in found.undefined["grad_cam"]
    assert found.layer == "" and len(found.maps) == len(METHODS) - 2


@pytest.mark.parametrize("name", ["resnet20", "vit_tiny"])
def test_every_layer_of_a_model_can_forget(name):
    model, image = tiny(name)
    stages = randomisation_check(saliency, model, image, torch.tensor([1]), stages=2)
    assert [stage.layer for stage in stages[:2]] != ["", ""] and len(stages) == 3
    assert stages[-1].similarity < stages[0].similarity == pytest.approx(1)


def stripes(count: int, seed: int):
    """Noise with a patch of 6x6 of stripes, lying (0) or standing (1), and its mask."""
    generator = torch.Generator().manual_seed(seed)
    image = 0.3 * torch.randn(count, 1, 18, 18, generator=generator)
    label = torch.randint(2, (count,), generator=generator)
    place = torch.randint(13, (count, 2), generator=generator)
    lying = 2.0 * (torch.arange(6) % 2)[:, None].expand(6, 6) - 1
    mask = torch.zeros(count, 18, 18, dtype=torch.bool)
    for i, (row, column) in enumerate(place.tolist()):
        mask[i, row : row + 6, column : column + 6] = True
        image[i, 0, row : row + 6, column : column + 6] += (
            lying.T if label[i] else lying
        )
    return image, label, mask


@pytest.fixture(scope="module")
def trained():
    """A network that tells lying from standing stripes, wherever they are."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )
    image, label, _ = stripes(256, 0)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for step in range(120):
        some = slice(32 * (step % 8), 32 * (step % 8) + 32)
        loss = nn.functional.cross_entropy(model(image[some]), label[some])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    image, label, mask = stripes(64, 1)
    assert (model(image).argmax(1) == label).float().mean() > 0.95
    return model, image, label, mask


@pytest.mark.spec("CNN-091", "Grad-CAM is largest where the evidence lies")
@pytest.mark.parametrize("method", sorted(LOCATING))
def test_a_trained_network_looks_at_the_stripes(trained, method):
    model, image, label, mask = trained
    found = attribute(model, image, label, methods=[method]).maps[method]
    best = found.flatten(1).argmax(1)
    on_patch = mask.flatten(1).gather(1, best[:, None]).float().mean()
    assert on_patch > 0.9  # by chance: a ninth


@pytest.mark.spec("CNN-092", "the similarity of saliency falls")
def test_saliency_of_a_trained_network_notices_what_is_forgotten(trained):
    model, image, label, _ = trained
    stages = randomisation_check(saliency, model, image, label)
    assert [stage.layer for stage in stages] == ["", "7", "3", "0"]
    assert stages[-1].similarity < 0.8


def test_what_integrated_gradients_add_up_to_is_given_with_the_maps(trained):
    model, image, label, _ = trained
    found = attribute(model, image, label, methods=["integrated_gradients"])
    total = found.maps["integrated_gradients"].sum((1, 2))
    assert torch.allclose(total, found.gained, atol=0.05 * float(found.gained.std()))
