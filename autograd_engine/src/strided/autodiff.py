"""Which operation made a tensor, and how gradients travel back through it.

An operation is a `Function` with a static `forward` and `backward`, as in MiniTorch.
Only tensors that ask for gradients get a history: numbers and data are constants, which
are leaves without a gradient, and need nothing from whoever writes an operation.
"""

from collections.abc import Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .tensor_data import TensorData


if TYPE_CHECKING:
    from .tensor import Tensor
    from .tensor_ops import TensorOps


class Context:
    """What `forward` leaves for `backward`: tensors, or attributes of any kind."""

    def __init__(self, ops: "TensorOps", needs: tuple[bool, ...]) -> None:
        self.ops = ops
        self.out_ops = ops  # where the result lies
        self.needs = needs  # for each tensor argument: does it need a gradient?
        self.saved: tuple = ()

    def save_for_backward(self, *tensors: "Tensor") -> None:
        """Keep the values without their history."""
        self.saved = tuple(tensor.detach() for tensor in tensors)


class History:
    """The last operation that made a tensor: its rule, context and tensor arguments."""

    __slots__ = ("function", "context", "inputs")

    def __init__(self, function: type, context: Context, inputs: tuple) -> None:
        self.function = function
        self.context: Context | None = context  # None after a backward freed it
        self.inputs = inputs


class Function:
    """An operation on tensors; subclasses say how it is computed and differentiated."""

    differentiable = True  # comparisons are not: their results are constants

    def __init_subclass__(cls) -> None:
        for name in ("forward", "backward"):  # static, whether or not they say so
            if isinstance(cls.__dict__.get(name), FunctionType):
                setattr(cls, name, staticmethod(cls.__dict__[name]))

    @staticmethod
    def forward(ctx: Context, *args: Any) -> TensorData:
        """The value. Arguments are the tensors and plain values given to `apply`."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: Context, grad: "Tensor") -> "tuple[Tensor | None, ...] | Tensor":
        """A gradient for each tensor argument, in its shape or the broadcast one.

        Plain values get none. A single gradient may come without the tuple.
        """
        raise NotImplementedError

    @classmethod
    def apply(cls, first: "Tensor", *others: Any) -> "Tensor":
        """Compute, and record the history if an argument asks for gradients."""
        args = (first, *others)
        inputs = tuple(arg for arg in args if isinstance(arg, type(first)))
        for tensor in inputs:
            if tensor.ops is not first.ops:
                raise RuntimeError(
                    f"{cls.__name__.lower()}: one tensor is on backend "
                    f"{first.backend!r} and another on {tensor.backend!r}; "
                    "move one with .to(backend)"
                )
        needs = tuple(tensor.requires_grad for tensor in inputs)
        ctx = Context(first.ops, needs)
        data = cls.forward(ctx, *args)
        records = cls.differentiable and any(needs)
        history = History(cls, ctx, inputs) if records else None
        return first.derived(data, history, ctx.out_ops)


def topological_order(last: "Tensor") -> Iterator["Tensor"]:
    """From `last` to the leaves, each tensor after all tensors that were made from it.

    Counts the uses of each tensor on the way down and gives it out when the last use is
    done; a stack instead of recursion, so that long graphs need no deep calls.
    """
    uses, stack = {id(last): 1}, [last]
    while stack:
        for parent in _parents(stack.pop()):
            if id(parent) not in uses:
                uses[id(parent)] = 0
                stack.append(parent)
            uses[id(parent)] += 1
    ready = [last]
    while ready:
        tensor = ready.pop()
        yield tensor
        for parent in _parents(tensor):
            uses[id(parent)] -= 1
            if uses[id(parent)] == 0:
                ready.append(parent)


def backpropagate(last: "Tensor", gradient: "Tensor", retain_graph: bool) -> None:
    """Add to `.grad` of every leaf; those on the way live in a dict and are freed."""
    grads = {id(last): gradient}
    order = list(topological_order(last))
    if any(tensor.history and tensor.history.context is None for tensor in order):
        raise RuntimeError(
            "backward: this graph was freed by an earlier backward; "
            "pass retain_graph=True to the first one to go through it twice"
        )
    for tensor in order:
        grad = grads.pop(id(tensor), None)
        if grad is None:
            continue
        if tensor.history is None:
            known = tensor.grad
            tensor.grad = grad.detach() if known is None else known + grad
            continue
        for parent, part in _parts(tensor.history, grad):
            known = grads.get(id(parent))
            grads[id(parent)] = part if known is None else known + part
        if not retain_graph:
            tensor.history.context = None


def expand(grad: "Tensor", shape: tuple[int, ...]) -> "Tensor":
    """The gradient of an argument that was broadcast: the sum over its copies."""
    for _ in range(grad.ndim - len(shape)):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1 and grad.shape[axis] != 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


def _parents(tensor: "Tensor") -> list["Tensor"]:
    inputs = () if tensor.history is None else tensor.history.inputs
    return [parent for parent in inputs if parent.requires_grad]


def _parts(history: History, grad: "Tensor") -> Iterator[tuple["Tensor", "Tensor"]]:
    """What each tensor argument that asks for it receives, in its own shape."""
    grads = history.function.backward(history.context, grad)
    grads = grads if isinstance(grads, tuple) else (grads,)
    if len(grads) != len(history.inputs):
        raise RuntimeError(
            f"{history.function.__name__}.backward gave {len(grads)} gradients for "
            f"{len(history.inputs)} tensor arguments"
        )
    for tensor, part in zip(history.inputs, grads, strict=True):
        if tensor.requires_grad and part is not None:
            part = expand(part, tensor.shape)
            if part.shape != tensor.shape:
                raise RuntimeError(
                    f"{history.function.__name__}.backward gave a gradient of shape "
                    f"{part.shape} for an argument of shape {tensor.shape}"
                )
            yield tensor, part
