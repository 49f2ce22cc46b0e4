"""The strided tensor: values in a `TensorData`, a backend, a gradient and a history.

Values are float64. A result records its history only if an argument asks for gradients;
everything else is a constant, which is a leaf like a parameter but gets no gradient.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import functions, movement
from .arithmetic import Arithmetic
from .autodiff import History, backpropagate
from .indexing import check_dim
from .tensor_data import TensorData
from .tensor_ops import TensorOps, get_backend


def tensor(
    data: Any, *, backend: str = "simple", requires_grad: bool = False
) -> "Tensor":
    """A tensor of numbers, nested lists of them or a numpy array, copied as float64."""
    if isinstance(data, Tensor):
        raise TypeError("tensor() got a Tensor: use .detach() or .to(backend)")
    values = np.asarray(data)
    if values.dtype.kind not in "biuf":
        raise TypeError(
            f"tensor() makes float64 of real numbers; got {values.dtype} values"
        )
    ops = get_backend(backend)
    storage = ops.place(np.array(values, dtype=np.float64, order="C").reshape(-1))
    return Tensor(TensorData(storage, values.shape), ops, requires_grad=requires_grad)


class Tensor(Arithmetic):
    """Made by `tensor(...)` and by operations."""

    __slots__ = ("data", "ops", "grad", "requires_grad", "history", "__weakref__")
    dtype = np.dtype(np.float64)

    def __init__(
        self,
        data: TensorData,
        ops: TensorOps,
        *,
        requires_grad: bool = False,
        history: History | None = None,
    ) -> None:
        self.data = data
        self.ops = ops
        self.requires_grad = requires_grad or history is not None
        self.history = history
        self.grad: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def backend(self) -> str:
        """The name of the backend: simple, fast or cuda."""
        return self.ops.name

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it: parameters and constants."""
        return self.history is None

    def numel(self) -> int:
        return self.data.size

    def numpy(self) -> np.ndarray:
        """The values, copied."""
        storage = self.ops.fetch(self.data.storage)
        strides = [8 * stride for stride in self.data.strides]
        start = storage[self.data.offset :] if self.numel() else storage[:0]
        view = np.lib.stride_tricks.as_strided(start, self.shape, strides)
        return view.copy()

    def tolist(self) -> Any:
        return self.numpy().tolist()

    def item(self) -> float:
        """The one value; RuntimeError if there are more or none."""
        if self.numel() != 1:
            raise RuntimeError(f"item: shape {self.shape} has {self.numel()} elements")
        return self.numpy().item()

    def detach(self) -> "Tensor":
        """The same storage without the history."""
        return Tensor(self.data, self.ops)

    def derived(
        self,
        data: TensorData,
        history: History | None = None,
        ops: TensorOps | None = None,
    ) -> "Tensor":
        """A tensor on the same backend, for writers of operations."""
        return Tensor(data, ops or self.ops, history=history)

    def requires_grad_(self, flag: bool = True) -> "Tensor":
        """Ask for a gradient; only a leaf can change its mind."""
        if self.history is not None:
            raise RuntimeError("requires_grad_: this tensor was made by an operation")
        self.requires_grad = flag
        return self

    def backward(
        self, gradient: "Tensor | None" = None, *, retain_graph: bool = False
    ) -> None:
        """Add the derivative of this tensor to `.grad` of every leaf that asks for it.

        `gradient` multiplies it and may be left out for one element. The graph is freed
        unless `retain_graph`; a second backward through it is then refused.
        """
        if not self.requires_grad:
            raise RuntimeError(
                "backward: this tensor has no history: nothing that made it asks for "
                "a gradient (or it came from a comparison, which has none)"
            )
        if gradient is None:
            if self.numel() != 1:
                raise RuntimeError(
                    f"backward: shape {self.shape} has {self.numel()} elements, not 1; "
                    "reduce it first or pass a gradient of its shape"
                )
            gradient = tensor(np.ones(self.shape), backend=self.backend)
        if gradient.shape != self.shape or gradient.ops is not self.ops:
            raise RuntimeError(
                f"backward: the gradient has shape {gradient.shape} on "
                f"{gradient.backend!r}, the tensor {self.shape} on {self.backend!r}"
            )
        backpropagate(self, gradient.detach(), retain_graph)

    def to(self, backend: str) -> "Tensor":
        """On another backend, with gradients through the move."""
        ops = get_backend(backend)
        return self if ops is self.ops else movement.To.apply(self, ops)

    def contiguous(self) -> "Tensor":
        """In row-major order; copied only if it is not."""
        return movement.Contiguous.apply(self)

    def view(self, *shape: int) -> "Tensor":
        """The same storage under another shape; RuntimeError if not contiguous."""
        return movement.View.apply(self, _sizes(shape))

    def permute(self, *order: int) -> "Tensor":
        """Axis i of the result is axis order[i]; the storage is shared."""
        return movement.Permute.apply(self, _sizes(order))

    def transpose(self, first: int, second: int) -> "Tensor":
        """Two axes exchanged; the storage is shared."""
        i, j = (check_dim(dim, self.ndim, "transpose") for dim in (first, second))
        order = list(range(self.ndim))
        order[i], order[j] = j, i
        return self.permute(*order)

    def expand(self, *shape: int) -> "Tensor":
        """Axes of size 1 (and new ones on the left) repeated without a copy."""
        return movement.Expand.apply(self, _sizes(shape))

    def sum(self, dim: int | None = None, *, keepdim: bool = False) -> "Tensor":
        """Over `dim` or everything; the axis goes unless `keepdim`."""
        return self._reduce(functions.Sum, dim, keepdim)

    def mean(self, dim: int | None = None, *, keepdim: bool = False) -> "Tensor":
        """The sum over the number of elements; NaN for none."""
        size = self.numel()
        if dim is not None:
            size = self.shape[check_dim(dim, self.ndim, "mean")]
        return self.sum(dim, keepdim=keepdim) / size

    def max(self, dim: int | None = None, *, keepdim: bool = False) -> "Tensor":
        """The largest values (torch's amax); equal ones share the gradient evenly."""
        return self._reduce(functions.Max, dim, keepdim)

    def all(self, dim: int | None = None, *, keepdim: bool = False) -> "Tensor":
        """1 where no element is zero, else 0; no gradient."""
        return self._reduce(functions.All, dim, keepdim)

    def __matmul__(self, other: Any) -> "Tensor":
        """Matrix product; a tensor of one axis is a row on the left, a column right."""
        if not isinstance(other, Tensor):
            return NotImplemented
        if 0 in (self.ndim, other.ndim):
            raise RuntimeError(
                f"matmul: shapes {self.shape} and {other.shape}: both need an axis"
            )
        a = self[None] if self.ndim == 1 else self
        b = other[:, None] if other.ndim == 1 else other
        out = functions.MatMul.apply(a, b)
        out = out[..., 0, :] if self.ndim == 1 else out
        return out[..., 0] if other.ndim == 1 else out

    def __getitem__(self, index: Any) -> "Tensor":
        """Ints (negative too), slices, `...` and None: a view with a gradient."""
        return movement.Select.apply(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("writing into a tensor is not offered at this level")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a tensor without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.item())

    def __repr__(self) -> str:
        values = np.array2string(
            self.numpy(), separator=", ", precision=4, prefix="tensor("
        )
        asks = ", requires_grad=True" if self.requires_grad else ""
        return f"tensor({values}, backend={self.backend!r}{asks})"

    def _reduce(self, function: type, dim: int | None, keepdim: bool) -> "Tensor":
        if dim is None:
            out = function.apply(self.contiguous().view(-1), 0)
            return out.view(*((1,) * self.ndim if keepdim else ()))
        dim = check_dim(dim, self.ndim, function.__name__.lower())
        out = function.apply(self, dim)
        if keepdim:
            return out
        return out.view(*self.shape[:dim], *self.shape[dim + 1 :])


def _sizes(values: Sequence[Any]) -> tuple[int, ...]:
    """Sizes given one by one or as one tuple or list."""
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        values = values[0]
    return tuple(values)
