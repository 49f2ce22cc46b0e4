"""A number that remembers what it was computed from, so that it can be differentiated.

The idea is Karpathy's micrograd. Here an operation stores its local gradients, d result
/ d parent, as numbers beside the result, and `backward` only multiplies and adds them.
"""

from numbers import Real
from typing import Any, Union

from . import operators
from .autodiff import backpropagate


class Scalar:
    """A float, the gradient of a later result with respect to it, and its origin.

    `data` is the value, `grad` the sum of the gradients that `backward` brought here,
    `parents` what it was computed from (nothing: a leaf), `local_gradients` d data / d
    parent for each of them, `op` the operation, `name` what a person calls it.

    Arithmetic is IEEE 754, as torch's: `x / 0` is inf or nan, `log(0)` -inf, nothing
    overflows into an exception. A plain number in an operation is a constant: it is no
    node, and `op` shows it. Comparisons give a bool and no gradient; `==` compares
    values, while sets and dicts tell nodes apart by identity, as torch's tensors.

    An expression is computed once: a leaf whose `data` is changed afterwards needs its
    expression built again before the next `backward`.
    """

    __slots__ = ("data", "grad", "parents", "local_gradients", "_op", "name")
    __array_ufunc__ = None  # `numpy.float64(2) * x` is left to `x`
    __hash__ = object.__hash__

    def __init__(self, data: float, name: str = "") -> None:
        if not isinstance(data, _NUMBER):
            raise TypeError(f"{type(self).__name__} takes a real number, not {data!r}")
        self.data = float(data)
        self.grad = 0.0
        self.parents: tuple[Scalar, ...] = ()
        self.local_gradients: tuple[float, ...] = ()
        self._op: str | tuple[str | float, ...] = ""
        self.name = name

    @property
    def op(self) -> str:
        """The operation that made the node, with its constant: `+`, `* 2`, `1 /`."""
        if isinstance(self._op, str):
            return self._op
        return " ".join(x if isinstance(x, str) else f"{x:g}" for x in self._op)

    def backward(self, gradient: float = 1.0) -> None:
        """Add d self / d leaf times `gradient` to the `grad` of every leaf below."""
        backpropagate(self, gradient)

    def zero_grad(self) -> None:
        """Forget the gradient, so that the next `backward` starts from zero."""
        self.grad = 0.0

    def __add__(self, other: Union["Scalar", float]) -> "Scalar":
        if isinstance(other, Scalar):
            return make_node(self.data + other.data, (self, other), _ONES, "+")
        if not isinstance(other, _NUMBER):
            return NotImplemented
        other = float(other)
        return make_node(self.data + other, (self,), _ONE, ("+", other))

    __radd__ = __add__

    def __mul__(self, other: Union["Scalar", float]) -> "Scalar":
        x = self.data
        if isinstance(other, Scalar):
            y = other.data
            return make_node(x * y, (self, other), (y, x), "*")
        if not isinstance(other, _NUMBER):
            return NotImplemented
        other = float(other)
        return make_node(x * other, (self,), (other,), ("*", other))

    __rmul__ = __mul__

    def __neg__(self) -> "Scalar":
        return make_node(-self.data, (self,), _MINUS_ONE, "neg")

    def __sub__(self, other: Union["Scalar", float]) -> "Scalar":
        if isinstance(other, Scalar):
            return make_node(self.data - other.data, (self, other), _ONE_MINUS_ONE, "-")
        if not isinstance(other, _NUMBER):
            return NotImplemented
        other = float(other)
        return make_node(self.data - other, (self,), _ONE, ("-", other))

    def __rsub__(self, other: float) -> "Scalar":
        if not isinstance(other, _NUMBER):
            return NotImplemented
        other = float(other)
        return make_node(other - self.data, (self,), _MINUS_ONE, (other, "-"))

    def __truediv__(self, other: Union["Scalar", float]) -> "Scalar":
        x = self.data
        if isinstance(other, Scalar):
            y = other.data
            local = operators.div_back(x, y, 1.0)
            return make_node(operators.div(x, y), (self, other), local, "/")
        if not isinstance(other, _NUMBER):
            return NotImplemented
        other = float(other)
        local = (operators.inv(other),)
        return make_node(operators.div(x, other), (self,), local, ("/", other))

    def __rtruediv__(self, other: float) -> "Scalar":
        if not isinstance(other, _NUMBER):
            return NotImplemented
        x, other = self.data, float(other)
        local = (operators.div_back(other, x, 1.0)[1],)
        return make_node(operators.div(other, x), (self,), local, (other, "/"))

    def __pow__(self, other: Union["Scalar", float]) -> "Scalar":
        x = self.data
        if isinstance(other, Scalar):
            y = other.data
            local = operators.pow_back(x, y, 1.0)
            return make_node(operators.pow(x, y), (self, other), local, "**")
        if not isinstance(other, _NUMBER):
            return NotImplemented
        other = float(other)
        local = operators.pow_back(x, other, 1.0)[:1]
        return make_node(operators.pow(x, other), (self,), local, ("**", other))

    def __rpow__(self, other: float) -> "Scalar":
        if not isinstance(other, _NUMBER):
            return NotImplemented
        x, other = self.data, float(other)
        local = operators.pow_back(other, x, 1.0)[1:]
        return make_node(operators.pow(other, x), (self,), local, (other, "**"))

    def exp(self) -> "Scalar":
        """e^x. The local gradient is the result itself: (e^x)' = e^x."""
        result = operators.exp(self.data)
        return make_node(result, (self,), (result,), "exp")

    def log(self) -> "Scalar":
        """The natural logarithm; (log x)' = 1/x."""
        x = self.data
        return make_node(operators.log(x), (self,), (operators.inv(x),), "log")

    def tanh(self) -> "Scalar":
        """The hyperbolic tangent t; t' = 1 - t^2."""
        t = operators.tanh(self.data)
        return make_node(t, (self,), (1.0 - t * t,), "tanh")

    def sigmoid(self) -> "Scalar":
        """s = 1 / (1 + e^-x); s' = s (1 - s)."""
        s = operators.sigmoid(self.data)
        return make_node(s, (self,), (s * (1.0 - s),), "sigmoid")

    def relu(self) -> "Scalar":
        """x where x > 0, else 0; the gradient at 0 is 0, as in torch."""
        x = self.data
        if x <= 0:
            return make_node(0.0, (self,), _ZERO, "relu")
        return make_node(x, (self,), _ONE, "relu")

    def softplus(self) -> "Scalar":
        """log(1 + e^x), stable for every x; its derivative is sigmoid(x)."""
        x = self.data
        local = (operators.sigmoid(x),)
        return make_node(operators.softplus(x), (self,), local, "softplus")

    def __lt__(self, other: Union["Scalar", float]) -> bool:
        return self.data < _value(other)

    def __le__(self, other: Union["Scalar", float]) -> bool:
        return self.data <= _value(other)

    def __gt__(self, other: Union["Scalar", float]) -> bool:
        return self.data > _value(other)

    def __ge__(self, other: Union["Scalar", float]) -> bool:
        return self.data >= _value(other)

    def __eq__(self, other: object) -> bool:
        return self.data == _value(other)

    def __bool__(self) -> bool:
        return self.data != 0.0

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"{type(self).__name__}(data={self.data}, grad={self.grad}{name})"


def make_node(
    data: float,
    parents: tuple[Scalar, ...],
    local_gradients: tuple[float, ...],
    op: str | tuple[str | float, ...],
) -> Scalar:
    """An inner node: the way to add an operation of one's own, as in `dot.py`.

    `local_gradients` has d data / d parent for each parent. Nothing is checked here:
    what comes from outside went through `Scalar(...)` or an operation.
    """
    node = _new(Scalar)
    node.data = data
    node.grad = 0.0
    node.parents = parents
    node.local_gradients = local_gradients
    node._op = op
    node.name = ""
    return node


_NUMBER = (float, int, Real)  # Real has numpy's scalars; the first two are found faster
_ZERO, _ONE, _MINUS_ONE = (0.0,), (1.0,), (-1.0,)
_ONES, _ONE_MINUS_ONE = (1.0, 1.0), (1.0, -1.0)
_new = object.__new__


def _value(other: Any) -> Any:
    return other.data if isinstance(other, Scalar) else other
