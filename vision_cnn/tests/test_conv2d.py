"""The convolution written out, against torch's own."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from src.models.conv2d import add_patches, conv2d, patches
from src.utils.contracts import ContractError


SMALL = st.integers(1, 3)
PAIRS = st.one_of(SMALL, st.tuples(SMALL, SMALL))


@st.composite
def convolutions(draw):
    """Tensors for a convolution that fits, and its settings."""
    groups, channels, kernels = draw(SMALL), draw(SMALL), draw(SMALL)
    kernel, dilation = (draw(SMALL), draw(SMALL)), draw(PAIRS)
    padding = draw(st.one_of(st.integers(0, 2), st.tuples(*[st.integers(0, 2)] * 2)))
    spread = (dilation, dilation) if isinstance(dilation, int) else dilation
    spans = [d * (k - 1) + 1 for d, k in zip(spread, kernel, strict=True)]
    sides = [span + draw(st.integers(0, 4)) for span in spans]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    random = lambda *shape: torch.randn(shape, generator=generator).double()  # noqa: E731
    batch = draw(st.integers(0, 3))
    options = {
        "stride": draw(PAIRS),
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    image = random(batch, groups * channels, *sides)
    weight = random(groups * kernels, channels, *kernel)
    return image, weight, random(groups * kernels), options


@pytest.mark.parity("convolution from patches", "torch.nn.functional.conv2d")
@pytest.mark.spec("CNN-019", "gives what `F.conv2d` gives, and its three gradients")
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(case=convolutions())
def test_equals_torch_with_any_stride_padding_dilation_and_groups(case, parity):
    image, weight, bias, options = case
    tensors = [t.requires_grad_() for t in (image, weight, bias)]

    ours, theirs = (f(*tensors, **options) for f in (conv2d, F.conv2d))
    grad = torch.randn_like(theirs)
    got, expected = (torch.autograd.grad(y, tensors, grad) for y in (ours, theirs))

    assert ours.shape == theirs.shape
    if len(image):
        parity.value(ours, theirs, atol=1e-12)
    parity.gradient(got, expected, atol=1e-12)


@pytest.mark.spec("CNN-019", "a first and a second derivative")
@pytest.mark.parametrize(
    "options",
    [
        {"stride": (2, 1), "padding": (0, 1)},
        {"dilation": (1, 2), "padding": 1, "groups": 2},
    ],
    ids=str,
)
def test_first_and_second_derivative_equal_differences(options):
    torch.manual_seed(0)
    image = torch.randn(1, 2, 3, 3).double().requires_grad_()
    weight = torch.randn(2, 2 // options.get("groups", 1), 2, 2).double()
    tensors = (image, weight.requires_grad_(), torch.randn(2).double().requires_grad_())
    function = lambda *inputs: conv2d(*inputs, **options)  # noqa: E731

    assert gradcheck(function, tensors)
    assert gradgradcheck(function, tensors)


def test_computes_no_gradient_that_nobody_asked_for(monkeypatch):
    image, weight = torch.randn(1, 1, 3, 3), torch.randn(1, 1, 2, 2, requires_grad=True)
    monkeypatch.setattr("src.models.conv2d.add_patches", lambda *_: pytest.fail("ran"))

    conv2d(image, weight).sum().backward()

    assert image.grad is None
    assert weight.grad is not None


def test_without_bias_and_in_channels_last():
    image, weight = torch.randn(2, 3, 7, 6), torch.randn(4, 3, 3, 3)
    image = image.contiguous(memory_format=torch.channels_last)

    torch.testing.assert_close(conv2d(image, weight), F.conv2d(image, weight))


def test_patches_are_a_view_with_the_pixels_where_the_docstring_says():
    image = torch.arange(2 * 3 * 6 * 7).float().view(2, 3, 6, 7)[1:, :, 1:, :]
    stride, dilation = (2, 1), (1, 3)

    view = patches(image, (2, 3), stride, dilation)

    assert view.data_ptr() == image.data_ptr()
    for i, j, y, x in np.ndindex(*view.shape[2:]):
        expected = image[:, :, y * 2 + i * 1, x * 1 + j * 3]
        assert torch.equal(view[:, :, i, j, y, x], expected)


def test_adding_patches_is_the_transpose_of_taking_them():
    image = torch.randn(2, 2, 6, 5).double()
    steps = (2, 1), (1, 2)
    taken = patches(image, (3, 2), *steps)
    columns = torch.randn_like(taken)

    left, right = (taken * columns).sum(), add_patches(columns, (6, 5), *steps)

    torch.testing.assert_close(left, (right * image).sum())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 3}, "groups = 3: must divide 3 channels and 4 kernels"),
        ({"stride": 0}, r"stride = \(0, 0\)"),
        ({"padding": -1}, r"padding = \(-1, -1\): must be >= 0"),
        ({"dilation": 5}, "a kernel over 11 pixels on an image of 6"),
    ],
    ids=str,
)
def test_says_what_does_not_fit(options, message):
    weight = torch.randn(4, 3 // options.get("groups", 1), 3, 3)

    with pytest.raises(ValueError, match=message):
        conv2d(torch.randn(1, 3, 6, 6), weight, **options)


def test_a_kernel_for_other_channels_is_refused_by_its_contract():
    with pytest.raises(ContractError, match="weight"):
        conv2d(torch.randn(1, 3, 5, 5), torch.randn(4, 2, 3, 3))
