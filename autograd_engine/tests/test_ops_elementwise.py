"""Arithmetic, calculus, comparisons and choices beside torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import src as ag
from tests.beside_torch import compare, numbers


X, Y = numbers(3, 4), numbers(4, seed=1)
POSITIVE, UNIT = np.abs(X) + 0.1, np.tanh(X) * 0.9
EDGES = np.array([0.0, -0.0, 1, -1, 0.5, 2, 1e300, 1e-300, np.inf, -np.inf, np.nan])
ANYWHERE = """abs neg square exp exp2 expm1 sin cos tan atan sinh cosh tanh asinh
    sigmoid
    erf erfc sinc reciprocal sign floor ceil trunc round frac deg2rad rad2deg
    nan_to_num""".split()
PARTS = {
    **dict.fromkeys("sqrt rsqrt log log2 log10 log1p lgamma".split(), POSITIVE),
    **dict.fromkeys("asin acos atanh erfinv".split(), UNIT),
    "acosh": POSITIVE + 1,
    "logit": (UNIT + 1) / 2,
}
PAIRS = """add sub mul div maximum minimum fmax fmin atan2 hypot logaddexp logaddexp2
    copysign remainder fmod""".split()
STEPS = "sign floor ceil trunc round".split()  # their derivative is 0 in torch's words
DTYPES = "bool uint8 int8 int16 int32 int64 float16 float32 float64".split()
TABLE = {
    "add": lambda lib, x, y: x + y,
    "sub": lambda lib, x, y: x - y,
    "mul": lambda lib, x, y: x * y,
    "div": lambda lib, x, y: x / y,
    "floor_divide": lambda lib, x, y: x // y,
    "trunc": lambda lib, x, y: lib.div(x, y, rounding_mode="trunc"),
    "remainder": lambda lib, x, y: x % y,
    "fmod": lambda lib, x, y: lib.fmod(x, y),
    "pow": lambda lib, x, y: x**y,
    "maximum": lambda lib, x, y: lib.maximum(x, y),
    "where": lambda lib, x, y: lib.where(x > y, x, y),
    "and": lambda lib, x, y: x & y,
    "shift": lambda lib, x, y: x << y,
    "less": lambda lib, x, y: x < y,
    "xlogy": lambda lib, x, y: lib.xlogy(x, y),
    "number": lambda lib, x, y: x * 2 + y * 1.5,
    "number above": lambda lib, x, y: 2 ** (1 - x),
    "square": lambda lib, x, y: x**2,
    "clamp": lambda lib, x, y: lib.clamp(x, 0, 1),
    "floor": lambda lib, x, y: lib.floor(x),
    "frac": lambda lib, x, y: lib.frac(x),
    "exp": lambda lib, x, y: lib.exp(x),
    "abs": lambda lib, x, y: abs(x),
    "neg": lambda lib, x, y: -x,
    "hypot": lambda lib, x, y: lib.hypot(x, y),
    "float_power": lambda lib, x, y: lib.float_power(x, y),
    "invert": lambda lib, x, y: ~x,
    "addcmul": lambda lib, x, y: lib.addcmul(x, x, y),
    "lerp": lambda lib, x, y: lib.lerp(x, y, 0.25),
}


@pytest.mark.spec("AGE-036", "value, gradient and second derivative of torch")
@pytest.mark.parametrize("name", [*ANYWHERE, *PARTS])
def test_function_of_one_tensor(name):
    x = PARTS.get(name, X)
    second = name not in (*STEPS, "lgamma")
    compare(lambda lib, x: getattr(lib, name)(x), x, second=second)
    compare(lambda lib, x: getattr(lib, name)(x).sum(), x[:0], second=False)
    compare(lambda lib, x: getattr(lib, name)(x), x[0, 0], second=second)


@pytest.mark.spec("AGE-036", "at zeros, ties, infinities and NaN")
@pytest.mark.parametrize("name", sorted({*ANYWHERE, *PARTS} - {"lgamma"}))
def test_edges_of_one(name):
    def slope(lib, x):
        first = lib.autograd.grad if lib is torch else lib.grad
        out = getattr(lib, name)(x)
        return [out.detach(), first(out.sum(), [x])[0].detach()]

    compare(slope, EDGES, second=False)


@pytest.mark.spec("AGE-036", "value, gradient and second derivative of torch")
@pytest.mark.parametrize("name", PAIRS)
def test_function_of_two_tensors(name):
    compare(lambda lib, x, y: getattr(lib, name)(x, y), X, Y)
    compare(lambda lib, x, y: getattr(lib, name)(y, x), X, np.array(0.7))


@pytest.mark.spec("AGE-036", "at zeros, ties, infinities and NaN")
@pytest.mark.parametrize("name", [*PAIRS, "pow", "xlogy"])
def test_edges_of_two(name):
    def slopes(lib, x, y):
        out = getattr(lib, name)(x, y)
        first = lib.autograd.grad if lib is torch else lib.grad
        if not out.requires_grad:
            return [out]
        return [out.detach(), *(g.detach() for g in first(out.sum(), [x, y]))]

    small = np.delete(EDGES, [6, 7])
    small = small if name not in ("fmod", "remainder") else small[:6]
    x, y = (a.ravel() for a in np.meshgrid(small, small))
    if name in ("fmod", "remainder"):
        x, y = x[y != 0], y[y != 0]
    if name in ("hypot", "logaddexp", "logaddexp2", "copysign"):
        finite = np.isfinite(x) & np.isfinite(y)
        x, y = x[finite], y[finite]
    compare(slopes, x, y, second=False)


@pytest.mark.spec("AGE-036", "value, gradient and second derivative of torch")
@pytest.mark.parametrize("exponent", [-2, -1, -0.5, 0, 0.5, 1, 2, 3, 2.5])
def test_powers(exponent):
    compare(lambda lib, x: x**exponent, POSITIVE, second=exponent != 0)
    compare(lambda lib, x: lib.tensor(2.5, dtype=lib.float64) ** (x * exponent), X)
    if exponent == int(exponent):
        compare(lambda lib, x: x**exponent, X, second=exponent != 0)
    if exponent in (0, 1, 2, 3):
        x = np.array([0.0, -1.5])
        compare(lambda lib, x: x**exponent, x, second=exponent != 0)


@pytest.mark.spec("AGE-036", "value, gradient and second derivative of torch")
@pytest.mark.parametrize(
    "fn",
    [
        lambda lib, x, y: lib.add(x, y, alpha=2.5) - lib.sub(y, x, alpha=-1),
        lambda lib, x, y: 3 - x + 2 / y - (-x) * 1.5,
        lambda lib, x, y: lib.addcmul(x, x, y, value=0.5),
        lambda lib, x, y: lib.addcdiv(x, x, y, value=0.5),
        lambda lib, x, y: lib.lerp(x, y, 0.7) * lib.lerp(y, x, x),
        lambda lib, x, y: lib.clamp(x, -0.5, 0.5) + lib.clamp(x, min=y),
        lambda lib, x, y: lib.clamp(x, y, y + 0.5) + lib.clamp(x, max=y),
        lambda lib, x, y: lib.where(x > y, x * y, 2.0),
        lambda lib, x, y: lib.div(x, y, rounding_mode="floor") * x,
        lambda lib, x, y: lib.logit(x * 0.1, eps=1e-3) + lib.xlogy(y.abs(), x.abs()),
        lambda lib, x, y: lib.round(x * 10, decimals=1) * x,
    ],
)
def test_arguments(fn):
    compare(fn, X, Y)


@pytest.mark.spec("AGE-036", "without a warning")
def test_inf_and_nan_come_without_a_warning():
    x = ag.tensor([0.0, -1.0, np.inf, 1e300], dtype=ag.float64, requires_grad=True)
    for fn in (ag.log, ag.sqrt, ag.rsqrt, ag.exp, ag.sin, ag.sinc, ag.reciprocal):
        assert ag.grad(fn(x).sum(), [x])[0].shape == (4,)
    assert np.isnan((x - x).tolist()[2])


@pytest.mark.spec("AGE-037", "what torch refuses is refused")
@pytest.mark.parametrize("name", TABLE)
def test_dtypes(name):
    fn = TABLE[name]
    for a in DTYPES:
        for b in DTYPES:
            found = []
            for lib in (torch, ag):
                x = lib.tensor([1, 0, 1], dtype=getattr(lib, a))
                y = lib.tensor([1, 1, 1], dtype=getattr(lib, b))
                try:
                    out = fn(lib, x, y)
                    found.append(
                        (str(out.numpy().dtype), np.round(out.tolist(), 2).tolist())
                    )
                except (RuntimeError, TypeError):
                    found.append("refused")
            assert found[0] == found[1], (name, a, b)


@pytest.mark.spec("AGE-037", "an integer divided by zero is an error")
@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
def test_integer_zero_division(name):
    with pytest.raises(RuntimeError, match="integer was divided by zero"):
        getattr(ag, name)(ag.tensor([1, 2]), ag.tensor([1, 0]))


def test_integer_powers_and_divisions():
    x, y = torch.arange(-9, 10), torch.tensor([-3, -2, -1, 1, 2, 3]).reshape(-1, 1)
    ours = ag.tensor(x.numpy()), ag.tensor(y.numpy())
    for fn in (
        lambda lib, x, y: x**y,
        lambda lib, x, y: x // y,
        lambda lib, x, y: x % y,
        lambda lib, x, y: lib.div(x, y, rounding_mode="trunc"),
        lambda lib, x, y: lib.fmod(x, y),
    ):
        assert fn(ag, *ours).tolist() == fn(torch, x, y).tolist()
    with pytest.raises(RuntimeError, match="negative integer power"):
        ours[0] ** -1


@pytest.mark.spec("AGE-036", "shapes that do not broadcast are named")
@pytest.mark.parametrize("name", ["add", "maximum", "eq", "logical_and", "isclose"])
def test_shapes_are_named(name):
    with pytest.raises(
        RuntimeError, match=rf"{name}: shapes \(2, 3\) and \(2,\) do not"
    ):
        getattr(ag, name)(ag.zeros(2, 3), ag.zeros(2))


def test_wrong_operands_are_refused():
    x = ag.ones(2)
    with pytest.raises(TypeError, match="a tensor and str"):
        x + "1"
    with pytest.raises(TypeError, match="exp wants a tensor, not float"):
        ag.exp(1.0)
    with pytest.raises(RuntimeError, match="300 does not fit into uint8"):
        x.byte() + 300
    with pytest.raises(RuntimeError, match="alpha=1.5 beside tensors of dtype int64"):
        ag.add(x.long(), x.long(), alpha=1.5)
    with pytest.raises(RuntimeError, match="rounding_mode is None"):
        ag.div(x, x, rounding_mode="up")
    with pytest.raises(NotImplementedError, match="sub is not defined .* bool"):
        x.bool() - x.bool()
    assert (x == "1") is False and (x != None) is True  # noqa: E711
    assert (np.ones(2, np.float32) * x).dtype == ag.float32


@pytest.mark.spec("AGE-036", "value, gradient and second derivative of torch")
@pytest.mark.parametrize(
    "name", "isnan isinf isfinite isposinf isneginf signbit".split()
)
def test_tests_of_values(name):
    compare(lambda lib, x: getattr(lib, name)(x), EDGES)


def test_logic_on_values():
    def every(lib, x, y):
        return [
            lib.logical_and(x, y), lib.logical_or(x, y), lib.logical_xor(x, y),
            lib.logical_not(x), lib.isclose(x, y), x == y, x != y, x <= y, x > 0,
            lib.isclose(x, y, equal_nan=True), lib.isin(x, y), lib.any(x), lib.all(y),
        ]  # fmt: skip

    x, y = (a.ravel() for a in np.meshgrid(EDGES, EDGES))
    compare(every, x, y)


def test_operators_in_place():
    def write(lib, x):
        y = x * 2
        y += x
        y *= x
        y -= 1
        y /= 2
        y **= 2
        return y.clamp_(-1, 5).mul_(x).exp_()

    compare(write, X)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_narrow_floats_stay_narrow(dtype):
    x = ag.tensor(X.astype(dtype), requires_grad=True)
    for name in [*ANYWHERE, "erfinv"]:
        out = getattr(ag, name)(x * 0.1)
        assert out.dtype == dtype, name
        assert ag.grad(out.sum(), [x], allow_unused=True)[0].dtype == dtype
    wide = torch.tensor(X.astype("float32")).erf()
    assert (
        np.abs(ag.tensor(X.astype("float32")).erf().numpy() - wide.numpy()).max() < 1e-6
    )


def test_polygamma():
    x = ag.tensor([0.3, 1.5, -0.4, -2.6, 30.0], dtype=ag.float64, requires_grad=True)
    for n, factor in ((0, 1), (1, -1), (2, 2), (3, -6)):
        step = ag.polygamma(n, x + 1) - ag.polygamma(n, x)
        assert ag.allclose(step, factor * x ** -(n + 1), rtol=1e-11, atol=1e-12)
    slope = ag.grad(x.digamma().sum(), [x], create_graph=True)[0]
    assert ag.allclose(slope, ag.polygamma(1, x))
    assert ag.allclose(ag.grad(slope.sum(), [x])[0], ag.polygamma(2, x))


@given(st.floats(-40, 40))
def test_erf_equals_maths(value):
    import math

    x = ag.tensor([value], dtype=ag.float64)
    assert x.erf().item() == pytest.approx(math.erf(value), rel=2e-15, abs=1e-320)
    assert x.erfc().item() == pytest.approx(math.erfc(value), rel=1e-13, abs=1e-320)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=5))
def test_laws(values):
    x = ag.tensor(values, dtype=ag.float64)
    y = x.flip(0)
    assert ag.equal(ag.maximum(x, y) + ag.minimum(x, y), x + y)
    assert ag.allclose(x.sin() ** 2 + x.cos() ** 2, ag.ones_like(x))
    assert ag.allclose((x // 0.5) * 0.5 + x % 0.5, x, atol=1e-12)
    assert ag.allclose(x.sigmoid() + (-x).sigmoid(), ag.ones_like(x))
