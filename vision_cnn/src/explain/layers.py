"""Look into a network: the outputs of its layers by name, and nothing left behind.

A hook that is not removed keeps every later batch alive, and an in-place ReLU behind a
layer overwrites what was recorded of it. So the hooks live as long as one forward pass,
and the network goes on with a copy of what was recorded.
"""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.errors import InputError


class Captured(NamedTuple):
    logits: Tensor
    outputs: dict[str, Tensor]
    """By name, as the layer gave them; `torch.autograd.grad` can ask for each."""


@contextmanager
@contract
def capture(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    names: Sequence[str],
) -> Iterator[Captured]:
    """Run `model` once in eval mode and give the outputs of the layers in `names`.

    `with capture(model, image, ["conv1"]) as seen: seen.outputs["conv1"]`. The hooks
    are gone when the body begins, the modes of the layers are back when it ends, also
    after an exception. A layer that runs twice gives its last output. Raises InputError
    for a name that the model has not and for a layer without one tensor as output.
    """
    with evaluating(model):
        outputs: dict[str, Tensor] = {}
        handles = []
        try:
            for name in names:
                layer = find_layer(model, name)
                hook = _recorder(name, outputs)
                handles.append(layer.register_forward_hook(hook))
            logits = model(image)
        finally:
            for handle in handles:
                handle.remove()
        for name in names:
            if name not in outputs:
                raise InputError(
                    f"layer {name!r} of {type(model).__name__} gave no tensor when the "
                    f"model ran. These do: {', '.join(layer_shapes(model, image))}"
                )
        yield Captured(logits, outputs)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode inside; each layer has its own mode again afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """The layer of this dotted name; raises InputError, with the nearest names."""
    layers = {path: layer for path, layer in model.named_modules() if path}
    if name in layers:
        return layers[name]
    near = difflib.get_close_matches(name, layers, 3, 0.3) or [*layers][:3]
    raise InputError(
        f"layer {name[:60]!r} is not one of {type(model).__name__}; "
        f"did you mean {' or '.join(near)}?"
    )


@contract
def layer_shapes(
    model: nn.Module, image: Float[Tensor, "batch channel height width"]
) -> dict[str, tuple[int, ...]]:
    """Shape of each layer's output by dotted name, in the order in which they finish.

    A container finishes behind its parts. Layers that give no single tensor are left
    out, and so is the model itself.
    """
    with torch.no_grad():
        return {name: tuple(out.shape) for name, out in _run(model, image)[1].items()}


@contract
def last_spatial_layer(
    model: nn.Module, image: Float[Tensor, "batch channel height width"]
) -> str:
    """The deepest layer with more than one position: the default layer of Grad-CAM.

    The last to finish of those whose output is a map (see `as_map`) of several
    positions, and on which the highest logit depends at more than one of them. That
    condition is for transformers that read a class token: behind the last attention the
    other tokens no longer count and each map would be zero. Linear layers do not count:
    they are parts of a block. If the logit depends on nothing, the last map is taken.
    Raises InputError for a model without any map.
    """
    with torch.enable_grad():
        image = image.detach().requires_grad_()  # so that frozen models have gradients
        logits, outputs = _run(model, image)
        names = _names_of_maps(model, outputs, image)
        if not names:
            raise InputError(
                f"{type(model).__name__} has no layer with more than one position for "
                f"images of {image.shape[2]}x{image.shape[3]}: Grad-CAM needs one. "
                "Use larger images or another method."
            )
        gradients = torch.autograd.grad(
            logits.amax(1).sum(), [outputs[name] for name in names], allow_unused=True
        )
    for name, gradient in reversed(list(zip(names, gradients, strict=True))):
        if gradient is not None:
            counts = as_map(gradient, image).abs().amax((0, 1)) > 0
            if counts.sum() > 1:
                return name
    return names[-1]


@contract
def as_map(
    output: Float[Tensor, "batch ..."],
    image: Float[Tensor, "batch channel height width"],
) -> Float[Tensor, "batch features rows columns"] | None:
    """A layer's output as maps on the grid of its positions, or None if it has none.

    Four axes are maps, with the channels last where only the axes before have the
    image's proportions, as inside the blocks of ConvNeXt. Three are tokens of patches
    (batch tokens d_model), perhaps behind one class token: the patch is the square that
    cuts the image into as many.
    """
    height, width = image.shape[2:]
    if output.ndim == 4:
        _, first, second, third = output.shape
        last = _alike(first / second, height / width)
        last = last and not _alike(second / third, height / width)
        return output.movedim(3, 1) if last else output
    if output.ndim != 3:
        return None
    for patch in range(1, min(height, width) + 1):
        rows, columns = height // patch, width // patch
        extra = output.shape[1] - rows * columns
        if extra in (0, 1) and height % patch == width % patch == 0:
            return output[:, extra:].transpose(1, 2).unflatten(2, (rows, columns))
    return None


def _alike(a: float, b: float) -> bool:
    """Whether two proportions are one, but for borders that were lost."""
    return 2 / 3 < a / b < 3 / 2


def _names_of_maps(
    model: nn.Module, outputs: dict[str, Tensor], image: Tensor
) -> list[str]:
    """Layers with more than one position; weights of attention are no maps of it."""
    tokens = {out.shape[1] for out in outputs.values() if out.ndim == 3}
    names = []
    for name, output in outputs.items():
        grid = as_map(output, image)
        several = grid is not None and grid.shape[2] * grid.shape[3] > 1
        attention = output.ndim == 4 and output.shape[2] == output.shape[3] in tokens
        linear = isinstance(model.get_submodule(name), nn.Linear)
        if several and not attention and not linear:
            names.append(name)
    return names


def _run(model: nn.Module, image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits, and the output of each layer in the order in which they finish."""
    outputs: dict[str, Tensor] = {}
    handles = []
    with evaluating(model):
        try:
            for name, module in model.named_modules():
                if name:
                    hook = _recorder(name, outputs)
                    handles.append(module.register_forward_hook(hook))
            logits = model(image)
        finally:
            for handle in handles:
                handle.remove()
    return logits, outputs


def _recorder(name: str, outputs: dict[str, Tensor]):
    def record(module, args, output):
        if not isinstance(output, Tensor):
            return None
        outputs.pop(name, None)  # a layer that runs again stands where it ran last
        outputs[name] = output
        return output.clone()  # what comes next may write into it

    return record
