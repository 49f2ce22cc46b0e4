"""What a model does with one image, layer by layer: found out by running it.

Below autograd every network is a list of a few dozen kinds of operations, whoever wrote
them and however. A model on torch's `meta` device, which has shapes but no numbers, is
traced there; the first use of that device takes longer than most models take to run.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from .receptive_field import Field, follow, of_image


@dataclass
class Layer:
    """A module, without the modules in it."""

    name: str
    module: nn.Module
    parameters: int = 0
    """A parameter shared with an earlier layer is not counted again."""
    macs: int = 0
    """Multiplications, each with its addition, of one image in matrix products."""
    saved: int = 0
    """Bytes that one image more keeps from the forward to the backward pass."""
    shape: tuple[int, ...] = ()
    """Of the output, without the batch."""
    field: Field | None = None
    """What a place of the output sees; None where it does not see the image."""


def trace(
    model: nn.Module, channels: int, height: int, width: int, memory: bool = True
) -> list[Layer]:
    """The layers in the order in which they finish; the model itself is the last.

    Runs a copy that shares the weights, on their device: in evaluation mode for the
    operations and, with `memory`, in training mode for what is saved.
    """
    first = next(iter(model.parameters()), torch.empty(0))
    image = torch.zeros(1, channels, height, width, device=first.device)
    twin = _twin(model)
    layers = {name: Layer(name, module) for name, module in twin.named_modules()}
    _count_parameters(layers)
    order: list[str] = []
    cuda = [first.device] if first.is_cuda else []
    with torch.random.fork_rng(devices=cuda):
        with torch.no_grad(), _Operations(layers, order) as operations:
            operations.watch(twin.eval(), image)
        # Two images and three: the difference is without weights and statistics.
        for images, sign in ((2, -1), (3, 1)) if memory else ():
            several = image.repeat(images, 1, 1, 1)
            for name, size in _saved(twin.train(), several).items():
                layers[name].saved += sign * size
    return [layers[name] for name in order]


def _count_parameters(layers: dict[str, Layer]) -> None:
    seen: set[int] = set()
    for layer in layers.values():
        for parameter in layer.module.parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                layer.parameters += parameter.numel()


class _Operations(TorchDispatchMode):
    """Books each operation to the module that runs it."""

    def __init__(self, layers: dict[str, Layer], order: list[str]):
        super().__init__()
        self.layers, self.order, self.inside = layers, order, [""]
        self.fields: dict[int, Field] = {}
        self.alive: list[Tensor] = []  # an id stays that of one tensor

    def watch(self, model: nn.Module, image: Tensor) -> None:
        self._see(image, of_image(*image.shape[2:]))
        with _names_of_running(model, self.inside, self._finish):
            model(image)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: keeping the compiler away would import it, 1.4 seconds for nothing."""
        return False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        out = operation(*args, **(kwargs or {}))
        results = [r for r in _flat(out) if isinstance(r, Tensor)]
        self.layers[self.inside[-1]].macs += _macs(operation, args, results)
        fields = [self.fields[id(a)] for a in _flat(args) if id(a) in self.fields]
        if fields and results:
            seen = follow(operation, args, results[0], fields)
            for result in results:
                self._see(result, seen)
        return out

    def _see(self, tensor: Tensor, seen: Field) -> None:
        self.fields[id(tensor)] = seen
        self.alive.append(tensor)

    def _finish(self, name: str, out: object) -> None:
        if name in self.order:
            self.order.remove(name)
        self.order.append(name)
        first = next((r for r in _flat(out) if isinstance(r, Tensor)), None)
        if first is not None:
            layer = self.layers[name]
            layer.shape, layer.field = (
                tuple(first.shape[1:]),
                self.fields.get(id(first)),
            )


def _macs(operation, args: tuple, results: list[Tensor]) -> int:
    """Of convolutions and matrix products, as fvcore counts, and of nothing else."""
    kind = operation.overloadpacket
    aten = torch.ops.aten
    if kind == aten.convolution:
        return results[0].numel() * args[1][0].numel()
    if kind in (aten.mm, aten.bmm):
        return results[0].numel() * args[0].shape[-1]
    if kind in (aten.addmm, aten.baddbmm):
        return results[0].numel() * args[1].shape[-1]
    if "scaled_dot_product" in str(kind):
        query, key, value = args[:3]
        pairs = query.shape[:-1].numel() * key.shape[-2]
        return pairs * (query.shape[-1] + value.shape[-1])
    return 0


def _saved(model: nn.Module, images: Tensor) -> dict[str, int]:
    """Bytes of the storages that autograd keeps, by the module that is the first."""
    inside, kept, total = [""], {}, dict.fromkeys(dict(model.named_modules()), 0)

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in kept:
            kept[storage._cdata] = storage  # alive, so that no address is used twice
            total[inside[-1]] += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        with _names_of_running(model, inside, lambda name, out: None):
            out = model(images)
    del out  # alive until here
    return total


@contextmanager
def _names_of_running(model: nn.Module, inside: list[str], finish) -> Iterator[None]:
    """Keep in `inside` the names of the modules that run; call `finish(name, out)`."""
    handles = []
    for name, module in model.named_modules():

        def enter(module, args, name=name):
            inside.append(name)

        def leave(module, args, out, name=name):
            inside.pop()
            finish(name, out)

        handles += [module.register_forward_pre_hook(enter)]
        handles += [module.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _twin(model: nn.Module) -> nn.Module:
    """A copy with the same parameters and with its own buffers, hooks and mode."""
    return copy.deepcopy(model, {id(p): p for p in model.parameters()})


def _flat(value: object) -> Iterator[object]:
    """What is in nested tuples and lists."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from _flat(item)
    else:
        yield value
