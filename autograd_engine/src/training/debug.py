"""Where did it become NaN, what do the activations look like, is the gradient right?"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import nn
from ..engine.backward import grad
from ..engine.grad_mode import no_grad
from ..engine.tensor import Tensor


def first_nonfinite(model: nn.Module, call: Callable[[], Any]) -> str | None:
    """Name of the first module, as they are executed, whose output is not finite."""
    found: list[str] = []

    def look(name: str, output: Any) -> None:
        if not found and not all(np.isfinite(a).all() for a in _floats(output)):
            found.append(name)

    with _watch(model, look), no_grad(), np.errstate(all="ignore"):
        call()
    return found[0] if found else None


def first_nonfinite_gradient(model: nn.Module) -> str | None:
    """Name of the bad parameter nearest to the loss: a NaN spreads towards the input.

    Parameters are taken to be registered in the order in which they are used.
    """
    for name, parameter in reversed(list(model.named_parameters())):
        if parameter.grad is not None and not _finite(parameter.grad):
            return name
    return None


def activation_table(model: nn.Module, call: Callable[[], Any]) -> str:
    """Shape, mean, deviation and share of zeros of each output during `call()`."""
    rows = [("module", "shape", "mean", "std", "zeros")]

    def look(name: str, output: Any) -> None:
        for array in _floats(output):
            shape = "x".join(map(str, array.shape))
            mean, std = array.mean(dtype=np.float64), array.std(dtype=np.float64)
            zeros = f"{(array == 0).mean():.1%}"
            rows.append((name, shape, f"{mean:.3g}", f"{std:.3g}", zeros))

    with _watch(model, look), no_grad():
        call()
    return aligned(rows)


def gradient_table(model: nn.Module) -> str:
    """Norm of each parameter, of its gradient after a backward pass, the ratio."""
    rows = [("parameter", "norm", "gradient", "ratio")]
    for name, parameter in model.named_parameters():
        norm = _norm(parameter)
        if parameter.grad is None:
            rows.append((name, f"{norm:.3g}", "none", "-"))
            continue
        gradient = _norm(parameter.grad)
        ratio = f"{gradient / norm:.3g}" if norm else "-"
        rows.append((name, f"{norm:.3g}", f"{gradient:.3g}", ratio))
    return aligned(rows)


def gradient_error(
    model: nn.Module,
    inputs: Sequence[Tensor],
    directions: int = 4,
    of_inputs: bool = True,
) -> float:
    """Largest relative error of the gradient along random directions.

    Along a direction v the slope of f is <grad f, v>, and (f(x + hv) - f(x - hv)) / 2h
    by central differences; x is all parameters and, if `of_inputs`, the first input, f
    a fixed random weighting of the output in evaluation mode. The best of three steps h
    counts: a kink of ReLU spoils one, a wrong gradient spoils all. Makes the model
    double precision.
    """
    model, random = model.double().eval(), np.random.default_rng(0)
    points = [p for p in model.parameters() if p.requires_grad]
    inputs = list(inputs)
    if of_inputs and inputs[0].is_floating_point():  # tokens have no gradient
        inputs[0] = inputs[0].detach().double().requires_grad_()
        points.append(inputs[0])
    weight = Tensor(random.standard_normal(model(*inputs).shape))

    def value() -> Tensor:
        return (model(*inputs) * weight).sum()

    found = grad(value(), points, allow_unused=True)
    zero = [np.zeros(point.shape) for point in points]
    gradient = [z if g is None else g.data for g, z in zip(found, zero, strict=True)]
    count = sum(point.numel() for point in points)
    usual = np.sqrt(_dot(gradient, gradient) / count)  # slope of a random direction
    worst = 0.0
    for _ in range(directions):
        direction = [random.standard_normal(p.shape) / count**0.5 for p in points]
        exact = _dot(gradient, direction)
        slopes = [_slope(value, points, direction, h) for h in (1e-5, 1e-6, 1e-7)]
        error = min(abs(exact - slope) for slope in slopes)
        worst = max(worst, error / max(abs(exact), usual))
    return float(worst)


def _slope(
    value: Callable[[], Tensor], points: list[Tensor], direction: list, h: float
) -> float:
    """(f(x + hv) - f(x - hv)) / 2h; leaves the points where they were."""
    start, ends = [point.data for point in points], []
    with no_grad():
        for sign in (1, -1):
            for point, origin, part in zip(points, start, direction, strict=True):
                point.data = origin + sign * h * part
            ends.append(value().item())
        for point, origin in zip(points, start, strict=True):
            point.data = origin
    return (ends[0] - ends[1]) / (2 * h)


def _dot(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> float:
    return float(sum((a * b).sum() for a, b in zip(left, right, strict=True)))


@contextmanager
def _watch(model: nn.Module, look: Callable[[str, Any], None]) -> Iterator[None]:
    """Call `look(name, output)` after each module while inside."""
    watched = [module for _, module in model.named_modules()]
    for name, module in model.named_modules():
        title = name or type(model).__name__

        def forward(*args, _plain=module.forward, _title=title, **kwargs):
            output = _plain(*args, **kwargs)
            look(_title, output)
            return output

        module.__dict__["forward"] = forward  # before that of the class
    try:
        yield
    finally:
        for module in watched:
            module.__dict__.pop("forward", None)


def _floats(value: Any) -> Iterator[np.ndarray]:
    """The floating arrays in an output, which may be a tuple, list or dict."""
    if isinstance(value, Tensor):
        if value.is_floating_point() and value.numel():
            yield value.detach().to("cpu").numpy()
    elif isinstance(value, (tuple, list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _floats(item)


def _finite(tensor: Tensor) -> bool:
    return bool(np.isfinite(tensor.detach().to("cpu").numpy()).all())


def _norm(tensor: Tensor) -> float:
    return float(np.linalg.norm(tensor.detach().to("cpu").numpy()))


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Columns of equal width, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
