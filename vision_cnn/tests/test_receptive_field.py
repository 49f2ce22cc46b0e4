"""The theoretical receptive field, beside the pixels that have a gradient."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src.models import ModelConfig, build_model
from src.models.receptive_field import Field
from src.models.trace import trace


SIDE = 65


class Branches(nn.Module):
    """A wide and a narrow way that meet, the wide one with a stride of its own."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Conv2d(1, 2, 5, stride=2, padding=2)
        self.narrow = nn.Conv2d(1, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(x) + self.narrow(x)[:, :, ::2, ::2]


class Permuted(nn.Module):
    """Channels last between two convolutions, with a norm and a product over them."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 1, 3, dilation=2)
        self.norm, self.mix = nn.LayerNorm(4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mix(self.norm(self.first(x).permute(0, 2, 3, 1)))
        return self.last(x.permute(0, 3, 1, 2))


class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, (3, 5), stride=(2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (4, 1, 2, 0)))[:, :, 1::3, 2:]


NETWORKS = {
    "convolutions": nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 4, stride=3, padding=1)
    ),
    "dilated": nn.Sequential(nn.Conv2d(1, 2, 3, dilation=3), nn.Conv2d(2, 1, 2)),
    "pools": nn.Sequential(
        nn.Conv2d(1, 2, 5), nn.AvgPool2d(3, 2, 1), nn.Conv2d(2, 2, 3), nn.AvgPool2d(2)
    ),
    "oblong": nn.Sequential(
        nn.Conv2d(1, 1, (1, 7), stride=(1, 2)), nn.AvgPool2d((2, 3))
    ),
    "adaptive": nn.Sequential(nn.Conv2d(1, 1, 2), nn.AdaptiveAvgPool2d(8)),
    "branches": Branches(),
    "permuted": Permuted(),
    "padded": Padded(),
}


def seen(model: nn.Module, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Rows and columns of the image that one place of the output depends on."""
    image = torch.rand(1, 1, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    out = model.double()(image)
    (gradient,) = torch.autograd.grad(out[0, :, place[0], place[1]].sum(), image)
    touched = gradient[0, 0] != 0
    return touched.any(1).nonzero()[:, 0], touched.any(0).nonzero()[:, 0]


@pytest.mark.spec("CNN-056", "exactly the pixels that have a gradient")
@pytest.mark.parametrize("place", [(3, 5), (6, 4)], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_field_is_what_has_a_gradient(name, place):
    torch.manual_seed(0)
    model = NETWORKS[name].float()
    field = trace(model, 1, SIDE, SIDE, memory=False)[-1].field
    for axis, pixels in enumerate(seen(model, place)):
        shift = place[axis] * field.stride[axis]
        low, high = field.low[axis] + shift, field.high[axis] + shift
        assert (pixels.min(), pixels.max()) == (max(low, 0), min(high, SIDE - 1))
        assert field.size[axis] == field.high[axis] - field.low[axis] + 1
        assert field.centre[axis] == (field.high[axis] + field.low[axis]) / 2


@pytest.mark.spec("CNN-056", "through the largest of several branches")
def test_a_residual_network_by_the_formula():
    layers = {x.name: x for x in trace(_build("resnet20"), 3, 32, 32, memory=False)}
    # stem 3; 6 convolutions of 3 at stride 1; 1 at 1, 5 at 2; 1 at 2, 5 at 4
    sizes = [3 + 12, 3 + 12 + 2 + 20, 3 + 12 + 2 + 20 + 4 + 40]
    found = [layers[f"stages.{i}"].field for i in range(3)]
    assert [field.size for field in found] == [(s, s) for s in sizes]
    assert [field.stride for field in found] == [(1, 1), (2, 2), (4, 4)]
    assert math.isinf(layers["head"].field.high[0])


@pytest.mark.parametrize(
    ("name", "options"),
    [("resnet18", {"squeeze_excite": True}), ("vit_tiny", {}), ("lenet5", {})],
)
def test_the_whole_image_is_seen_through_pooling_attention_and_flattening(
    name, options
):
    layers = trace(_build(name, **options), 3, 32, 32, memory=False)
    assert math.isinf(layers[-1].field.high[0])
    first = next(x for x in layers if isinstance(x.module, nn.Conv2d))
    assert isinstance(first.field, Field) and math.isfinite(first.field.high[0])


def test_attention_sees_everything_and_a_token_before_it_its_patch():
    layers = {x.name: x for x in trace(_build("vit_tiny"), 3, 32, 32, memory=False)}
    patch = next(x for x in layers.values() if isinstance(x.module, nn.Conv2d)).field
    assert patch.size == patch.stride
    norm = next(x for x in layers.values() if isinstance(x.module, nn.LayerNorm)).field
    assert norm.size == patch.size
    assert math.isfinite(layers["layers.0.attend.qkv"].field.high[0])
    assert math.isinf(layers["layers.0.attend.out"].field.high[0])
    assert math.isinf(layers["layers.1.attend.qkv"].field.low[1])


def test_what_does_not_look_at_the_image_has_no_field():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.value = nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.value(torch.ones(len(x), 2))

    assert trace(Constant(), 1, 4, 4, memory=False)[-1].field is None


def test_a_transposed_convolution_is_refused():
    with pytest.raises(NotImplementedError, match="transposed"):
        trace(nn.ConvTranspose2d(1, 1, 2), 1, 4, 4)


def _build(name: str, **options) -> nn.Module:
    return build_model(ModelConfig(name, **options), 3, 10, (32, 32))
