"""Layers beside torch's with the same weights."""

import numpy as np
import pytest
import torch

from src import nn
from tests.nn_beside_torch import numbers, same_module


CASES = [
    ("Linear", (4, 3), {}, (2, 5, 4)),
    ("Linear", (4, 3), {"bias": False}, (4,)),
    ("Flatten", (), {}, (2, 3, 4)),
    ("Flatten", (0, 1), {}, (2, 3, 4)),
    ("Unflatten", (1, (2, 3)), {}, (2, 6)),
    ("Identity", (), {}, (2, 6)),
    ("Conv1d", (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}, (2, 4, 9)),
    ("Conv1d", (4, 6, 3), {"padding": "same", "dilation": 2, "bias": False}, (2, 4, 9)),
    ("Conv2d", (3, 4, (3, 2)), {"stride": (2, 1), "padding": (1, 0)}, (2, 3, 7, 6)),
    ("Conv2d", (4, 4, 3), {"groups": 4, "padding": 1, "dilation": 2}, (2, 4, 7, 6)),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "groups": 2}, (2, 4, 5)),
    ("ConvTranspose2d", (3, 2, 3, 2, 1, 1), {"bias": False}, (2, 3, 4, 5)),
    ("MaxPool1d", (2,), {}, (2, 3, 7)),
    ("MaxPool2d", (3, 2, 1), {"dilation": 1, "ceil_mode": True}, (2, 3, 6, 7)),
    ("AvgPool1d", (2, 1), {}, (2, 3, 7)),
    ("AvgPool2d", (3, 2, 1), {"count_include_pad": False}, (2, 3, 6, 7)),
    ("AdaptiveAvgPool1d", (3,), {}, (2, 3, 7)),
    ("AdaptiveAvgPool2d", ((3, 2),), {}, (2, 3, 7, 5)),
    ("AdaptiveMaxPool2d", (2,), {}, (2, 3, 7, 5)),
    ("Upsample", (), {"scale_factor": 2}, (2, 3, 4, 5)),
    ("Upsample", (), {"size": (7, 6), "mode": "bilinear"}, (2, 3, 4, 5)),
    ("ZeroPad2d", (1,), {}, (2, 3, 4, 5)),
    ("ZeroPad2d", ((1, 2, 0, 3),), {}, (2, 3, 4, 5)),
    ("LayerNorm", (5,), {}, (2, 3, 5)),
    ("LayerNorm", ((3, 5), 1e-3, True, False), {}, (2, 3, 5)),
    ("LayerNorm", (5, 1e-5, False), {}, (2, 3, 5)),
    ("RMSNorm", (5,), {"eps": 1e-6}, (2, 3, 5)),
    ("RMSNorm", (5, None, False), {}, (2, 3, 5)),
    ("GroupNorm", (2, 4), {}, (3, 4, 5)),
    ("GroupNorm", (4, 4, 1e-3, False), {}, (3, 4, 5, 2)),
    ("BatchNorm1d", (4,), {}, (6, 4)),
    ("BatchNorm1d", (4, 1e-3, 0.3), {}, (3, 4, 5)),
    ("BatchNorm1d", (4, 1e-5, None), {}, (6, 4)),
    ("BatchNorm2d", (3,), {"affine": False}, (2, 3, 4, 5)),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, (2, 3, 4, 5)),
    ("InstanceNorm1d", (3, 1e-5, 0.2, True, True), {}, (2, 3, 6)),
    ("InstanceNorm2d", (3,), {}, (2, 3, 4, 5)),
    ("InstanceNorm2d", (3,), {"affine": True}, (2, 3, 4, 5)),
    ("ReLU", (), {}, (3, 4)),
    ("LeakyReLU", (0.2,), {}, (3, 4)),
    ("PReLU", (3,), {}, (2, 3, 4)),
    ("PReLU", (), {"init": 0.1}, (2, 3, 4)),
    ("ELU", (0.7,), {}, (3, 4)),
    ("GELU", (), {}, (3, 4)),
    ("GELU", ("tanh",), {}, (3, 4)),
    ("SiLU", (), {}, (3, 4)),
    ("Mish", (), {}, (3, 4)),
    ("Softplus", (2.0, 1.0), {}, (3, 4)),
    ("Tanh", (), {}, (3, 4)),
    ("Sigmoid", (), {}, (3, 4)),
    ("Softmax", (1,), {}, (3, 4)),
    ("LogSoftmax", (0,), {}, (3, 4)),
    ("Dropout", (0.0,), {}, (3, 4)),
]
KINDS = {
    "RNN": pytest.mark.parity("RNN", "torch.nn.RNN"),
    "GRU": pytest.mark.parity("GRU", "torch.nn.GRU"),
    "LSTM": pytest.mark.parity("LSTM", "torch.nn.LSTM"),
}
RECURRENT = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"batch_first": True, "bias": False},
    {"num_layers": 3, "batch_first": True, "bidirectional": True},
]


def of_case(case):
    return f"{case[0]}{case[1]}{case[2] or ''}"


@pytest.mark.parity("other layers", "torch.nn")
@pytest.mark.spec("AGE-050", "outputs, input gradients, parameter gradients")
@pytest.mark.parametrize("case", CASES, ids=of_case)
def test_a_layer_is_torchs_in_training_and_evaluation(case, parity):
    name, args, options, shape = case
    ours, theirs = (getattr(lib, name)(*args, **options) for lib in (nn, torch.nn))
    same_module(ours, theirs, numbers(*shape), steps=3, parity=parity)


@pytest.mark.spec("AGE-050", "outputs, input gradients, parameter gradients")
def test_layers_with_two_inputs_or_indices_are_torchs():
    same_module(
        nn.Bilinear(3, 4, 2), torch.nn.Bilinear(3, 4, 2), numbers(5, 3), numbers(5, 4)
    )
    index = np.array([[1, 0, 4], [4, 4, 2]])
    for padding in (None, 1, -1):
        same_module(
            nn.Embedding(5, 3, padding), torch.nn.Embedding(5, 3, padding), index
        )


def test_layers_in_place_and_in_a_row_are_torchs():
    rows = [
        lib.Sequential(
            lib.Conv2d(2, 3, 3, padding=1, bias=False),
            lib.BatchNorm2d(3),
            lib.ReLU(inplace=True),
            lib.MaxPool2d(2),
            lib.Flatten(),
            lib.Linear(12, 5),
            lib.LeakyReLU(0.1, inplace=True),
        )
        for lib in (nn, torch.nn)
    ]
    same_module(*rows, numbers(3, 2, 4, 4), steps=3)


@pytest.mark.spec("AGE-051", "of every number of layers, directions and batch axes")
@pytest.mark.parametrize("options", RECURRENT, ids=str)
@pytest.mark.parametrize("name", [pytest.param(n, marks=KINDS[n]) for n in KINDS])
def test_a_recurrent_layer_is_torchs(name, options, parity):
    kinds = [{}] if name != "RNN" else [{}, {"nonlinearity": "relu"}]
    for kind in kinds:
        ours, theirs = (
            getattr(lib, name)(3, 4, **options, **kind) for lib in (nn, torch.nn)
        )
        layers = options.get("num_layers", 1) * (1 + options.get("bidirectional", 0))
        states = 2 if name == "LSTM" else 1
        for batch in ((2,), ()):
            outer = (5, *batch)
            if options.get("batch_first"):
                outer = (*batch, 5)
            h = [numbers(layers, *batch, 4, seed=i + 1) for i in range(states)]
            x = numbers(*outer, 3)
            same_module(ours, theirs, x, parity=parity)
            same_module(ours, theirs, x, *h, call=with_state, parity=parity)


def with_state(module, x, *states):
    return module(x, states if len(states) == 2 else states[0])


@pytest.mark.spec("AGE-051", "and so is each cell")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ["RNNCell", "GRUCell", "LSTMCell"])
def test_a_cell_is_torchs(name, bias):
    ours, theirs = (getattr(lib, name)(3, 4, bias) for lib in (nn, torch.nn))
    for batch in ((2,), ()):
        h = [numbers(*batch, 4, seed=i) for i in range(1 + (name == "LSTMCell"))]
        same_module(ours, theirs, numbers(*batch, 3))
        same_module(ours, theirs, numbers(*batch, 3), *h, call=with_state)
    relu = [lib.RNNCell(3, 4, nonlinearity="relu") for lib in (nn, torch.nn)]
    same_module(*relu, numbers(2, 3))


@pytest.mark.spec("AGE-051", "several batch axes are one batch")
def test_several_batch_axes_are_one_batch():
    for first in (False, True):
        lstm = nn.LSTM(3, 4, batch_first=first).double()
        x = numbers(2, 5, 6, 3) if first else numbers(6, 2, 5, 3)
        flat = x.reshape(10, 6, 3) if first else x.reshape(6, 10, 3)
        out, (h, c) = lstm(nn.Parameter(x))
        wanted, (h1, c1) = lstm(nn.Parameter(flat))
        assert np.array_equal(values_of(out).reshape(wanted.shape), values_of(wanted))
        assert h.shape == (1, 2, 5, 4)
        assert np.array_equal(values_of(c).reshape(c1.shape), values_of(c1))


@pytest.mark.spec("AGE-051", "dropped between layers in training only")
def test_dropout_between_layers_is_not_after_the_last():
    x = nn.Parameter(numbers(5, 2, 3))
    one = nn.GRU(3, 4, dropout=1.0).double()
    assert np.all(values_of(one(x)[0]) != 0)
    two = nn.GRU(3, 4, 2, dropout=1.0).double()
    assert not np.allclose(values_of(two(x)[0]), values_of(two.eval()(x)[0]))
    two.train()(x)[0].sum().backward()
    assert not values_of(two.weight_ih_l0.grad).any()
    assert not values_of(two.weight_ih_l1.grad).any()
    assert values_of(two.bias_ih_l1.grad).any()


def values_of(tensor):
    return tensor.detach().numpy()


def bad_state():
    gru = nn.GRU(2, 4, 2).double()
    gru(nn.Parameter(numbers(5, 3, 2)), nn.Parameter(numbers(2, 4, 4)))


WRONG = [
    ("5 and 4 channels do not split into 2", lambda: nn.Conv1d(5, 4, 3, groups=2)),
    ("kernel_size .* one number, or 2", lambda: nn.Conv2d(1, 1, (3, 3, 3))),
    ("each must be 1 or more", lambda: nn.Conv2d(0, 1, 3)),
    ("do not split into 3 groups", lambda: nn.GroupNorm(3, 4)),
    ("p is a probability, not 1.5", lambda: nn.Dropout(1.5)),
    ("tanh or relu, not 'elu'", lambda: nn.RNN(1, 1, nonlinearity="elu")),
    ("1 or more, not 1, 0, 1", lambda: nn.LSTM(1, 0)),
    ("not split into 3 heads", lambda: nn.MultiheadAttention(4, 3)),
    ("padding_idx 5 for a table of 5", lambda: nn.Embedding(5, 2, 5)),
    ("mean, sum or none, not 'avg'", lambda: nn.MSELoss(reduction="avg")),
    ("or a function, not '0'", lambda: nn.TransformerEncoderLayer(4, 2, 8, 0, "0")),
    (r"state of shape \(2, 4, 4\) .* needs \(2, 3, 4\)", bad_state),
]


@pytest.mark.spec("AGE-056", "A wrong call of a layer names its values")
@pytest.mark.parametrize(("text", "call"), WRONG)
def test_wrong_sizes_are_refused_with_their_values(text, call):
    with pytest.raises((ValueError, RuntimeError), match=text):
        call()
