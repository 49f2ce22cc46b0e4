"""Modules: parameters in a tree, found by being assigned to attributes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..engine.dtypes import FLOATS
from ..engine.grad_mode import no_grad
from ..engine.tensor import Tensor


class Parameter(Tensor):
    """A tensor that a module learns: assigned to an attribute, it is registered."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad=requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Module:
    """Base of all layers and networks: `forward` computes, attributes are the parts."""

    def __init__(self) -> None:
        self._parameters: dict[str, Parameter | None] = {}
        self._buffers: dict[str, Tensor | None] = {}
        self._modules: dict[str, Module] = {}
        self.training = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} states no forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        table = "_parameters" if isinstance(value, Parameter) else None
        table = "_modules" if isinstance(value, Module) else table
        held = next((t for t in TABLES if name in self.__dict__.get(t, ())), None)
        if table is not None:
            self._register(table, name, value)
        elif held is not None:
            self._register(held, name, value)
        else:
            self.__dict__[name] = value

    def _register(self, table: str, name: str, value: Any) -> None:
        """Put into one table, out of all others; nothing is lost silently."""
        owner, kind = type(self).__name__, TABLES[table]
        if table not in self.__dict__:
            raise AttributeError(
                f"{owner}: call super().__init__() before assigning {name!r}"
            )
        if not isinstance(name, str) or "." in name or not name:
            raise KeyError(f"{owner}: {name!r} is no name: a text without a dot")
        if value is not None and not isinstance(value, kind):
            raise TypeError(
                f"{owner}.{name} holds a {kind.__name__}, not a {type(value).__name__}"
            )
        self.__dict__.pop(name, None)
        for other in TABLES:
            if other != table:
                self.__dict__[other].pop(name, None)
        self.__dict__[table][name] = value

    def __getattr__(self, name: str) -> Any:
        for table in TABLES:
            if name in self.__dict__.get(table, ()):
                return self.__dict__[table][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for table in TABLES:
            if name in self.__dict__.get(table, ()):
                del self.__dict__[table][name]
                return
        object.__delattr__(self, name)

    def register_parameter(self, name: str, value: Parameter | None) -> None:
        """Name a parameter; None for one that this module does without."""
        self._register("_parameters", name, value)

    def register_buffer(self, name: str, value: Tensor | None) -> None:
        """Name a tensor that is saved with the parameters but not learned."""
        self._register("_buffers", name, value)

    def add_module(self, name: str, module: "Module | None") -> None:
        """Name a module below this one."""
        self._register("_modules", name, module)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """This module and all below, each once, with dotted names."""
        seen: set[int] = set()
        stack = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield name, module
            below = [(_join(name, n), m) for n, m in module.named_children()]
            stack.extend(reversed(below))

    def modules(self) -> Iterator["Module"]:
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules right below, with their names."""
        return ((n, m) for n, m in self._modules.items() if m is not None)

    def children(self) -> Iterator["Module"]:
        return (module for _, module in self.named_children())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter once, also where two modules share it."""
        return self._named("_parameters")

    def parameters(self) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Every buffer once."""
        return self._named("_buffers")

    def buffers(self) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers())

    def _named(self, table: str) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, tensor in module.__dict__[table].items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield _join(prefix, name), tensor

    def train(self, mode: bool = True) -> "Module":
        """Behave as in training: dropout drops, batch norm uses the batch."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        """Behave as when used: `train(False)`."""
        return self.train(False)

    def apply(self, fn: Callable[["Module"], Any]) -> "Module":
        """Call `fn` on this module and on all below."""
        for module in self.modules():
            fn(module)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> "Module":
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def to(self, target: Any) -> "Module":
        """Bring parameters and buffers to a device, or those of floats to a dtype.

        In place; gradients go along. TypeError for a dtype that is not of floats.
        """
        device = isinstance(target, str)
        if not device and np.dtype(target) not in FLOATS:
            raise TypeError(f"a module has parameters of floats, not of {target}")
        with no_grad():
            for tensor in [*self.parameters(), *self.buffers()]:
                if device or tensor.is_floating_point():
                    tensor.data = tensor.detach().to(target).data
                    if tensor.grad is not None:
                        tensor.grad = tensor.grad.detach().to(target)
        return self

    def float(self) -> "Module":
        return self.to(np.float32)

    def double(self) -> "Module":
        return self.to(np.float64)

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of every parameter and buffer by its dotted name, shared ones too."""
        return {name: np.array(_on_cpu(tensor)) for name, tensor in self._named_state()}

    def _named_state(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        for table in (self._parameters, self._buffers):
            for name, tensor in table.items():
                if tensor is not None:
                    yield _join(prefix, name), tensor
        for name, module in self.named_children():
            yield from module._named_state(_join(prefix, name))

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Copy the values of `state` into this module's own tensors.

        Raises RuntimeError that lists every missing, unknown and misshapen name; then
        nothing was changed. `strict=False` skips missing and unknown names.
        """
        own = dict(self._named_state())
        new = {name: Tensor(state[name]) for name in own if name in state}
        faults = [
            f"{name}: shape {tensor.shape} where {own[name].shape} is expected"
            for name, tensor in new.items()
            if tensor.shape != own[name].shape
        ]
        if strict:
            faults += [f"{name}: missing" for name in own if name not in state]
            faults += [f"{name}: unknown" for name in state if name not in own]
        if faults:
            told = "\n  ".join(faults)
            raise RuntimeError(
                f"this state does not fit {type(self).__name__}:\n  {told}"
            )
        with no_grad():
            for name, tensor in new.items():
                own[name].copy_(tensor)

    def extra_repr(self) -> str:
        """What the line of this module says between its parentheses."""
        return ""

    def __repr__(self) -> str:
        lines = [
            f"  ({name}): " + repr(module).replace("\n", "\n  ")
            for name, module in self.named_children()
        ]
        head = f"{type(self).__name__}({self.extra_repr()}"
        return "\n".join([head, *lines, ")"]) if lines else head + ")"


def _on_cpu(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


TABLES = {"_parameters": Parameter, "_buffers": Tensor, "_modules": Module}
"""Where a module keeps what it registered, and of which kind that is."""
