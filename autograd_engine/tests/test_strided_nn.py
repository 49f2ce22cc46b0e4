"""Convolution, pooling, softmax and dropout of level 2 against torch."""

import numpy as np
import pytest
import torch.nn.functional as F

from src.strided import nn, tensor
from src.utils.contracts import ContractError
from tests.strided_tools import compare_with_torch, every_backend


def padded_conv1d(x, w):
    return F.conv1d(F.pad(x, (0, w.shape[2] - 1)), w)


def padded_conv2d(x, w):
    return F.conv2d(F.pad(x, (0, w.shape[3] - 1, 0, w.shape[2] - 1)), w)


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


@pytest.mark.parity("convolution of strided tensors", "torch.nn.functional.conv1d")
@pytest.mark.spec("AGE-020", "Convolution, pooling and softmax equal torch in value")
@every_backend
@pytest.mark.parametrize(
    ("x", "w"),
    [((2, 3, 6), (4, 3, 3)), ((1, 1, 1), (1, 1, 1)), ((1, 2, 3), (2, 2, 5))],
)
def test_conv1d(backend, x, w, parity):
    arrays = [normal(*x), normal(*w)]
    compare_with_torch(nn.conv1d, padded_conv1d, arrays, backend, parity)


@pytest.mark.parity("convolution of strided tensors", "torch.nn.functional.conv2d")
@pytest.mark.spec("AGE-020", "equal torch in value and gradient on every backend")
@every_backend
@pytest.mark.parametrize(
    ("x", "w"),
    [((2, 2, 4, 5), (3, 2, 2, 3)), ((1, 1, 2, 2), (1, 1, 3, 4)), ((1, 2, 3, 1),) * 2],
)
def test_conv2d(backend, x, w, parity):
    arrays = [normal(*x), normal(*w)]
    compare_with_torch(nn.conv2d, padded_conv2d, arrays, backend, parity)


@pytest.mark.parity("pooling of strided tensors", "torch.nn.functional")
@pytest.mark.spec("AGE-020", "Convolution, pooling and softmax equal torch")
@every_backend
@pytest.mark.parametrize("kernel", [(2, 2), (1, 3), (4, 6)])
def test_pooling(backend, kernel, parity):
    x = normal(2, 3, 4, 6)
    for ours, theirs in [
        (nn.avgpool2d, F.avg_pool2d),
        (nn.maxpool2d, F.max_pool2d),
    ]:
        compare_with_torch(
            lambda a, f=ours: f(a, kernel),
            lambda a, f=theirs: f(a, kernel),
            [x],
            backend,
            parity,
        )


@pytest.mark.parity("softmax of strided tensors", "torch.nn.functional.softmax")
@pytest.mark.spec("AGE-020", "softmax equal torch in value and gradient")
@every_backend
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax(backend, dim, parity):
    x = normal(2, 3, 4) * 5
    x[0, 0, 0] = 900.0
    for ours, theirs in [(nn.softmax, F.softmax), (nn.logsoftmax, F.log_softmax)]:
        compare_with_torch(
            lambda a, f=ours: f(a, dim),
            lambda a, f=theirs: f(a, dim),
            [x],
            backend,
            parity,
            1e-9,
        )


@pytest.mark.spec("AGE-020", "dropout keeps the mean")
def test_dropout():
    x = tensor(np.ones((200, 100)), requires_grad=True)
    out = nn.dropout(x, 0.25, generator=np.random.default_rng(0))
    assert set(np.unique(out.numpy())) == {0.0, 1 / 0.75}
    assert out.mean().item() == pytest.approx(1, abs=0.02)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), out.numpy())
    assert nn.dropout(x, 0.25, ignore=True) is x and nn.dropout(x, 0.0) is x
    assert nn.dropout(x, 1.0).sum().item() == 0
    for rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=f"rate {rate} is not in 0 to 1"):
            nn.dropout(x, rate)


def test_what_does_not_fit_is_refused():
    x = tensor(np.ones((1, 2, 4, 6)))
    for pool, name in [(nn.avgpool2d, "avgpool2d"), (nn.maxpool2d, "maxpool2d")]:
        for kernel in [(3, 2), (2, 4), (0, 1)]:
            with pytest.raises(ValueError, match=f"{name}: tiles of .* into 4 x 6"):
                pool(x, kernel)
    with pytest.raises(ContractError, match="axis channel is 3"):
        nn.conv2d(x, tensor(np.ones((1, 3, 2, 2))))
    with pytest.raises(IndexError, match="softmax: dim 4 is outside"):
        nn.softmax(x, 4)
