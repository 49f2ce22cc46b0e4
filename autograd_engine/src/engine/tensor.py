"""A numpy array that remembers how it was computed.

    x = ag.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.grad                       # tensor([2., 4.])

The operations stand in `src/ops`; `src/ops/methods.py` makes methods of them.
"""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import as_array
from .backend import to_device
from .dtypes import FLOATS, bool_, get_default_dtype, int64, is_floating


class Tensor:
    """Values, the gradient that was collected, and the operation that made it.

    `data` is the array itself (numpy's, or CuPy's on a GPU), which PyTorch hides.
    Writing to `data` is not seen by the engine; `x[...] = v` and `x.add_(v)` are.
    """

    __slots__ = (
        "__weakref__",
        "_base",  # the tensor whose memory this one shows, as PyTorch's `_base`
        "_born",  # the grad_fn that `_base` had when the view was taken
        "_hooks",
        "_version",  # [times written in place, who wrote last], shared by all views
        "data",
        "grad",
        "grad_fn",
        "output_nr",  # which output of `grad_fn` this is
        "requires_grad",
    )
    __hash__ = object.__hash__

    def __init__(
        self, data: Any, dtype: np.dtype | None = None, requires_grad: bool = False
    ) -> None:
        self.data = as_array(data, dtype)
        self.grad: Tensor | None = None
        self.grad_fn = None
        self.output_nr = 0
        self._version: list = [0]
        self._base: Tensor | None = None
        self._born = None
        self._hooks: list[Callable] | None = None
        self.requires_grad = False
        if requires_grad:
            self.requires_grad_()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def device(self) -> str:
        """`cpu`, or `cuda:N` where the values are a CuPy array."""
        here = isinstance(self.data, np.ndarray)
        return "cpu" if here else f"cuda:{self.data.device.id}"

    @property
    def is_leaf(self) -> bool:
        """Made by no recorded operation: only a leaf collects `.grad`."""
        return self.grad_fn is None

    def dim(self) -> int:
        return self.data.ndim

    def size(self, dim: int | None = None) -> Any:
        return self.data.shape if dim is None else self.data.shape[dim]

    def numel(self) -> int:
        return self.data.size

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.data.itemsize

    def is_floating_point(self) -> bool:
        return is_floating(self.data.dtype)

    def item(self) -> bool | int | float:
        """The value of a tensor of one element."""
        if self.data.size != 1:
            raise RuntimeError(
                f"item() wants a tensor of one element, this one has shape {self.shape}"
            )
        return self.data.item()

    def tolist(self) -> Any:
        return self.data.tolist()

    def numpy(self) -> np.ndarray:
        """The array itself, on the CPU; refused where a gradient would be lost."""
        if self.requires_grad:
            raise RuntimeError(
                "numpy() on a tensor that requires gradients would lose them; "
                "use detach().numpy()"
            )
        return to_device(self.data, "cpu")

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        """Ask for gradients, in place. Only a floating-point leaf can be changed."""
        if requires_grad and self.data.dtype not in FLOATS:
            raise RuntimeError(
                f"only floating-point tensors have gradients, this one is "
                f"{self.dtype}; convert it with .float() first"
            )
        if not requires_grad and self.grad_fn is not None:
            raise RuntimeError("a computed tensor keeps its gradient; use detach()")
        self.requires_grad = requires_grad
        return self

    def detach(self) -> "Tensor":
        """The same memory without the history: no gradient flows through it."""
        out = make(self.data, False, None)
        out._version = self._version
        return out

    def retain_grad(self) -> None:
        """Keep `.grad` of a tensor that is no leaf."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad() on a tensor that requires no gradient")
        if self.grad_fn is None:
            return
        reference = weakref.ref(self)

        def keep(gradient: Tensor) -> None:
            tensor = reference()
            if tensor is not None:
                held = tensor.grad
                tensor.grad = gradient.clone() if held is None else held + gradient

        keep.tensor = reference  # a write in place takes it along
        self.register_hook(keep)

    def register_hook(self, hook: Callable[["Tensor"], Any]) -> Callable[[], None]:
        """Call `hook(gradient)` when the gradient of this tensor is complete.

        What it returns replaces the gradient, None leaves it. Returns a function that
        removes the hook.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook() on a tensor that requires no gradient")
        if self.grad_fn is not None:
            node = self.grad_fn
            node.hooks = {} if node.hooks is None else node.hooks
            hooks = node.hooks.setdefault(self.output_nr, [])
        else:
            self._hooks = self._hooks if self._hooks is not None else []
            hooks = self._hooks
        hooks.append(hook)
        return lambda: hooks.remove(hook)

    def mark_written(self, name: str) -> None:
        """Note that the memory was written in place by `name`."""
        self._version[:] = [self._version[0] + 1, name]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __len__(self) -> int:
        if self.data.ndim == 0:
            raise TypeError("a 0-d tensor has no length")
        return len(self.data)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise RuntimeError(
                f"the truth of a tensor of shape {self.shape} is ambiguous; "
                "use .any() or .all()"
            )
        return bool(self.data.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.data.dtype.kind not in "iub":
            raise TypeError(f"an index is an integer, this tensor is {self.dtype}")
        return int(self.item())

    def __repr__(self) -> str:
        text = np.array2string(
            self.detach().numpy(),
            separator=", ",
            prefix="tensor(",
            precision=4,
        )
        notes = ""
        if self.dtype not in (get_default_dtype(), int64, bool_):
            notes += f", dtype={self.dtype}"
        if self.grad_fn is not None:
            notes += f", grad_fn={self.grad_fn!r}"
        elif self.requires_grad:
            notes += ", requires_grad=True"
        return f"tensor({text}{notes})"


def make(array: Any, requires_grad: bool, grad_fn: Any) -> Tensor:
    """A tensor around `array` as it is: the quick way, for the engine."""
    tensor = Tensor.__new__(Tensor)
    tensor.data = array
    tensor.grad = None
    tensor.grad_fn = grad_fn
    tensor.output_nr = 0
    tensor.requires_grad = requires_grad
    tensor._version = [0]
    tensor._base = tensor._born = tensor._hooks = None
    return tensor


def tensor(
    data: Any, *, dtype: Any = None, device: str = "", requires_grad: bool = False
) -> Tensor:
    """A leaf that holds a copy of `data`: numbers, nested lists, an array or a tensor.

    Python floats become the default dtype (float32), integers int64; arrays keep
    theirs, and stay where they are if no device is named.
    """
    array = np.copy(as_array(data, dtype))
    return Tensor(to_device(array, device) if device else array, None, requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A leaf that shows the memory of `array`."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy wants an array, not {type(array).__name__}")
    return Tensor(array)
