"""What holds for every network of the registry."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from src.models import MODELS, ModelConfig, build_model, options_of


TINY = {"width": 1 / 8, "widths": (4, 6), "patch": 2}
SIZE = (32, 36)  # all fit it
# One of each kind for what takes long: the others differ in their numbers only.
KINDS = "lenet5 simple_cnn fast_cnn vgg11 resnet18 resnet50 resnet20 preact_resnet18 "
KINDS = [*KINDS.split(), "wide_resnet16_4", "mobilenet_v2", "convnext_tiny", "vit_tiny"]
LAYOUT = torch.channels_last


def build(name, seed=0, size=SIZE, **options):
    torch.manual_seed(seed)
    known = options_of(name)
    tiny = {key: value for key, value in TINY.items() if key in known}
    return build_model(ModelConfig(name, **tiny | options), 3, 5, size)


def shake(model):
    """Weights off their special values at the start, statistics of some images."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    model(torch.randn(4, 3, *SIZE, dtype=next(model.parameters()).dtype))
    return model


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.mark.spec("CNN-012", "`embed` gives the numbers that its linear `head` sees")
def test_the_head_judges_what_embed_describes(name):
    model = shake(build(name)).eval()
    image = torch.randn(2, 3, *SIZE)
    features = model.embed(image)
    assert isinstance(model.head, nn.Linear) and model.head.out_features == 5
    assert features.shape == (2, model.head.in_features)
    torch.testing.assert_close(model.head(features), model(image))
    assert (model.in_channels, model.classes) == (3, 5)
    assert [*dict(model.named_children())][-1] == "head"


def test_gradient_reaches_every_weight(kind):
    model = build(kind).double()
    model(torch.randn(3, 3, *SIZE, dtype=torch.float64)).square().sum().backward()
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    deaf = [n for n, p in trained if p.grad is None or not p.grad.abs().sum() > 0]
    assert not deaf


@pytest.mark.spec("CNN-005", "do not depend on the other images of its batch")
def test_evaluation_takes_each_image_alone(kind):
    model = shake(build(kind).double()).eval()
    images = torch.randn(3, 3, *SIZE, dtype=torch.float64)
    with torch.no_grad():
        together = model(images)
        for i in range(3):
            torch.testing.assert_close(model(images[i : i + 1])[0], together[i])


@pytest.mark.spec("CNN-005", "drop-out and drop path are off")
@pytest.mark.parametrize(
    ("name", "option"),
    [(n, o) for n in KINDS for o in ("dropout", "drop_path") if o in options_of(n)],
)
def test_what_is_dropped_is_dropped_in_training_only(name, option):
    rate = {option: 0.5} | ({"hidden": 16} if "vgg" in name else {})
    model, image = shake(build(name, **rate)), torch.randn(8, 3, *SIZE)
    torch.manual_seed(1)
    first, again = model(image), model(image)
    assert not torch.equal(first, again)
    model.eval()
    assert torch.equal(model(image), model(image))
    usual = build(name, **rate | {option: 0.0})
    usual.load_state_dict(model.state_dict())
    torch.testing.assert_close(usual.eval()(image), model(image))


def test_the_seed_decides_the_weights(name):
    first, again, other = build(name), build(name), build(name, seed=1)
    same = first.state_dict(), again.state_dict()
    assert all(torch.equal(a, b) for a, b in zip(*map(dict.values, same), strict=True))
    assert not torch.equal(first.head.weight, other.head.weight)


ANY_SIZE = {name: build(name).eval() for name in KINDS}


@pytest.mark.spec("CNN-004", "takes images of any height and width")
@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=4)
@given(data=st.data())
def test_any_size_that_fits_gives_logits(name, data):
    model = ANY_SIZE[name]
    least, unit = model.least_side, model.side_multiple
    sides = st.integers(-(-least // unit), 40 // unit).map(lambda i: i * unit)
    height, width = data.draw(sides), data.draw(sides)
    with torch.no_grad():
        logits = model(torch.randn(2, 3, height, width))
        smallest = model(torch.randn(2, 3, *[max(least, unit)] * 2))
    assert logits.shape == smallest.shape == (2, 5)
    assert logits.isfinite().all() and smallest.isfinite().all()


@pytest.mark.spec("CNN-004", "is a ValueError with the size")
def test_a_size_that_does_not_fit_is_refused_by_forward_and_embed(name):
    model = ANY_SIZE.get(name) or build(name)
    wrong = model.least_side - 1 if model.least_side > 1 else 33
    if model.least_side == model.side_multiple == 1:
        wrong = 0
    image = torch.zeros(1, 3, 40, wrong)
    for call in (model, model.embed):
        with pytest.raises(ValueError, match=f"^image is 40 x {wrong}; .* needs sides"):
            call(image)


@pytest.mark.spec("CNN-008", "the logits are the same")
@pytest.mark.spec("CNN-008", "every feature map")
def test_channels_last_is_kept_and_changes_no_logit(name):
    model = shake(build(name).double())
    image = torch.randn(2, 3, *SIZE, dtype=torch.float64)
    expected = copy.deepcopy(model)(image)
    copied = []

    def look(title, output):
        # ConvNeXt's perceptrons see pixels, (batch, height, width, channels).
        if output.ndim == 4 and not isinstance(modules[title], nn.Linear | nn.GELU):
            pixels = output.is_contiguous() and type(modules[title]) is nn.LayerNorm
            if not (output.is_contiguous(memory_format=LAYOUT) or pixels):
                copied.append(title)

    modules = dict(model.named_modules())
    for title, module in modules.items():
        module.register_forward_hook(lambda m, a, out, title=title: look(title, out))
    model = model.to(memory_format=LAYOUT)
    logits = model(image.contiguous(memory_format=LAYOUT))
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-9)
    assert not copied


def gradients_by_hook(model, image, names):
    """What tensor hooks on the outputs of modules see, and copies of the outputs."""
    seen, outputs, handles = {}, {}, []

    def record(title, output):
        outputs[title] = output.detach().clone()
        output.register_hook(lambda gradient: seen.update({title: gradient.clone()}))

    for title in names:
        handles.append(
            model.get_submodule(title).register_forward_hook(
                lambda m, a, out, title=title: record(title, out)
            )
        )
    model(image).square().sum().backward()
    for handle in handles:
        handle.remove()
    return seen, outputs


@pytest.mark.spec("CNN-009", "sees the gradient of that output")
def test_a_hook_on_any_output_sees_its_gradient(kind):
    """Compared with the same network whose ReLUs write to new memory."""
    model = shake(build(kind).double()).eval()
    careful = copy.deepcopy(model)
    for module in careful.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    image = torch.randn(2, 3, *SIZE, dtype=torch.float64, requires_grad=True)
    names = [title for title, module in model.named_modules() if title != ""]
    names = [n for n in names if not isinstance(model.get_submodule(n), nn.Identity)]
    seen, outputs = gradients_by_hook(model, image, names)
    expected, values = gradients_by_hook(careful, image, names)
    assert seen.keys() == expected.keys() == outputs.keys()
    for title in seen:
        assert torch.equal(outputs[title], values[title]), title
        torch.testing.assert_close(seen[title], expected[title], msg=title)
    assert len(seen) > 5


def test_rectifiers_work_in_place_where_there_are_any(name):
    modules = build(name).modules()
    assert all(m.inplace for m in modules if isinstance(m, nn.ReLU | nn.ReLU6))


@pytest.mark.parametrize("name", ["simple_cnn", "resnet20", "convnext_tiny"])
def test_autocast_gives_nearly_the_same_logits(name):
    model, image = shake(build(name)), torch.randn(4, 3, *SIZE)
    expected = model(image)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(image)
    assert (logits - expected).norm() < 0.05 * expected.norm()
