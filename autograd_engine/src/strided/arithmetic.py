"""The operators and elementwise methods of `Tensor`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import functions, operators
from .tensor_data import TensorData


if TYPE_CHECKING:
    from .tensor import Tensor

NUMBERS = (int, float, np.integer, np.floating)


class Arithmetic:
    """Numbers on either side become constants on the backend of the tensor."""

    __slots__ = ()
    __array_ufunc__ = None  # numpy leaves `array * tensor` to us, and we refuse it

    def __add__(self, other: Any) -> "Tensor":
        return self._join(functions.Add, self, other)

    def __radd__(self, other: Any) -> "Tensor":
        return self._join(functions.Add, other, self)

    def __sub__(self, other: Any) -> "Tensor":
        return self._join(functions.Sub, self, other)

    def __rsub__(self, other: Any) -> "Tensor":
        return self._join(functions.Sub, other, self)

    def __mul__(self, other: Any) -> "Tensor":
        return self._join(functions.Mul, self, other)

    def __rmul__(self, other: Any) -> "Tensor":
        return self._join(functions.Mul, other, self)

    def __truediv__(self, other: Any) -> "Tensor":
        return self._join(functions.Div, self, other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return self._join(functions.Div, other, self)

    def __pow__(self, exponent: float) -> "Tensor":
        """To a constant power; a tensor as exponent is not offered at this level."""
        if not isinstance(exponent, NUMBERS):
            return NotImplemented
        return functions.Pow.apply(self, float(exponent))

    def __neg__(self) -> "Tensor":
        return functions.Neg.apply(self)

    def __lt__(self, other: Any) -> "Tensor":
        return self._compare(other, operators.lt)

    def __le__(self, other: Any) -> "Tensor":
        return self._compare(other, operators.le)

    def __gt__(self, other: Any) -> "Tensor":
        return self._compare(other, operators.lt, swap=True)

    def __ge__(self, other: Any) -> "Tensor":
        return self._compare(other, operators.le, swap=True)

    def __eq__(self, other: Any) -> "Tensor":
        return self._compare(other, operators.eq)

    def __ne__(self, other: Any) -> "Tensor":
        return self._compare(other, operators.ne)

    __hash__ = object.__hash__  # a tensor is a key by what it is, not by its values

    def is_close(self, other: Any) -> "Tensor":
        """1 where |self - other| <= 1e-8 + 1e-5 |other|, else 0; no gradient."""
        return self._compare(other, operators.is_close)

    def inv(self) -> "Tensor":
        """1 / x."""
        return functions.Inv.apply(self)

    def exp(self) -> "Tensor":
        return functions.Exp.apply(self)

    def log(self) -> "Tensor":
        """Natural logarithm: minus infinity at 0, NaN below."""
        return functions.Log.apply(self)

    def relu(self) -> "Tensor":
        """max(x, 0), with derivative 0 at 0."""
        return functions.Relu.apply(self)

    def sigmoid(self) -> "Tensor":
        """1 / (1 + exp(-x))."""
        return functions.Sigmoid.apply(self)

    def softplus(self) -> "Tensor":
        """log(1 + exp(x)), exact also where exp(x) overflows."""
        return functions.Softplus.apply(self)

    def tanh(self) -> "Tensor":
        return functions.Tanh.apply(self)

    def constant(self, value: float) -> "Tensor":
        """The number as a tensor without axes or gradient, on the same backend."""
        storage = self.ops.place(np.full(1, value, dtype=np.float64))
        return self.derived(TensorData(storage, ()))

    def _join(self, function: type, first: Any, second: Any) -> "Tensor":
        pair = [self._lift(value) for value in (first, second)]
        if any(value is None for value in pair):
            return NotImplemented
        return function.apply(*pair)

    def _compare(self, other: Any, rule: Callable, *, swap: bool = False) -> "Tensor":
        lifted = self._lift(other)
        if lifted is None:
            return NotImplemented
        pair = (lifted, self) if swap else (self, lifted)
        return functions.Compare.apply(*pair, rule)

    def _lift(self, value: Any) -> "Tensor | None":
        """A tensor as it is, a number as a constant, None for anything else."""
        if isinstance(value, Arithmetic):
            return value
        return self.constant(value) if isinstance(value, NUMBERS) else None
