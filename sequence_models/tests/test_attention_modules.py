"""Attention and layers against those of torch and transformers, float64."""

import pytest
import torch
from torch import Tensor, nn

from src.models.attention import Attention, CrossAttention
from src.models.blocks import Block, FeedForward
from src.models.masks import Mask
from src.models.norms import HeadNorm, RMSNorm, build_norm
from src.models.positions import RotaryPositions


D_MODEL, HEADS, BATCH, TIME, SOURCE = 12, 3, 2, 7, 5
PAD = torch.arange(SOURCE) < torch.tensor([[SOURCE], [3]])
ROWS = {"q": slice(0, D_MODEL), "kv": slice(D_MODEL, None), "all": slice(None)}
# ours -> theirs, and the rows of theirs
SELF = {"qkv": ("in_proj_", "all"), "out": ("out_proj.", "all")}
CROSS = {"q": ("in_proj_", "q"), "kv": ("in_proj_", "kv"), "out": ("out_proj.", "all")}


@pytest.fixture(autouse=True)
def float64():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def same_parameters(ours: nn.Module, theirs: nn.Module, names: dict) -> list:
    """Copy theirs into ours; gives (ours, theirs, rows) to compare the gradients."""
    pairs = []
    for parameter in theirs.parameters():
        parameter.data.normal_(std=0.3)
    for name, (other, rows) in names.items():
        for kind in ("weight", "bias"):
            mine = ours.get_parameter(f"{name}.{kind}")
            their = theirs.get_parameter(other + kind)
            mine.data.copy_(their[ROWS[rows]])
            pairs.append((mine, their, ROWS[rows]))
    assert len(pairs) == len(list(ours.parameters()))
    return pairs


def compare(parity, out: Tensor, wanted: Tensor, inputs: list, pairs: list) -> None:
    """Values, then gradients to the inputs and to every parameter."""
    parity.value(out, wanted, atol=1e-12)
    weight = torch.randn_like(out)
    mine = [*inputs, *(a for a, _, _ in pairs)]
    their = [*inputs, *(b for _, b, _ in pairs)]
    rows = [slice(None)] * len(inputs) + [r for *_, r in pairs]
    got = torch.autograd.grad((out * weight).sum(), mine)
    want = torch.autograd.grad((wanted * weight).sum(), their)
    parity.gradient(got, [b[r] for b, r in zip(want, rows, strict=True)], atol=1e-11)


def causal_mask(time: int) -> Tensor:
    return nn.Transformer.generate_square_subsequent_mask(time)


@pytest.mark.spec("SEQ-053", "equal torch.nn.MultiheadAttention")
@pytest.mark.parity("multi-head self-attention", "torch.nn.MultiheadAttention")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_self_attention_equals_that_of_torch(parity, causal, padded):
    theirs = nn.MultiheadAttention(D_MODEL, HEADS, batch_first=True)
    ours = Attention(D_MODEL, HEADS)
    pairs = same_parameters(ours, theirs, SELF)
    x = torch.randn(BATCH, SOURCE, D_MODEL, requires_grad=True)
    wanted, _ = theirs(
        x,
        x,
        x,
        key_padding_mask=~PAD if padded else None,
        attn_mask=causal_mask(SOURCE).isinf() if causal else None,
    )
    out = ours(x, Mask(causal=causal, pad_mask=PAD if padded else None))
    compare(parity, out, wanted, [x], pairs)


@pytest.mark.spec("SEQ-053", "cross-attention")
@pytest.mark.parity("multi-head cross-attention", "torch.nn.MultiheadAttention")
@pytest.mark.parametrize("padded", [False, True])
def test_cross_attention_equals_that_of_torch(parity, padded):
    theirs = nn.MultiheadAttention(D_MODEL, HEADS, batch_first=True)
    ours = CrossAttention(D_MODEL, HEADS)
    pairs = same_parameters(ours, theirs, CROSS)
    x = torch.randn(BATCH, TIME, D_MODEL, requires_grad=True)
    source = torch.randn(BATCH, SOURCE, D_MODEL, requires_grad=True)
    padding = ~PAD if padded else None
    wanted, _ = theirs(x, source, source, key_padding_mask=padding)
    out = ours(x, source, Mask(pad_mask=PAD if padded else None))
    compare(parity, out, wanted, [x, source], pairs)


def layer_names(norms: list[str], cross: bool) -> dict:
    names = {f"attend.{a}": (f"self_attn.{b}", r) for a, (b, r) in SELF.items()}
    if cross:
        names |= {
            f"cross.{a}": (f"multihead_attn.{b}", r) for a, (b, r) in CROSS.items()
        }
    names |= {"feed.up": ("linear1.", "all"), "feed.down": ("linear2.", "all")}
    return names | {n: (f"norm{i}.", "all") for i, n in enumerate(norms, start=1)}


@pytest.mark.spec("SEQ-054", "equals torch.nn.TransformerEncoderLayer")
@pytest.mark.parity("block of the encoder", "torch.nn.TransformerEncoderLayer")
@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("ffn", ["relu", "gelu"])
def test_the_block_equals_the_encoder_layer_of_torch(parity, order, ffn):
    theirs = nn.TransformerEncoderLayer(
        D_MODEL, HEADS, 20, 0.0, ffn, batch_first=True, norm_first=order == "pre"
    )
    ours = Block(D_MODEL, HEADS, 20, order=order, ffn=ffn)
    pairs = same_parameters(
        ours, theirs, layer_names(["attend_norm", "feed_norm"], cross=False)
    )
    x = torch.randn(BATCH, SOURCE, D_MODEL, requires_grad=True)
    wanted = theirs(x, src_key_padding_mask=~PAD)
    compare(parity, ours(x, Mask(pad_mask=PAD)), wanted, [x], pairs)


@pytest.mark.spec("SEQ-054", "DecoderLayer")
@pytest.mark.parity("block of the decoder", "torch.nn.TransformerDecoderLayer")
@pytest.mark.parametrize("order", ["pre", "post"])
def test_the_block_equals_the_decoder_layer_of_torch(parity, order):
    theirs = nn.TransformerDecoderLayer(
        D_MODEL, HEADS, 20, 0.0, batch_first=True, norm_first=order == "pre"
    )
    ours = Block(D_MODEL, HEADS, 20, order=order, ffn="relu", cross=True)
    norms = ["attend_norm", "cross_norm", "feed_norm"]
    pairs = same_parameters(ours, theirs, layer_names(norms, cross=True))
    x = torch.randn(BATCH, TIME, D_MODEL, requires_grad=True)
    source = torch.randn(BATCH, SOURCE, D_MODEL, requires_grad=True)
    wanted = theirs(x, source, tgt_mask=causal_mask(TIME), memory_key_padding_mask=~PAD)
    out = ours(x, Mask(causal=True), encoded=source, source_mask=Mask(pad_mask=PAD))
    compare(parity, out, wanted, [x, source], pairs)


@pytest.mark.spec("SEQ-055", "Grouped queries, QK-norm and rotary positions together")
@pytest.mark.parity(
    "grouped queries, QK-norm, rotary",
    "transformers.models.qwen3.modeling_qwen3.Qwen3Attention",
)
def test_grouped_queries_qk_norm_and_rotation_equal_those_of_qwen3(parity):
    qwen3 = pytest.importorskip(
        "transformers.models.qwen3.modeling_qwen3", reason="the reference of this test"
    )
    config = qwen3.Qwen3Config(
        hidden_size=24,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=4,
        attn_implementation="eager",
        rms_norm_eps=1e-5,
    )
    theirs = qwen3.Qwen3Attention(config, 0)
    for weight in theirs.parameters():
        weight.data.normal_(std=0.5)
    ours = Attention(24, 6, kv_heads=2, bias=False, qk_norm=True)
    parts = [theirs.q_proj.weight, theirs.k_proj.weight, theirs.v_proj.weight]
    ours.qkv.weight.data = torch.cat(parts).detach()
    ours.out.weight.data = theirs.o_proj.weight.detach()
    norms = [theirs.q_norm.weight.repeat(6), theirs.k_norm.weight.repeat(2)]
    ours.norm.weight.data = torch.cat(norms).detach()
    x = torch.randn(BATCH, TIME, 24)
    angle = torch.outer(torch.arange(TIME), 10000.0 ** -(torch.arange(0, 4, 2) / 4))
    angle = angle.repeat(1, 2).double()[None]
    wanted, _ = theirs(x, (angle.cos(), angle.sin()), causal_mask(TIME)[None, None])
    rotation = RotaryPositions(TIME, 4)(slice(0, TIME))
    out = ours(x, Mask(causal=True), rotation=rotation)
    parity.value(out, wanted, atol=1e-5)  # float32 inside


@pytest.mark.spec("SEQ-055", "fewer key heads is the full one with shared keys")
def test_grouped_queries_are_full_ones_with_repeated_keys():
    grouped, full = Attention(D_MODEL, 6, kv_heads=2), Attention(D_MODEL, 6)
    for kind in ("weight", "bias"):
        rows = getattr(grouped.qkv, kind).data.unflatten(0, (-1, 2))  # head_dim 2
        heads = [rows[:6], *(x.repeat_interleave(3, 0) for x in rows[6:].chunk(2))]
        getattr(full.qkv, kind).data = torch.cat(heads).flatten(0, 1)
    full.out.load_state_dict(grouped.out.state_dict())
    x = torch.randn(BATCH, TIME, D_MODEL)
    torch.testing.assert_close(grouped(x), full(x))


@pytest.mark.spec("SEQ-055", "RMS norm equals torch.nn.RMSNorm")
@pytest.mark.parity("RMS norm", "torch.nn.RMSNorm")
def test_rms_norms_equal_that_of_torch(parity):
    x = torch.randn(BATCH, TIME, 3, 4, requires_grad=True)
    theirs, ours, by_head = nn.RMSNorm(4, eps=1e-5), RMSNorm(4), HeadNorm(3, 4)
    for weight in (theirs.weight, by_head.weight):
        weight.data.normal_()
    ours.weight.data = theirs.weight.data
    same = ours(x), theirs(x)
    parity.value(*same, atol=1e-12)
    grads = [torch.autograd.grad(y.pow(3).sum(), x)[0] for y in same]
    parity.gradient(*grads, atol=1e-12)
    for head, weight in enumerate(by_head.weight.view(3, 4)):
        theirs.weight.data = weight.detach()
        parity.value(by_head(x)[:, :, head], theirs(x[:, :, head]), atol=1e-12)


@pytest.mark.spec("SEQ-055", "SwiGLU")
def test_feed_forward_of_each_kind():
    x = torch.randn(BATCH, TIME, 4)
    tanh = torch.nn.GELU(approximate="tanh")
    for kind, act in {"relu": torch.relu, "gelu": nn.GELU(), "gelu_tanh": tanh}.items():
        feed = FeedForward(4, 6, kind)
        torch.testing.assert_close(feed(x), feed.down(act(feed.up(x))))
    feed = FeedForward(4, 6, "swiglu", bias=False)
    w, v = feed.up.weight.chunk(2)
    swish = (x @ w.T) * torch.sigmoid(x @ w.T)
    torch.testing.assert_close(feed(x), (swish * (x @ v.T)) @ feed.down.weight.T)


def test_dropout_acts_in_training_only():
    block = Block(D_MODEL, HEADS, 8, dropout=0.5)
    x = torch.randn(BATCH, TIME, D_MODEL)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))
    attend = Attention(D_MODEL, HEADS, dropout=0.5)
    assert not torch.equal(attend(x), attend(x))
    assert torch.equal(attend.eval()(x), attend(x))


def test_without_biases_there_are_none():
    block = Block(D_MODEL, HEADS, 8, bias=False, cross=True)
    assert not [n for n, _ in block.named_parameters() if "bias" in n]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Attention(10, 3), "d_model 10 is not a multiple of heads 3"),
        (lambda: Attention(12, 6, kv_heads=4), "heads 6 .* kv_heads 4"),
        (lambda: Block(12, 3, 8, order="sandwich"), "order = 'sandwich'"),
        (lambda: FeedForward(12, 8, "tanh"), "ffn = 'tanh'"),
        (lambda: build_norm("batch", 8), "norm = 'batch'"),
    ],
)
def test_wrong_settings_are_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()
