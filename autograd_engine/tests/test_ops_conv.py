"""Convolutions beside torch's: every option, gradients of gradients, errors."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as T
from hypothesis import given
from hypothesis import strategies as st

import src as ag
from src import functional as F


DRAW = np.random.default_rng(0)
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")


def check(ours, theirs, arrays, *options, twice=False, tol=1e-10, parity=None, **named):
    """Value, gradients, and gradients of the gradients with `twice`."""
    xs = [ag.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = ours(*xs, *options, **named), theirs(*ts, *options, **named)
    assert out.shape == tuple(expected.shape)
    assert out.dtype == arrays[0].dtype
    np.testing.assert_allclose(out.data, expected.detach(), tol, tol)
    if parity:
        parity.value(out.data, expected, atol=tol)
    seed = DRAW.standard_normal(out.shape).astype(out.dtype)
    g, tg = ag.tensor(seed, requires_grad=True), torch.tensor(seed, requires_grad=True)
    grads = ag.grad(out, xs, g, create_graph=twice)
    wanted = torch.autograd.grad(expected, ts, tg, create_graph=twice)
    for found, right in zip(grads, wanted, strict=True):
        np.testing.assert_allclose(found.data, right.detach(), tol, tol)
        if parity:
            parity.gradient(found.data, right, atol=tol)
    if twice:
        total = sum((g * g).sum() for g in grads)
        ttotal = sum((g * g).sum() for g in wanted)
        grads = ag.grad(total, [*xs, g], allow_unused=True)
        wanted = torch.autograd.grad(ttotal, [*ts, tg], allow_unused=True)
        for found, right in zip(grads, wanted, strict=True):
            value = 0 if found is None else found.data
            right = 0 if right is None else right
            np.testing.assert_allclose(value, right, 10 * tol, 10 * tol)


def drawn(*shapes: tuple[int, ...], dtype=np.float64) -> list[np.ndarray]:
    return [DRAW.standard_normal(shape).astype(dtype) for shape in shapes]


OPTIONS = [
    (kernel, stride, padding, dilation, groups)
    for kernel, stride, padding, dilation, groups in itertools.product(
        ((3, 3), (2, 3), (1, 1)),
        (1, 2, (2, 1)),
        (0, (2, 1), "same", "valid"),
        (1, (1, 2)),
        (1, 2, 4),
    )
    if padding != "same" or stride == 1
]


@pytest.mark.parity("conv2d", "torch.nn.functional.conv2d")
@pytest.mark.spec("AGE-046", "agree with torch to 1e-10 for every combination")
def test_conv2d_with_every_combination_of_options(parity):
    for kernel, *options in OPTIONS:
        shapes = (2, 4, 7, 6), (8, 4 // options[-1], *kernel), (8,)
        check(F.conv2d, T.conv2d, drawn(*shapes), *options, parity=parity)


@pytest.mark.parity("conv_transpose2d", "torch.nn.functional.conv_transpose2d")
@pytest.mark.spec(
    "AGE-046", "every combination of stride, padding, dilation and groups"
)
def test_transposed_convolutions_with_every_combination_of_options(parity):
    for kernel, stride, padding, extra, groups, dilation in itertools.product(
        ((3, 3), (2, 3)), (1, 2, (2, 3)), (0, 1), (0, 1), (1, 2), (1, (2, 3))
    ):
        if extra and stride == 1 and dilation == 1:
            continue
        arrays = drawn((2, 4, 4, 5), (4, 3, *kernel), (3 * groups,))
        options = (stride, padding, extra, groups, dilation)
        check(F.conv_transpose2d, T.conv_transpose2d, arrays, *options, parity=parity)


@pytest.mark.parametrize("axes", [1, 3])
def test_one_and_three_spatial_axes(axes):
    ours, theirs = getattr(F, f"conv{axes}d"), getattr(T, f"conv{axes}d")
    name = f"conv_transpose{axes}d"
    for stride, padding, groups in itertools.product((1, 2), (0, 1), (1, 2)):
        x = (2, 4, *(6, 5, 4)[:axes])
        arrays = drawn(x, (6, 4 // groups, *(3, 2, 3)[:axes]), (6,))
        check(ours, theirs, arrays, stride, padding, 1, groups)
        arrays = drawn(x, (4, 3, *(3, 2, 3)[:axes]), (3 * groups,))
        check(getattr(F, name), getattr(T, name), arrays, stride, padding, 0, groups)


@pytest.mark.spec("AGE-046", "also for gradients of gradients")
@pytest.mark.parametrize("stride, groups", [(1, 1), (2, 1), (1, 2), (2, 4)])
def test_gradients_of_gradients(stride, groups):
    arrays = drawn((2, 4, 5, 6), (4, 4 // groups, 3, 2), (4,))
    check(F.conv2d, T.conv2d, arrays, stride, 1, 1, groups, twice=True)
    arrays = drawn((2, 4, 3, 4), (4, 2, 3, 2), (2 * groups,))
    options = (stride, 1, 0, groups)
    check(F.conv_transpose2d, T.conv_transpose2d, arrays, *options, twice=True)


@given(
    batch=st.integers(0, 3),
    channels=st.integers(1, 3),
    kernels=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
)
def test_any_sizes(batch, channels, kernels, height, width, kernel, stride, padding):
    fits = all(
        n + 2 * padding >= k for n, k in zip((height, width), kernel, strict=True)
    )
    arrays = drawn((batch, channels, height, width), (kernels, channels, *kernel))
    if fits:
        check(F.conv2d, T.conv2d, arrays, None, stride, padding)
    else:
        with pytest.raises(
            RuntimeError, match=r"conv2d: the kernel \(\d, \d\) .*larger"
        ):
            F.conv2d(*map(ag.tensor, arrays), None, stride, padding)


def test_large_inputs_go_in_pieces(monkeypatch):
    """A piece is some rows, one row, or a part of a row."""
    from src.ops import windows

    arrays = drawn((3, 4, 9, 8), (5, 4, 3, 3), (5,))
    for size in (1, 3000, 9000, 40000):
        monkeypatch.setattr(windows, "PIECE", size)
        check(F.conv2d, T.conv2d, arrays, 1, 1)
        check(F.conv2d, T.conv2d, arrays, 2, 1)


def test_an_input_without_a_batch_is_one_sample():
    check(F.conv2d, T.conv2d, drawn((3, 6, 5), (4, 3, 3, 3), (4,)), 1, "same")
    check(F.conv1d, T.conv1d, drawn((3, 6), (4, 3, 3), (4,)))
    check(F.conv_transpose2d, T.conv_transpose2d, drawn((3, 6, 5), (3, 4, 3, 3)))


def test_memory_of_any_order_gives_the_same():
    x, w = drawn((4, 5, 3, 6), (2, 3, 3, 3))
    turned = x.transpose(0, 2, 1, 3)
    expected = T.conv2d(torch.tensor(turned), torch.tensor(w)).numpy()
    for array in (turned, np.asfortranarray(turned), turned.copy()):
        out = F.conv2d(ag.from_numpy(array), ag.tensor(w))
        np.testing.assert_allclose(out.data, expected, 1e-10, 1e-10)


@pytest.mark.parametrize("dtype, tol", [(np.float32, 2e-5), (np.float16, 3e-2)])
def test_the_dtype_stays(dtype, tol):
    arrays = drawn((2, 3, 6, 6), (4, 3, 3, 3), (4,), dtype=dtype)
    check(F.conv2d, T.conv2d, arrays, 1, 1, tol=tol)


def test_nan_and_infinity_stay_where_a_window_sees_them():
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 0, 0], x[0, 0, 4, 4] = np.nan, np.inf
    out = F.conv2d(ag.tensor(x), ag.tensor(np.ones((1, 1, 2, 2)))).data[0, 0]
    assert np.isnan(out[0, 0]) and np.isinf(out[3, 3])
    assert np.count_nonzero(~np.isfinite(out)) == 2


def test_only_the_gradients_that_are_asked_for_are_computed():
    x, w = map(ag.tensor, drawn((1, 2, 4, 4), (3, 2, 3, 3)))
    out = F.conv2d(x, w.requires_grad_())
    kept = out.grad_fn.saved_tensors
    assert kept[0] is not None and kept[1] is None
    out.sum().backward()
    assert x.grad is None and w.grad.shape == w.shape


X, W = (2, 3, 8, 8), (6, 4, 5, 5)
WRONG = {
    "channels": (
        (X, W),
        {},
        r"conv2d: input \(2, 3, 8, 8\) has 3 channels, weight \(6, 4, 5, 5\) with "
        r"groups=1 wants 4",
    ),
    "groups": ((X, W), {"groups": 4}, "groups=4 does not divide the 6 kernels"),
    "kernel": (
        (X, (6, 3, 9, 5)),
        {},
        r"the kernel \(9, 5\) .* is larger than the input \(8, 8\) with padding 0",
    ),
    "rank": (((2, 2, 3, 8, 8), (6, 3, 5, 5)), {}, r"this one has shape \(2, 2, 3"),
    "stride": ((X, (6, 3, 5, 5)), {"stride": 0}, "stride=0 is below 1"),
    "tuple": ((X, (6, 3, 5, 5)), {"stride": (1, 1, 1)}, "has 3 numbers for 2 spatial"),
    "padding": ((X, (6, 3, 5, 5)), {"padding": "full"}, "not a number, 'same' or"),
    "same": ((X, (6, 3, 5, 5)), {"padding": "same", "stride": 2}, "needs stride 1"),
}


@pytest.mark.spec("AGE-047", "name the operation, the shapes")
@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls_are_refused_in_a_sentence(case):
    shapes, options, message = WRONG[case]
    with pytest.raises(RuntimeError, match=message):
        F.conv2d(*map(ag.tensor, drawn(*shapes)), **options)


def test_wrong_transposed_calls_and_dtypes_are_refused():
    x, w = map(ag.tensor, drawn((1, 2, 4, 4), (2, 3, 3, 3)))
    with pytest.raises(
        RuntimeError, match="output_padding=2 is not smaller than stride"
    ):
        F.conv_transpose2d(x, w, output_padding=2)
    with pytest.raises(RuntimeError, match="input is float64, weight or bias float32"):
        F.conv_transpose2d(x, w.float())
    with pytest.raises(TypeError, match="got a wrong `stride`"):
        F.conv_transpose1d(*map(ag.tensor, drawn((1, 2, 4), (2, 3, 3))), stride=(1.5,))


@given(
    sizes=st.tuples(st.integers(3, 8), st.integers(3, 8)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
)
def test_unfold_and_fold(sizes, kernel, stride, padding, dilation):
    reach = [dilation * (k - 1) + 1 for k in kernel]
    if any(n + 2 * padding < r for n, r in zip(sizes, reach, strict=True)):
        return
    options = (kernel, dilation, padding, stride)
    (x,) = drawn((2, 3, *sizes))
    check(F.unfold, T.unfold, [x], *options, twice=True)
    columns = T.unfold(torch.tensor(x), *options).numpy()
    check(F.fold, T.fold, [columns], sizes, *options, twice=True)


def test_wrong_foldings_are_refused_in_a_sentence():
    with pytest.raises(RuntimeError, match="unfold: the kernel .* is larger"):
        F.unfold(ag.tensor(np.zeros((1, 1, 2, 2))), 3)
    with pytest.raises(RuntimeError, match=r"fold: 5 rows .* not a multiple"):
        F.fold(ag.tensor(np.zeros((1, 5, 4))), 3, 2)
    with pytest.raises(RuntimeError, match=r"fold: 5 columns .* has 2 \* 2 windows"):
        F.fold(ag.tensor(np.zeros((1, 4, 5))), 3, 2)
