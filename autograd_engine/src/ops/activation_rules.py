"""Values and slopes of the activation functions on arrays.

`name(x, out, *options)` fills `out` with f(x); `name_slope(x, g, out, *options)` with
g f'(x); `name_plain` is f from tensor operations, for second derivatives.
"""

from ..engine.backend import array_module
from .fused import constant


def leaky(x, out, slope):
    array_module(x).multiply(x, slope, out=out)
    array_module(x).copyto(out, x, where=x > 0)


def leaky_slope(x, g, out, slope):
    array_module(x).multiply(g, slope, out=out)
    array_module(x).copyto(out, g, where=x > 0)


def hardtanh(x, out, low, high):
    array_module(x).clip(x, low, high, out=out)


def hardtanh_slope(x, g, out, low, high):
    array_module(x).multiply(g, (x > low) & (x < high), out=out)


def hardsigmoid(x, out):
    xp = array_module(x)
    xp.clip(x + 3, 0, 6, out=out)
    out /= 6


def hardsigmoid_slope(x, g, out):
    array_module(x).multiply(g, abs(x) < 3, out=out)
    out /= 6


def hardswish(x, out):
    hardsigmoid(x, out)
    out *= x


def hardswish_slope(x, g, out):
    xp = array_module(x)
    xp.divide(x, 3, out=out)
    out += 0.5
    xp.copyto(out, 0, where=x < -3)
    xp.copyto(out, 1, where=x >= 3)
    out *= g


def softshrink(x, out, lambd):
    xp = array_module(x)
    xp.subtract(x, xp.clip(x, -lambd, lambd), out=out)


def hardshrink(x, out, lambd):
    xp = array_module(x)
    xp.copyto(out, x)
    xp.copyto(out, 0, where=abs(x) <= lambd)


def shrink_slope(x, g, out, lambd):
    array_module(x).multiply(g, ~(abs(x) <= lambd), out=out)


def threshold(x, out, limit, value):
    xp = array_module(x)
    xp.copyto(out, x)
    xp.copyto(out, value, where=x <= limit, casting="unsafe")


def threshold_slope(x, g, out, limit, value):
    array_module(x).multiply(g, ~(x <= limit), out=out)


def elu(x, out, alpha, scale, inner):
    xp = array_module(x)
    xp.minimum(x, 0, out=out)
    out *= inner
    xp.expm1(out, out=out)
    out *= alpha * scale
    xp.copyto(out, x if scale == 1 else x * scale, where=x > 0)


def elu_slope(x, g, out, alpha, scale, inner):
    xp = array_module(x)
    xp.minimum(x, 0, out=out)
    out *= inner
    xp.exp(out, out=out)
    out *= alpha * scale * inner
    xp.copyto(out, scale, where=x > 0)
    out *= g


def elu_plain(x, alpha, scale, inner):
    below = constant((x.data <= 0).astype(x.dtype))
    return (x * scale) * (1 - below) + ((x * below * inner).exp() - 1) * (alpha * scale)


def sigmoid(x, out):
    """(1 + tanh(x / 2)) / 2: no overflow, and tanh is a fast operation."""
    xp = array_module(x)
    xp.multiply(x, 0.5, out=out)
    xp.tanh(out, out=out)
    out *= 0.5
    out += 0.5


def silu(x, out):
    sigmoid(x, out)
    out *= x


def silu_slope(x, g, out):
    sigmoid(x, out)
    slope = 1 - out
    slope *= x
    slope += 1
    out *= slope
    out *= g


def silu_plain(x):
    return x * ((x * 0.5).tanh() * 0.5 + 0.5)


def mish(x, out):
    _tanh_softplus(x, out)
    out *= x


def mish_slope(x, g, out):
    inner, part = array_module(x).empty_like(x), array_module(x).empty_like(x)
    _tanh_softplus(x, inner)
    sigmoid(x, part)
    part *= 1 - inner * inner
    part *= x
    array_module(x).add(inner, part, out=out)
    out *= g


def mish_plain(x):
    return x * softplus_plain(x, 1.0, 20.0).tanh()


def _tanh_softplus(x, out):
    """tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2) with e = e^x."""
    xp = array_module(x)
    xp.minimum(x, 20, out=out)
    xp.exp(out, out=out)
    out *= out + 2
    out /= out + 2


def softplus(x, out, beta, limit):
    xp = array_module(x)
    scaled = x * beta
    xp.logaddexp(scaled, 0, out=out)
    out /= beta
    xp.copyto(out, x, where=scaled > limit)


def softplus_slope(x, g, out, beta, limit):
    xp = array_module(x)
    scaled = x * beta
    sigmoid(scaled, out)
    xp.copyto(out, 1, where=scaled > limit)
    out *= g


def softplus_plain(x, beta, limit):
    above = constant((x.data * beta > limit).astype(x.dtype))
    sign = constant(array_module(x.data).sign(x.data) * beta)
    rest = (x * (1 - above)) * beta
    soft = ((x * -sign).exp() + 1).log() + rest * constant(
        (x.data > 0) * (1 - above.data)
    )
    return x * above + (soft * (1 - above)) / beta


def softsign(x, out):
    xp = array_module(x)
    xp.abs(x, out=out)
    out += 1
    xp.divide(x, out, out=out)


def softsign_slope(x, g, out):
    xp = array_module(x)
    xp.abs(x, out=out)
    out += 1
    out *= out
    xp.divide(g, out, out=out)


def softsign_plain(x):
    return x / (x * constant(array_module(x.data).sign(x.data)) + 1)


def tanhshrink(x, out):
    xp = array_module(x)
    xp.subtract(x, xp.tanh(x, out=out), out=out)


def tanhshrink_slope(x, g, out):
    xp = array_module(x)
    xp.tanh(x, out=out)
    out *= out
    out *= g


def logsigmoid(x, out):
    xp = array_module(x)
    xp.logaddexp(-x, 0, out=out)
    xp.negative(out, out=out)


def logsigmoid_slope(x, g, out):
    sigmoid(-x, out)
    out *= g


def logsigmoid_plain(x):
    return -softplus_plain(-x, 1.0, float("inf"))
