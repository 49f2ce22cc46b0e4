"""Attention, Transformer layers and losses beside torch's with the same weights."""

import numpy as np
import pytest
import torch

import src as ag
from src import nn
from tests.nn_beside_torch import numbers, same_module


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
FUTURE = ~np.tri(4, 5, dtype=bool)
AWAY = np.array([[False] * 5, [False, False, False, True, True]])
FLOATS = numbers(4, 5, seed=9)
EACH = numbers(6, 4, 5, seed=8) > 0.8  # batch * heads
CALLS = [
    {},
    {"average_attn_weights": False},
    {"key_padding_mask": AWAY},
    {"attn_mask": FUTURE},
    {"attn_mask": FLOATS, "key_padding_mask": AWAY * -3.0},
    {"attn_mask": EACH},
    {"need_weights": False},
    {"need_weights": False, "attn_mask": FUTURE, "key_padding_mask": AWAY},
    {"need_weights": False, "attn_mask": EACH},
]


def tensors_of(lib, options):
    return {
        key: lib.tensor(value) if isinstance(value, np.ndarray) else value
        for key, value in options.items()
    }


def attend(**options):
    def call(module, *inputs):
        lib = ag if isinstance(module, nn.Module) else torch
        return module(*inputs, **tensors_of(lib, options))

    return call


@pytest.mark.parity("multi-head attention", "torch.nn.MultiheadAttention")
@pytest.mark.spec("AGE-052", "with every kind of mask")
@pytest.mark.parametrize("options", CALLS, ids=lambda o: ",".join(o))
@pytest.mark.parametrize("first", [False, True])
def test_attention_of_one_sequence_to_another_is_torchs(first, options, parity):
    how = {"batch_first": first, "bias": first}
    ours, theirs = (lib.MultiheadAttention(6, 3, **how) for lib in (nn, torch.nn))
    shapes = [(4, 2, 6), (5, 2, 6), (5, 2, 6)]
    x = [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]
    x = [a.swapaxes(0, 1) for a in x] if first else x
    same_module(ours, theirs, *x, call=attend(**options), parity=parity)


@pytest.mark.spec("AGE-052", "hides later keys by itself")
@pytest.mark.parametrize("need", [True, False])
def test_causal_attention_needs_no_mask(need):
    ours, theirs = (lib.MultiheadAttention(6, 2) for lib in (nn, torch.nn))
    hide = ~np.tri(5, dtype=bool)

    def call(module, x):
        lib = ag if isinstance(module, nn.Module) else torch
        mask = {} if lib is ag else {"attn_mask": lib.tensor(hide)}
        return module(x, x, x, need_weights=need, is_causal=True, **mask)

    same_module(ours, theirs, numbers(5, 2, 6), call=call)


@pytest.mark.parametrize("need", [True, False])
@pytest.mark.parametrize("shape", [(0, 2, 6), (4, 0, 6)])
def test_nothing_attends_to_nothing(shape, need):
    attention, x = nn.MultiheadAttention(6, 3).double(), nn.Parameter(np.ones(shape))
    out, shares = attention(x, x, x, need_weights=need)
    assert out.shape == shape
    assert not need or shares.shape == (shape[1], shape[0], shape[0])
    out.sum().backward()
    assert x.grad.shape == shape


def transformer(lib, kind, **options):
    return getattr(lib, kind)(6, 2, 8, 0.0, **options)


@pytest.mark.parity(
    "Transformer layers", "torch.nn.TransformerEncoder, torch.nn.TransformerDecoder"
)
@pytest.mark.spec("AGE-052", "Transformer layers and stacks of them")
@pytest.mark.parametrize(
    "options",
    [{}, {"norm_first": True, "batch_first": True, "activation": "gelu"},
     {"bias": False, "layer_norm_eps": 1e-3}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("stacked", [False, True])
def test_transformer_layers_are_torchs(options, stacked, parity):
    layers = [
        [
            transformer(lib, f"Transformer{part}Layer", **options)
            for lib in (nn, torch.nn)
        ]
        for part in ("Encoder", "Decoder")
    ]
    if stacked:
        norms = [(nn.LayerNorm(6), torch.nn.LayerNorm(6)), (None, None)]
        kinds = ["TransformerEncoder", "TransformerDecoder"]
        layers = [
            [getattr(lib, kind)(layer, 2, norm)
             for lib, layer, norm in zip((nn, torch.nn), pair, both, strict=True)]
            for kind, pair, both in zip(kinds, layers, norms, strict=True)
        ]  # fmt: skip
    square, away = FUTURE[:4, :4], AWAY[:, :4]
    x, memory = numbers(4, 2, 6), numbers(5, 2, 6, seed=3)
    if options.get("batch_first"):
        x, memory = x.swapaxes(0, 1), memory.swapaxes(0, 1)
    name = "mask" if stacked else "src_mask"
    call = attend(**{name: square, "src_key_padding_mask": away})
    same_module(*layers[0], x, call=call, parity=parity)
    masks = {"tgt_mask": square, "memory_key_padding_mask": AWAY}
    same_module(*layers[1], x, memory, call=attend(**masks), parity=parity)


def test_a_transformer_drops_in_training_only():
    layer = nn.TransformerEncoderLayer(6, 2, 8, 0.5)
    x = ag.tensor(numbers(4, 2, 6).astype(np.float32))
    assert not np.allclose(layer(x).detach().numpy(), layer(x).detach().numpy())
    layer.eval()
    assert np.array_equal(layer(x).detach().numpy(), layer(x).detach().numpy())


def refused():
    attention = nn.MultiheadAttention(6, 3)
    x, y = ag.tensor(numbers(4, 2, 6)), ag.tensor(numbers(5, 3, 6))
    attention.double()
    return attention, x, y


@pytest.mark.spec("AGE-056", "A wrong call of a layer names its values")
@pytest.mark.parametrize(
    ("error", "text", "call"),
    [
        (RuntimeError, r"\(4, 2, 6\) and key of shape \(5, 3, 6\) differ",
         lambda m, x, y: m(x, y, y)),
        (RuntimeError, r"attn_mask of shape \(4, 5\), not \(4, 4\) or \(6, 4, 4\)",
         lambda m, x, y: m(x, x, x, attn_mask=ag.tensor(FUTURE))),
        (RuntimeError, r"key_padding_mask of shape \(2, 5\), not \(2, 4\)",
         lambda m, x, y: m(x, x, x, ag.tensor(AWAY))),
        (TypeError, "boolean or floating, not int64",
         lambda m, x, y: m(x, x, x, attn_mask=ag.tensor(np.ones((4, 4), int)))),
        (NotImplementedError, "a mask that requires gradients",
         lambda m, x, y: m(x, x, x, attn_mask=nn.Parameter(np.ones((4, 4))))),
    ],
)  # fmt: skip
def test_wrong_masks_are_refused(error, text, call):
    with pytest.raises(error, match=text):
        call(*refused())


WEIGHT = np.array([0.5, 1.0, 2.0])
CLASSES = np.array([2, 0, -100, 1])
SHARES = np.abs(numbers(4, 3, seed=2)) % 1
LOSSES = [
    ("MSELoss", {}, SHARES),
    ("MSELoss", {"reduction": "sum"}, SHARES),
    ("L1Loss", {"reduction": "none"}, SHARES),
    ("SmoothL1Loss", {"beta": 0.5}, SHARES),
    ("HuberLoss", {"delta": 0.7}, SHARES),
    ("KLDivLoss", {"reduction": "batchmean"}, SHARES),
    ("KLDivLoss", {"log_target": True}, SHARES),
    ("BCEWithLogitsLoss", {"pos_weight": WEIGHT}, SHARES),
    ("BCEWithLogitsLoss", {"weight": WEIGHT, "reduction": "sum"}, SHARES),
    ("CrossEntropyLoss", {"weight": WEIGHT, "label_smoothing": 0.1}, CLASSES),
    ("CrossEntropyLoss", {"ignore_index": 0, "reduction": "none"}, abs(CLASSES) % 3),
    ("NLLLoss", {"weight": WEIGHT}, CLASSES),
]


@pytest.mark.parity("losses as modules", "torch.nn")
@pytest.mark.spec("AGE-053", "Losses as modules")
@pytest.mark.parametrize(("name", "options", "target"), LOSSES)
def test_a_loss_is_torchs(name, options, target, parity):
    ours = getattr(nn, name)(**tensors_of(ag, options))
    theirs = getattr(torch.nn, name)(**tensors_of(torch, options))

    def call(module, x):
        return module(x, (ag if module is ours else torch).tensor(target))

    same_module(ours, theirs, numbers(4, 3), call=call, parity=parity)


def test_bce_of_probabilities_is_torchs():
    x = 0.1 + 0.8 * SHARES
    target = (numbers(4, 3) > 0) * 1.0

    def call(module, x):
        lib = ag if isinstance(module, nn.Module) else torch
        return module(x.sigmoid(), lib.tensor(target))

    same_module(nn.BCELoss(), torch.nn.BCELoss(), x, call=call)
