import math

import pytest
import torch
from torch import nn

from src.models import ModelConfig, TransformerConfig, build_model
from src.models.attention import DropPath, SelfAttention, TransformerLayer
from src.models.position import LearnedPosition, SinePosition
from src.models.unet_transformer import TransformerBridge


def assert_same(parity, ours, theirs, pairs, x, atol):
    """Values and gradients, by the input and by each pair of weights, agree."""
    direction = torch.randn_like(ours)
    mine = torch.autograd.grad((ours * direction).sum(), [x, *(a for a, _ in pairs)])
    other = torch.autograd.grad((theirs * direction).sum(), [x, *(b for _, b in pairs)])
    parity.value(ours, theirs, atol=atol)
    parity.gradient(mine, other, atol=atol)


def attention_pairs(ours, theirs):
    return [
        (ours.qkv.weight, theirs.in_proj_weight),
        (ours.qkv.bias, theirs.in_proj_bias),
        (ours.out.weight, theirs.out_proj.weight),
        (ours.out.bias, theirs.out_proj.bias),
    ]


def randomise(pairs):
    with torch.no_grad():
        for ours, theirs in pairs:
            theirs.copy_(ours.normal_(std=0.3))


@pytest.mark.spec("SEG-003", "`nn.MultiheadAttention` with the same weights")
@pytest.mark.parity("multi-head self-attention", "torch.nn.MultiheadAttention")
@pytest.mark.parametrize("attention", ["explicit", "sdpa"])
@pytest.mark.parametrize("tokens", [1, 7])
def test_attention_equals_torch(attention, tokens, parity):
    torch.manual_seed(0)
    ours = SelfAttention(12, 3, attention=attention).double()
    theirs = nn.MultiheadAttention(12, 3, batch_first=True).double()
    pairs = attention_pairs(ours, theirs)
    randomise(pairs)
    x = torch.randn(2, tokens, 12, dtype=torch.float64, requires_grad=True)
    out, weights = theirs(x, x, x, average_attn_weights=False)
    parity.value(ours.weights(x), weights, atol=1e-12)
    assert_same(parity, ours(x), out, pairs, x, 1e-12)


@pytest.mark.spec("SEG-003", "equals `nn.TransformerEncoderLayer(norm_first=True)`")
@pytest.mark.parity("pre-norm Transformer layer", "torch.nn.TransformerEncoderLayer")
@pytest.mark.parametrize("attention", ["explicit", "sdpa"])
def test_layer_equals_torch(attention, parity):
    torch.manual_seed(0)
    ours = TransformerLayer(12, 3, mlp_ratio=2, attention=attention).double()
    theirs = nn.TransformerEncoderLayer(
        12, 3, 24, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).double()
    pairs = attention_pairs(ours.attend, theirs.self_attn)
    for mine, other in [
        (ours.norm1, theirs.norm1),
        (ours.norm2, theirs.norm2),
        (ours.mlp[0], theirs.linear1),
        (ours.mlp[3], theirs.linear2),
    ]:
        pairs += [(mine.weight, other.weight), (mine.bias, other.bias)]
    randomise(pairs)
    x = torch.randn(2, 7, 12, dtype=torch.float64, requires_grad=True)
    assert_same(parity, ours(x), theirs(x), pairs, x, 1e-12)


@pytest.mark.spec("SEG-004", "agree to 1e-6 in float32, values and gradients")
@pytest.mark.parity(
    "explicit attention, float32", "torch.nn.functional.scaled_dot_product_attention"
)
@pytest.mark.parametrize("tokens", [1, 64, 300])
def test_explicit_and_fused_attention_agree(tokens, parity):
    torch.manual_seed(0)
    explicit = SelfAttention(32, 4, attention="explicit")
    fused = SelfAttention(32, 4, attention="sdpa")
    fused.load_state_dict(explicit.state_dict())
    pairs = list(zip(explicit.parameters(), fused.parameters(), strict=True))
    x = torch.randn(2, tokens, 32, requires_grad=True)
    ours, theirs = explicit(x), fused(x)
    parity.value(ours, theirs, atol=1e-6)
    mine, other = (
        torch.autograd.grad(out.square().mean(), [x, *weights])
        for out, weights in zip((ours, theirs), zip(*pairs, strict=True), strict=True)
    )
    parity.gradient(mine, other, atol=1e-6)


@pytest.mark.parametrize("attention", ["explicit", "sdpa"])
def test_attention_drops_weights_in_training_only(attention):
    torch.manual_seed(0)
    attend = SelfAttention(8, 2, dropout=0.5, attention=attention)
    x = torch.randn(3, 5, 8)
    assert not torch.equal(attend(x), attend(x))
    attend.eval()
    assert torch.equal(attend(x), attend(x))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: SelfAttention(10, 4), "d_model 10 is not a multiple of heads 4"),
        (lambda: SelfAttention(8, 4, attention="flash"), "attention 'flash' is not"),
        (lambda: SinePosition(6), "d_model 6 is not a multiple of 4"),
        (lambda: DropPath(1.0), r"drop_path 1.0 is not in \[0, 1\)"),
    ],
)
def test_wrong_settings_are_named(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@pytest.mark.spec("SEG-005", "used as they are on the grid they were learned on")
def test_learned_codes_are_the_parameters_on_their_grid():
    position = LearnedPosition(6, 3)
    codes = position(3, 3)
    for row, column in [(0, 0), (0, 2), (2, 1)]:
        assert torch.equal(codes[3 * row + column], position.codes[0, :, row, column])


@pytest.mark.spec("SEG-005", "interpolated to any other")
def test_learned_codes_are_interpolated():
    position = LearnedPosition(2, 2)
    left, right = torch.tensor([0.0, 10.0]), torch.tensor([1.0, 30.0])
    with torch.no_grad():
        position.codes.copy_(
            torch.stack([left, right], 1)[None, :, None].expand(1, 2, 2, 2)
        )
    codes = position(1, 4)  # centres of cells at 1/8, 3/8, ...; of the grid at 1/4, 3/4
    expected = torch.stack(
        [left, 0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right, right]
    )
    torch.testing.assert_close(codes, expected)
    assert position(5, 3).shape == (15, 2)


@pytest.mark.spec("SEG-005", "obey the formula of Vaswani et al. 2017")
@pytest.mark.parametrize(("height", "width"), [(3, 5), (1, 1), (40, 2)])
def test_sine_codes_obey_the_formula(height, width):
    codes = SinePosition(12)(height, width).view(height, width, 2, 2, 3)
    for row, column in {(0, 0), (height - 1, width - 1), (height // 2, 0)}:
        for axis, place in enumerate((row, column)):
            for i in range(3):
                angle = place / 10000 ** (2 * i / 6)
                assert codes[row, column, axis, 0, i] == pytest.approx(
                    math.sin(angle), abs=1e-5
                )
                assert codes[row, column, axis, 1, i] == pytest.approx(
                    math.cos(angle), abs=1e-5
                )


def test_sine_codes_of_a_place_do_not_depend_on_the_size():
    position = SinePosition(8)
    small, large = position(2, 3).view(2, 3, 8), position(7, 9).view(7, 9, 8)
    torch.testing.assert_close(small, large[:2, :3])
    assert not list(position.state_dict())


@pytest.mark.spec("SEG-009", "drop-out and drop path are off")
def test_drop_path_keeps_the_expectation():
    torch.manual_seed(0)
    drop, branch = DropPath(0.3), torch.ones(4000, 2, 3)
    dropped = drop(branch)
    kept = dropped[:, 0, 0]
    assert torch.equal(dropped, kept[:, None, None].expand_as(dropped))
    assert kept.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert kept.mean() == pytest.approx(1, abs=4 * math.sqrt(0.3 / 0.7 / 4000))
    assert drop.eval()(branch) is branch


def test_drop_path_rises_from_layer_to_layer():
    config = TransformerConfig(layers=5, n_heads=2, drop_path=0.4)
    rates = [layer.drop_path.rate for layer in TransformerBridge(8, config).layers]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    single = TransformerConfig(layers=1, n_heads=2, drop_path=0.4)
    assert TransformerBridge(8, single).layers[0].drop_path.rate == 0


@pytest.mark.parametrize("position", ["learned", "sine"])
@pytest.mark.parametrize("d_model", [0, 12])
def test_bridge_by_hand(position, d_model):
    torch.manual_seed(0)
    config = TransformerConfig(
        layers=2, d_model=d_model, n_heads=2, position=position, grid=3
    )
    bridge = TransformerBridge(8, config).double()
    x = torch.randn(2, 8, 3, 4, dtype=torch.float64)
    cells = torch.stack([x[:, :, i // 4, i % 4] for i in range(12)], dim=1)
    tokens = bridge.project_in(cells) + bridge.position(3, 4)
    for layer in bridge.layers:
        tokens = layer(tokens)
    cells = bridge.project_out(bridge.norm(tokens))
    out = bridge(x)
    for i in range(12):
        torch.testing.assert_close(out[:, :, i // 4, i % 4], cells[:, i])
    assert isinstance(bridge.project_in, nn.Linear if d_model else nn.Identity)


def hybrid(**transformer):
    torch.manual_seed(0)
    config = TransformerConfig(**{"layers": 2, "n_heads": 2, "grid": 4} | transformer)
    settings = ModelConfig("unet_transformer", width=4, depth=2, transformer=config)
    return build_model(settings, 3, 5)


@pytest.mark.spec("SEG-006", "one matrix a layer, image and head; each row sums to one")
@pytest.mark.parametrize("attention", ["explicit", "sdpa"])
def test_attention_maps(attention):
    model = hybrid(layers=3, attention=attention).eval()
    image = torch.randn(2, 3, 19, 32)
    maps = model.attention_maps(image)
    rows, columns = model.token_grid(19, 32)
    assert (rows, columns) == (5, 8)
    assert maps.shape == (3, 2, 2, 40, 40)
    torch.testing.assert_close(maps.sum(-1), torch.ones(3, 2, 2, 40))


def test_attention_maps_are_those_that_the_forward_pass_uses():
    model = hybrid().eval()
    seen = []
    for layer in model.bridge.layers:
        layer.attend.register_forward_pre_hook(
            lambda attend, inputs: seen.append(attend.weights(*inputs))
        )
    image = torch.randn(1, 3, 16, 24)
    model(image)
    torch.testing.assert_close(model.attention_maps(image), torch.stack(seen[:2]))


def test_attention_reaches_across_the_image():
    far = torch.randn(1, 3, 64, 64, requires_grad=True)
    for model, reaches in ((hybrid(), True), (plain(), False)):
        model.eval()(far)[0, 0, 0, 0].backward()
        assert (far.grad[0, :, -1, -1].abs().sum() > 0) == reaches
        far.grad = None


def plain():
    torch.manual_seed(0)
    return build_model(ModelConfig(width=4, depth=2), 3, 5)
