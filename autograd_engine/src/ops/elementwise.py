"""Arithmetic and the functions of calculus, each with its derivative."""

import numpy as np

from .rules import binary, unary


add = binary("add", np.add, lambda g: g, lambda g: g)
sub = binary("sub", np.subtract, lambda g: g, lambda g: -g)
mul = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x)
div = binary(
    "div",
    np.true_divide,
    lambda g, y: g / y,
    lambda g, y, out: -g * out / y,
    ints=False,
)
neg = unary("neg", np.negative, lambda g: -g, ints=True)
exp = unary("exp", np.exp, lambda g, out: g * out)
log = unary("log", np.log, lambda g, x: g / x)
sqrt = unary("sqrt", np.sqrt, lambda g, out: g / (2 * out))
tanh = unary("tanh", np.tanh, lambda g, out: g * (1 - out * out))
