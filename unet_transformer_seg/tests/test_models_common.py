import copy

import pytest
import torch
from torch import nn

from src.data import AugmentConfig
from src.models import MODELS, ModelConfig, TransformerConfig, build_model
from src.models.attention import SelfAttention
from src.models.count import count_macs, count_parameters, describe
from src.training import task


OPTIONS = [
    {"name": "unet"},
    {"name": "unet", "norm": "instance", "upsample": "bilinear"},
    {"name": "unet", "norm": "none"},
    {"name": "unet_transformer"},
    {"name": "unet_transformer", "norm": "group", "upsample": "bilinear"},
    {"name": "attention_unet", "norm": "group"},
]
PROJECTED = TransformerConfig(
    layers=2, d_model=12, n_heads=3, position="sine", attention="explicit"
)


def build(seed=0, **options):
    torch.manual_seed(seed)
    settings = {
        "width": 4,
        "depth": 2,
        "transformer": TransformerConfig(layers=2, n_heads=2, grid=4),
    } | options
    return build_model(ModelConfig(**settings), 3, 4)


@pytest.fixture(params=OPTIONS, ids=lambda options: "-".join(options.values()))
def options(request):
    return request.param


def test_gradient_reaches_every_weight(options):
    model = build(**options)
    model(torch.randn(2, 3, 24, 32)).square().mean().backward()
    deaf = [name for name, p in model.named_parameters() if not p.grad.abs().sum() > 0]
    assert not deaf


def test_gradient_reaches_every_weight_of_a_projected_transformer():
    test_gradient_reaches_every_weight(
        {"name": "unet_transformer", "transformer": PROJECTED}
    )


@pytest.mark.parametrize(
    ("kind", "setting", "words"),
    [
        (ModelConfig, {"width": 0}, "width is 0; at least 1 channel"),
        (ModelConfig, {"depth": 0}, "depth is 0; from 1 to 8"),
        (ModelConfig, {"depth": 9}, "depth is 9; from 1 to 8"),
        (ModelConfig, {"dropout": 1.0}, "dropout is 1.0; from 0 to below 1"),
        (TransformerConfig, {"layers": 0}, "layers is 0; at least 1"),
        (TransformerConfig, {"d_model": -8}, "d_model is -8; at least 0"),
        (TransformerConfig, {"n_heads": 0}, "n_heads is 0; at least 1"),
        (TransformerConfig, {"grid": 0}, "grid is 0; at least 1"),
        (TransformerConfig, {"mlp_ratio": 0.0}, "mlp_ratio is 0.0; more than 0"),
        (TransformerConfig, {"dropout": -0.1}, "dropout is -0.1; from 0 to below 1"),
        (TransformerConfig, {"drop_path": 1.0}, "drop_path is 1.0; from 0 to below 1"),
    ],
)
def test_settings_that_no_model_has_are_refused(kind, setting, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        kind(**setting)


@pytest.mark.spec("SEG-009", "do not depend on the other images of its batch")
def test_evaluation_takes_each_image_alone(options):
    model = build(**options, dropout=0.5).double()
    images = torch.randn(3, 3, 20, 32, dtype=torch.float64)
    model(images)  # moves the running statistics
    model.eval()
    together = model(images)
    for i in range(3):
        torch.testing.assert_close(model(images[i : i + 1])[0], together[i])


@pytest.mark.spec("SEG-009", "drop-out and drop path are off")
def test_evaluation_is_repeatable_and_training_is_not():
    noisy = TransformerConfig(layers=2, n_heads=2, dropout=0.3, drop_path=0.5)
    model = build(name="unet_transformer", transformer=noisy)
    image = torch.randn(2, 3, 16, 16)
    assert not torch.equal(model(image), model(image))
    model.eval()
    assert torch.equal(model(image), model(image))


def test_dropout_stands_at_the_end_of_the_contracting_path():
    model = build(dropout=0.5)
    features, _ = model.encode(torch.randn(2, 3, 32, 32))
    full, _ = build().encode(torch.randn(2, 3, 32, 32))
    assert (features == 0).double().mean() > (full == 0).double().mean() + 0.1


def test_the_seed_decides_the_weights(options):
    first, again, other = build(**options), build(**options), build(1, **options)
    same = first.state_dict(), again.state_dict()
    assert all(torch.equal(a, b) for a, b in zip(*map(dict.values, same), strict=True))
    assert not torch.equal(first.head.weight, other.head.weight)


@pytest.mark.spec("SEG-008", "changes no logit, no gradient and no running statistic")
def test_checkpointing_changes_nothing(options):
    noisy = TransformerConfig(layers=2, n_heads=2, dropout=0.2, drop_path=0.3)
    plain = build(**options, dropout=0.2, transformer=noisy)
    saving = build(**options, dropout=0.2, transformer=noisy, checkpointing=True)
    image, results = torch.randn(2, 3, 17, 32), []
    for model in (plain, saving):
        torch.manual_seed(1)
        for _ in range(2):
            logits = model(image)
            logits.square().mean().backward()
        results.append(
            (logits, *(p.grad for p in model.parameters()), *model.buffers())
        )
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_checkpointing_computes_each_level_again():
    calls = []
    model = build(checkpointing=True)
    for level in (*model.contracting, model.bottleneck, *model.expanding):
        level.register_forward_pre_hook(lambda *_: calls.append(1))
    logits = model(torch.randn(1, 3, 32, 32))
    assert len(calls) == 5
    logits.sum().backward()
    assert len(calls) == 10
    model.eval()(torch.randn(1, 3, 32, 32))
    assert len(calls) == 15


@pytest.mark.spec("SEG-011", "compiles to a single graph")
@pytest.mark.parametrize("name", MODELS)
def test_compiles_to_one_graph(name):
    torch.compiler.reset()
    model = build(name=name)
    copied, image = copy.deepcopy(model), torch.randn(2, 3, 24, 32)
    compiled = torch.compile(copied, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(image), model(image))


@pytest.mark.spec("SEG-011", "exports with `torch.export`, with the same logits")
@pytest.mark.parametrize("name", MODELS)
def test_exports(name):
    model, image = build(name=name).eval(), torch.randn(2, 3, 24, 30)
    exported = torch.export.export(model, (image,)).module()
    torch.testing.assert_close(exported(image), model(image))


def test_channels_last_gives_the_same_logits(options):
    model = build(**options).eval().double()
    image = torch.randn(2, 3, 24, 32, dtype=torch.float64)
    expected = model(image)
    model = model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(image), expected, rtol=0, atol=1e-11)


@pytest.mark.spec("SEG-010", "3.02 GMAC and 7,763,140 parameters")
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("unet", "7,763,140 parameters, 3.02 GMAC at 3 x 128 x 128"),
        ("unet_transformer", "20,406,468 parameters, 3.84 GMAC at 3 x 128 x 128"),
        ("attention_unet", "8,021,639 parameters, 3.06 GMAC at 3 x 128 x 128"),
    ],
)
def test_counts_of_the_default_models(name, counts):
    with torch.device("meta"):
        model = build_model(ModelConfig(name), 3, 4)
    assert describe(model, 3, 128, 128) == counts


@pytest.mark.spec("SEG-010", "are printed when a training starts")
def test_a_training_says_the_counts_of_its_own_model_and_image():
    setup = task.build(task.Config(augment=AugmentConfig(crop=32)))
    counts = describe(setup.model, 3, 32, 32)
    assert setup.title.startswith(f"unet {counts} · toy_shapes 512 train / 128 val")


@pytest.mark.parametrize(
    ("settings", "classes", "count"),
    [
        (ModelConfig(width=64), 2, 31_037_698),
        (ModelConfig(width=64, upsample="bilinear"), 2, 17_263_042),
        (ModelConfig(width=16), 4, 1_942_628),
        (ModelConfig(width=16, depth=3), 4, 482_788),
    ],
)
def test_parameters_equal_published_counts(settings, classes, count):
    with torch.device("meta"):
        assert count_parameters(build_model(settings, 3, classes)) == count


def count_by_hand(model, image):
    """Multiply-adds from the shapes that pass through each layer."""
    macs = []

    def add(layer, inputs, out):
        if isinstance(layer, nn.ConvTranspose2d):
            macs.append(inputs[0].numel() * layer.weight[0].numel())
        elif isinstance(layer, SelfAttention):
            batch, tokens, d_model = out.shape
            macs.append(2 * batch * tokens**2 * d_model)
        else:
            macs.append(out.numel() * layer.weight[0].numel())

    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, SelfAttention)
    for layer in model.modules():
        if isinstance(layer, kinds):
            layer.register_forward_hook(add)
    model.eval()(image)
    return sum(macs)


@pytest.mark.spec("SEG-010", "`count_macs` and `count_parameters` give")
def test_macs_equal_arithmetic_by_hand(options):
    image = torch.randn(2, 3, 24, 32)
    model = build(**options)
    counted = count_macs(model, image)
    assert model.training
    assert counted == count_by_hand(model, image)


def test_macs_do_not_depend_on_the_kernel():
    image, counts = torch.randn(1, 3, 32, 32), set()
    for attention in ("explicit", "sdpa"):
        config = TransformerConfig(layers=2, n_heads=2, attention=attention)
        model = build(name="unet_transformer", transformer=config)
        counts.add(count_macs(model, image))
    assert len(counts) == 1


def test_frozen_weights_are_not_counted():
    model = build()
    before = count_parameters(model)
    model.head.weight.requires_grad_(False)
    assert count_parameters(model) == before - model.head.weight.numel()
