"""Modules: a tree that knows its parameters, and the perceptron built from it."""

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self, get_args

from .dot import dot
from .scalar import Scalar


Activation = Literal["relu", "tanh", "sigmoid", "linear"]


class Parameter(Scalar):
    """A leaf that training changes: its module finds it."""

    __slots__ = ()


class Module:
    """A part of a model: its parameters are those of its attributes, at any depth.

    An attribute belongs to the tree if it is a Parameter, a Module, or a list, tuple or
    dict of such. They are looked up when asked for, so that a list may still grow.
    """

    training: bool = True

    def __call__(self, *args: Any) -> Any:
        """`forward` of the same arguments."""
        return self.forward(*args)

    def forward(self, *args: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, each once, in the order of their definition."""
        return (parameter for _, parameter in self.named_parameters())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Parameters with their paths, such as `layers.0.neurons.3.bias`."""
        return ((n, x) for n, x in self._tree() if isinstance(x, Parameter))

    def modules(self) -> Iterator["Module"]:
        """This module and all below it, each once."""
        yield self
        yield from (x for _, x in self._tree() if isinstance(x, Module))

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and below."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """The same as `train(False)`."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Set all gradients to zero: without it, `backward` adds to those of before."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def _tree(self) -> Iterator[tuple[str, "Parameter | Module"]]:
        """All members with their paths; one that is met again is left out."""
        seen: set[int] = {id(self)}
        waiting = _children("", vars(self))
        while waiting:
            path, value = waiting.pop()
            if isinstance(value, Parameter | Module | list | tuple | dict):
                if id(value) in seen:
                    continue
                seen.add(id(value))
            if isinstance(value, Parameter | Module):
                yield path, value
            if isinstance(value, Module):
                waiting += _children(f"{path}.", vars(value))
            elif isinstance(value, list | tuple):
                waiting += _children(f"{path}.", dict(enumerate(value)))
            elif isinstance(value, dict):
                waiting += _children(f"{path}.", value)
            elif isinstance(value, set | frozenset):
                _refuse_members(path, value)


class Neuron(Module):
    """activation(w . x + b); weights uniform in +-sqrt(6 / inputs), the bias zero.

    `fused=False` computes w . x + b from 2n operations instead of one.
    """

    def __init__(
        self,
        inputs: int,
        activation: Activation = "relu",
        *,
        rng: random.Random,
        fused: bool = True,
    ) -> None:
        _positive("inputs", inputs)
        if activation not in get_args(Activation):
            known = ", ".join(get_args(Activation))
            raise ValueError(f"Neuron: no activation {activation!r}; one of {known}")
        bound = math.sqrt(6 / inputs)  # He et al. 2015: the variance of relu layers
        self.weights = [Parameter(rng.uniform(-bound, bound)) for _ in range(inputs)]
        self.bias = Parameter(0.0)
        self.activation = activation
        self.fused = fused

    def forward(self, inputs: Sequence[Scalar | float]) -> Scalar:
        """The output for one number, or Scalar, an input."""
        if self.fused:
            total = dot(self.weights, inputs, self.bias)
        elif len(inputs) != len(self.weights):
            raise ValueError(
                f"Neuron: {len(self.weights)} weights and {len(inputs)} inputs; "
                "each weight needs one input"
            )
        else:
            total = self.bias
            for weight, each in zip(self.weights, inputs, strict=True):
                total = total + weight * each
        return (
            total if self.activation == "linear" else getattr(total, self.activation)()
        )


class Layer(Module):
    """Neurons side by side, each with the same inputs."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation = "relu",
        *,
        rng: random.Random,
        fused: bool = True,
    ) -> None:
        _positive("outputs", outputs)
        self.neurons = [
            Neuron(inputs, activation, rng=rng, fused=fused) for _ in range(outputs)
        ]

    def forward(self, inputs: Sequence[Scalar | float]) -> list[Scalar]:
        """One output a neuron."""
        return [neuron(inputs) for neuron in self.neurons]


class MLP(Module):
    """A multi-layer perceptron: `MLP(2, [16, 16, 1])`; the last layer is linear."""

    def __init__(
        self,
        inputs: int,
        sizes: Sequence[int],
        activation: Activation = "relu",
        *,
        seed: int = 0,
        fused: bool = True,
    ) -> None:
        if not sizes:
            raise ValueError("MLP: sizes is empty; give the outputs of each layer")
        rng = random.Random(seed)
        kinds = [activation] * (len(sizes) - 1) + ["linear"]
        self.layers = [
            Layer(fan_in, size, kind, rng=rng, fused=fused)
            for fan_in, size, kind in zip([inputs, *sizes], sizes, kinds, strict=False)
        ]

    def forward(self, inputs: Sequence[Scalar | float]) -> list[Scalar]:
        """One output a neuron of the last layer."""
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs


def _children(prefix: str, members: dict) -> list[tuple[str, Any]]:
    """Members with their paths, last one first, to be popped in order."""
    return [(f"{prefix}{name}", value) for name, value in members.items()][::-1]


def _refuse_members(path: str, value: set | frozenset) -> None:
    if any(isinstance(each, Parameter | Module) for each in value):
        raise TypeError(f"{path} is a set, which has no order; use a list or a dict")


def _positive(what: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{what} is {value}; it must be at least 1")
