"""The error function and its relatives, and sinc.

float64: the rational approximations of Cody, "Rational Chebyshev approximations for the
error function" (Math. Comp. 23, 1969), in the three ranges of his CALERF. float32 and
float16: one quotient of odd and even polynomials on [-4, 4], beyond which erf is 1 in
float32; its coefficients are those of the erf of Eigen (generic_fast_erf).
"""

import math

import numpy as np

from .rules import unary, whole


SLOPE = 2 / math.sqrt(math.pi)  # the derivative of erf at 0

# |x| <= 0.46875: erf x = x P(x^2) / Q(x^2)
NEAR_P = (
    1.85777706184603153e-1,
    3.16112374387056560e00,
    1.13864154151050156e02,
    3.77485237685302021e02,
    3.20937758913846947e03,
)
NEAR_Q = (
    1.0,
    2.36012909523441209e01,
    2.44024637934444173e02,
    1.28261652607737228e03,
    2.84423683343917062e03,
)
# 0.46875 <= x <= 4: erfc x = e^(-x^2) P(x) / Q(x)
MIDDLE_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e01,
    2.98635138197400131e02,
    8.81952221241769090e02,
    1.71204761263407058e03,
    2.05107837782607147e03,
    1.23033935479799725e03,
)
MIDDLE_Q = (
    1.0,
    1.57449261107098347e01,
    1.17693950891312499e02,
    5.37181101862009858e02,
    1.62138957456669019e03,
    3.29079923573345963e03,
    4.36261909014324716e03,
    3.43936767414372164e03,
    1.23033935480374942e03,
)
# x >= 4: erfc x = e^(-x^2) / x (1 / sqrt(pi) - z P(z) / Q(z)), z = 1 / x^2
FAR_P = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
FAR_Q = (
    1.0,
    2.56852019228982242e00,
    1.87295284992346047e00,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)
SINGLE_P = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
SINGLE_Q = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


def erf_array(x):
    """erf of an array, exact to a few units in the last place."""
    if x.dtype.itemsize < 8:
        return _erf_single(x).astype(x.dtype, copy=False)
    out = whole(1 - _erfc_of_size(np.abs(x)))
    out = np.copysign(out, x)
    near = np.abs(x) <= 0.46875
    return np.where(near, _erf_near(np.where(near, x, 0)), out)


def erfc_array(x):
    """1 - erf, without the loss of digits where erf is near 1."""
    wide = x.astype(np.float64)
    far = _erfc_of_size(np.abs(wide))
    near = np.abs(wide) <= 0.46875
    out = np.where(wide < 0, 2 - far, far)
    return np.where(near, 1 - _erf_near(np.where(near, wide, 0)), out).astype(x.dtype)


def erfinv_array(y):
    """The inverse of erf: a first guess (Giles 2010), then steps of Halley."""
    wide = y.astype(np.float64)
    size = np.abs(wide)
    w = -np.log((1 - size) * (1 + size))
    near = _polynomial(GILES_NEAR, np.minimum(w, 5) - 2.5)
    far = _polynomial(GILES_FAR, np.sqrt(np.where(w < 5, 5, w)) - 3)
    x = np.where(w < 5, near, far) * size
    for _ in range(5):
        gap = np.where(size < 0.5, erf_array(x) - size, (1 - size) - erfc_array(x))
        step = gap / (SLOPE * np.exp(-x * x))
        x = x - step / (1 + x * step)
    x = np.where(size == 1, np.inf, np.where(size > 1, np.nan, x))
    return np.copysign(x, wide).astype(y.dtype)


GILES_NEAR = (
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
)
GILES_FAR = (
    -0.000200214257,
    0.000100950558,
    0.00134934322,
    -0.00367342844,
    0.00573950773,
    -0.0076224613,
    0.00943887047,
    1.00167406,
    2.83297682,
)


def _polynomial(coefficients, x):
    """Horner's scheme in one buffer, the highest power first."""
    out = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        out *= x
        out += c
    return out


def _erf_near(x):
    z = whole(x * x)
    return x * (_polynomial(NEAR_P, z) / _polynomial(NEAR_Q, z))


def _erfc_of_size(x):
    """erfc of x >= 0, good from 0.46875 on."""
    middle = np.minimum(x, 4.0)
    out = whole(_polynomial(MIDDLE_P, middle) / _polynomial(MIDDLE_Q, middle))
    if (x > 4).any():
        z = whole(1 / np.square(np.maximum(x, 4.0)))
        tail = 1 / math.sqrt(math.pi) - z * _polynomial(FAR_P, z) / _polynomial(
            FAR_Q, z
        )
        out = np.where(x > 4, tail / np.maximum(x, 4.0), out)
    # e^(-x^2) in two factors, of which the first has no rounding error in its exponent.
    cut = np.trunc(x * 16) / 16
    gap = (x - cut) * (x + cut)
    return np.where(x > 27, 0, np.exp(-cut * cut) * np.exp(-gap) * out) + 0 * (x != x)


def _erf_single(x):
    x = np.clip(x.astype(np.float32), -4, 4)
    z = whole(x * x)
    return x * _polynomial(SINGLE_P, z) / _polynomial(SINGLE_Q, z)


def _sinc_slope(g, x, out, m):
    """d/dx sin(pi x) / (pi x) = (cos(pi x) - sinc x) / x, 0 at 0."""
    return g * m.where(x == 0, 0, (m.cos(np.pi * x) - out) / m.where(x == 0, 1, x))


erf = unary("erf", erf_array, lambda g, x, m: g * (SLOPE * m.exp(-x * x)))
erfc = unary("erfc", erfc_array, lambda g, x, m: g * (-SLOPE * m.exp(-x * x)))
erfinv = unary("erfinv", erfinv_array, lambda g, out, m: g * m.exp(out * out) / SLOPE)
sinc = unary("sinc", np.sinc, _sinc_slope)
