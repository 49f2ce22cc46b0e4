"""One operation of the graph: what it computes, what it keeps, how gradients pass it.

    class Mul(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x.data * y.data

        @staticmethod
        def backward(ctx, grad):
            x, y = ctx.saved_tensors
            return grad * y, grad * x

`Mul.apply(x, y)` is the only door: it runs `forward` without recording, wraps the
arrays and, where an input asks for gradients, ties the result to `ctx`, its `grad_fn`.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .backend import array_module
from .dtypes import is_floating
from .grad_mode import _recording, is_anomaly_enabled, user_line
from .refusals import freed, overwritten, refuse_two_devices, stale
from .tensor import Tensor, make
from .views import as_view


class Edge(NamedTuple):
    """Where the gradient of one input goes: a leaf, or an output of an operation."""

    target: Any  # a Function, or a leaf Tensor
    output: int
    shape: tuple[int, ...]
    dtype: np.dtype


class Saved(NamedTuple):
    """A value kept for the backward pass, and its version when it was kept."""

    tensor: Tensor | None  # None: an output, rebuilt when asked for (no cycle)
    array: Any
    counter: list
    version: int
    output: int


class Function:
    """Base of all operations; an instance is `grad_fn` and the context `ctx` in one.

    `backward` written with tensor operations can be differentiated again. An ndarray
    that it returns is handed over: it must be fresh, nothing else may hold it. A fused
    operation, whose backward works on arrays, states `plain`: the same value from
    tensor operations, which is what grad of grad then differentiates.
    """

    plain: ClassVar[Callable | None] = None
    fills_leaves: ClassVar[bool] = False  # its backward adds to `.grad` by itself

    # Defaults of what `apply` writes on an instance; all else there is `forward`'s.
    edges: tuple[Edge | None, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()
    outputs: tuple[tuple[tuple[int, ...], np.dtype], ...] = ()
    hooks: dict[int, list[Callable]] | None = None
    line: str | None = None
    args: tuple = ()
    _pending: tuple = ()
    _saved: tuple[Saved | None, ...] | None = ()

    def __init_subclass__(cls) -> None:
        for name in ("forward", "backward", "plain"):
            if isinstance(cls.__dict__.get(name), FunctionType):
                raise TypeError(f"{cls.__name__}.{name} is to be a @staticmethod")

    @staticmethod
    def forward(ctx: "Function", *args: Any) -> Any:
        """The arrays (or tensors) of the result; called without recording."""
        raise NotImplementedError("a Function states `forward`")

    @staticmethod
    def backward(ctx: "Function", *grads: Tensor) -> Any:
        """One gradient for each argument of `forward`, None where there is none."""
        raise NotImplementedError(f"{type(ctx).__name__} has no backward")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """The operation on `args`: a tensor, or a tuple of them as `forward` gives."""
        ctx = cls()
        needs = []
        for arg in args:
            if isinstance(arg, Tensor):
                if arg._base is not None and arg._base.grad_fn is not arg._born:
                    raise RuntimeError(stale(cls))
                needs.append(arg.requires_grad)
            else:
                needs.append(False)
        if not (True in needs and _recording.get()):
            ctx.needs_input_grad = (False,) * len(needs)
            try:
                result = cls.forward(ctx, *args)
            except (TypeError, ValueError):
                refuse_two_devices(cls, args)
                raise
            return _wrap(cls, ctx, result, args, record=False)
        ctx.needs_input_grad = tuple(needs)
        token = _recording.set(False)
        try:
            result = cls.forward(ctx, *args)
        except (TypeError, ValueError):
            refuse_two_devices(cls, args)
            raise
        finally:
            _recording.reset(token)
        return _wrap(cls, ctx, result, args, record=True)

    def save_for_backward(self, *values: Any) -> None:
        """Keep inputs (tensors) or outputs (the arrays that `forward` returns).

        Anything else is an attribute of `ctx`. None is kept as None.
        """
        self._pending = values

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What was kept, each refused if it was written in place since."""
        if self._saved is None:
            raise RuntimeError(freed(self))
        return tuple(
            None if saved is None else self._unpack(i, saved)
            for i, saved in enumerate(self._saved)
        )

    def _unpack(self, index: int, saved: Saved) -> Tensor:
        if saved.counter[0] != saved.version:
            raise RuntimeError(overwritten(self, index, saved))
        if saved.tensor is not None:
            return saved.tensor
        out = make(saved.array, True, self)
        out.output_nr, out._version = saved.output, saved.counter
        return out

    def release(self) -> None:
        """Forget what was kept for the backward pass."""
        kept = [name for name in self.__dict__ if name not in _STRUCTURE]
        if self._saved or kept:
            for name in kept:
                del self.__dict__[name]
            self._saved = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


_STRUCTURE = frozenset(
    {"edges", "needs_input_grad", "outputs", "hooks", "line", "_saved"}
)


def _wrap(cls: type, ctx: Function, result: Any, args: tuple, record: bool) -> Any:
    """The arrays of `forward` as tensors that know `ctx`, if it is to be recorded."""
    several = isinstance(result, tuple)
    arrays = [_array(r) for r in (result if several else (result,))]
    if several and len({id(array) for array in arrays}) < len(arrays):
        # Two results are never the same memory.
        seen = [id(array) for array in arrays]
        arrays = [a.copy() if id(a) in seen[:i] else a for i, a in enumerate(arrays)]
    tensors = []
    for i, array in enumerate(arrays):
        needs = record and is_floating(array.dtype)
        tensor = make(array, needs, ctx if needs else None)
        tensor.output_nr = i
        shown = _shown(array, args)
        tensors.append(tensor if shown is None else as_view(tensor, shown))
    if record:
        ctx.edges = tuple(
            _edge(a) if need else None
            for a, need in zip(args, ctx.needs_input_grad, strict=True)
        )
        if several:
            ctx.outputs = tuple((a.shape, a.dtype) for a in arrays)
        if is_anomaly_enabled():
            ctx.line = user_line()
        if cls.plain is not None:
            ctx.args = tuple((a, _version(a)) for a in args)
        if ctx._pending:
            ctx._saved = tuple(_keep(ctx, v, arrays, tensors) for v in ctx._pending)
            del ctx._pending
    return tuple(tensors) if several else tensors[0]


def _shown(array: Any, args: tuple) -> Tensor | None:
    """The input whose memory `array` is or shows: then one version counts for both."""
    for arg in args:
        if isinstance(arg, Tensor) and (
            array is arg.data
            or (
                array.base is not None
                and array_module(array).may_share_memory(array, arg.data)
            )
        ):
            return arg
    return None


def _array(result: Any) -> Any:
    if isinstance(result, Tensor):
        return result.data
    return np.asarray(result) if isinstance(result, (np.generic, float)) else result


def _edge(tensor: Tensor) -> Edge:
    node = tensor.grad_fn
    if node is None:
        return Edge(tensor, 0, tensor.data.shape, tensor.data.dtype)
    return Edge(node, tensor.output_nr, tensor.data.shape, tensor.data.dtype)


def _version(value: Any) -> int:
    return value._version[0] if isinstance(value, Tensor) else 0


def _keep(ctx: Function, value: Any, arrays: list, tensors: list) -> Saved | None:
    if value is None:
        return None
    if isinstance(value, Tensor):
        return Saved(value, None, value._version, value._version[0], 0)
    for i, array in enumerate(arrays):
        if value is array:
            return Saved(None, array, tensors[i]._version, 0, i)
    raise TypeError(
        f"{type(ctx).__name__}: save_for_backward keeps inputs and outputs; "
        "another array is an attribute: ctx.name = array"
    )
