"""How parameters start, beside torch's."""

import numpy as np
import pytest
import torch

import src as ag
from src import nn


LARGE = [
    ("Linear", (200, 300)),
    ("Conv1d", (40, 256, 5)),
    ("Conv2d", (32, 256, 3, 1, 0, 1, 2)),
    ("ConvTranspose2d", (32, 256, 3)),
    ("Embedding", (300, 100)),
    ("Bilinear", (40, 30, 256)),
    ("RNN", (120, 200)),
    ("GRU", (100, 128, 2)),
    ("LSTM", (100, 128)),
    ("LSTMCell", (100, 128)),
    ("MultiheadAttention", (256, 4)),
    ("TransformerEncoderLayer", (256, 4, 300)),
    ("TransformerDecoderLayer", (256, 4, 300)),
    ("BatchNorm2d", (256,)),
    ("LayerNorm", (256,)),
    ("PReLU", (256,)),
]


@pytest.mark.spec("AGE-054", "the standard deviation and the bounds of torch's")
@pytest.mark.parametrize(("name", "args"), LARGE)
def test_parameters_start_as_torchs(name, args):
    ag.manual_seed(0)
    torch.manual_seed(0)
    ours = dict(getattr(nn, name)(*args).named_parameters())
    theirs = dict(getattr(torch.nn, name)(*args).named_parameters())
    assert list(ours) == list(theirs)
    for key, p in ours.items():
        a, b = p.detach().numpy(), theirs[key].detach().numpy()
        assert (a.shape, a.dtype) == (b.shape, b.dtype), key
        if b.std() == 0:
            assert np.array_equal(a, b), key
        elif a.size < 10_000:  # too few for the deviation
            assert abs(a).max() == pytest.approx(abs(b).max(), rel=0.05), key
            assert a.std() == pytest.approx(b.std(), rel=0.15), key
        else:
            assert a.std() == pytest.approx(b.std(), rel=0.02), key
            assert abs(a.mean()) < 0.03 * b.std(), key
            if name != "Embedding":
                assert abs(a).max() == pytest.approx(abs(b).max(), rel=0.01), key


FILLS = [
    ("uniform_", (-1.0, 3.0)),
    ("normal_", (1.0, 2.0)),
    ("trunc_normal_", (0.0, 1.0, -0.5, 1.0)),
    ("constant_", (0.3,)),
    ("zeros_", ()),
    ("ones_", ()),
    ("eye_", ()),
    ("xavier_uniform_", (2.0,)),
    ("xavier_normal_", ()),
    ("kaiming_uniform_", (5**0.5,)),
    ("kaiming_normal_", (0.1,)),
]


@pytest.mark.spec("AGE-054", "`nn.init` fills")
@pytest.mark.parametrize(("name", "args"), FILLS)
def test_a_fill_is_torchs(name, args):
    ag.manual_seed(0)
    p, q = nn.Parameter(np.zeros((200, 100))), torch.zeros(200, 100)
    assert getattr(nn.init, name)(p, *args) is p
    getattr(torch.nn.init, name)(q, *args)
    a, b = p.detach().numpy(), q.numpy()
    spread = max(b.std(), 1e-5)
    assert a.std() == pytest.approx(b.std(), rel=0.02, abs=1e-6)
    assert abs(a.mean() - b.mean()) < 0.03 * spread
    if "normal_" not in name or "trunc" in name:
        assert a.min() == pytest.approx(b.min(), rel=0.01, abs=1e-3)
        assert a.max() == pytest.approx(b.max(), rel=0.01, abs=1e-3)


@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (8, 2, 5)])
def test_orthogonal_rows_have_the_length_asked_for(shape):
    p = nn.init.orthogonal_(nn.Parameter(np.zeros(shape)), gain=2.0)
    m = p.detach().numpy().reshape(shape[0], -1)
    small = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_gains_and_fans_are_torchs():
    for name in ("linear", "conv1d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        wanted = torch.nn.init.calculate_gain(name)
        assert nn.init.calculate_gain(name) == pytest.approx(wanted)
    with pytest.raises(ValueError, match="no gain for 'swish'; known are linear"):
        nn.init.calculate_gain("swish")
    with pytest.raises(ValueError, match=r"shape \(3,\) has no fan in"):
        nn.init.xavier_uniform_(nn.Parameter(np.zeros(3)))


def test_filling_counts_as_a_write():
    p = nn.Parameter(np.ones(3))
    loss = (p * p).sum()
    nn.init.zeros_(p)
    with pytest.raises(RuntimeError, match="init"):
        loss.backward()
