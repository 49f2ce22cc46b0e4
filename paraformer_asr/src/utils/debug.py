# pattern: utils/debug.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/debug.py --from <sub-project>
"""Where did it become NaN, what do the activations look like, is the gradient right?

`python -m src.utils.debug --check-gradients` compares the gradient of every model with
central differences: in double precision, along random directions, at a tiny size.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


# local: begin


class _Logits(nn.Module):
    """A model that gives its logits alone, and is told all that it reads but sound."""

    def __init__(self, model: nn.Module, more: tuple[Tensor, ...]):
        super().__init__()
        self.model, self.more = model, more

    def forward(self, features: Tensor) -> Tensor:
        found = self.model(features, *self.more)
        parts = [found.ctc_logits.flatten()]
        if hasattr(found, "logits"):
            parts.append(found.logits.flatten())
        if hasattr(found, "counts"):
            parts.append(found.counts)
        return torch.cat(parts)


def models() -> Iterator[tuple[str, nn.Module, Tensor]]:
    """Every model of the sub-project with every encoder, tiny, with an input."""
    from typing import get_args

    from ..models import ModelConfig, build_model
    from ..models.encoder import Kind

    tiny = {
        "d_model": 8, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "ff": 8,
        "kernel": 3, "front_channels": 2, "alpha_bias": 0.0, "glance": 0.0,
    }  # fmt: skip
    features, lengths = torch.randn(2, 17, 3), torch.tensor([17, 9])
    said = (torch.randint(4, 7, (2, 3)), torch.tensor([3, 1]))
    kinds = [("paraformer", encoder) for encoder in get_args(Kind)]
    for name, encoder in [*kinds, ("transformer", "conformer"), ("ctc", "conformer")]:
        config = ModelConfig(name, encoder, **tiny)
        more = (lengths, *(said if name != "ctc" else ()))
        yield f"{name}_{encoder}", _Logits(build_model(config, 3, 7), more), features


# local: end


def first_nonfinite(model: nn.Module, call: Callable[[], Any]) -> str | None:
    """Name of the first module, as they are executed, whose output is not finite."""
    found: list[str] = []

    def look(name: str, output: Any) -> None:
        if not found and any(not tensor.isfinite().all() for tensor in _floats(output)):
            found.append(name)

    with _watch(model, look), torch.no_grad():
        call()
    return found[0] if found else None


def first_nonfinite_gradient(model: nn.Module) -> str | None:
    """Name of the bad parameter nearest to the loss: a NaN spreads towards the input.

    Parameters are taken to be registered in the order in which they are used.
    """
    for name, parameter in reversed(list(model.named_parameters())):
        if parameter.grad is not None and not parameter.grad.isfinite().all():
            return name
    return None


def activation_table(model: nn.Module, call: Callable[[], Any]) -> str:
    """Shape, mean, deviation and share of zeros of each output during `call()`."""
    rows = [("module", "shape", "mean", "std", "zeros")]

    def look(name: str, output: Any) -> None:
        for tensor in _floats(output):
            shape = "x".join(map(str, tensor.shape))
            rows.append(
                (name, shape, *_moments(tensor), f"{(tensor == 0).float().mean():.1%}")
            )

    with _watch(model, look), torch.no_grad():
        call()
    return _aligned(rows)


def gradient_table(model: nn.Module) -> str:
    """Norm of each parameter, of its gradient after a backward pass, the ratio."""
    rows = [("parameter", "norm", "gradient", "ratio")]
    for name, parameter in model.named_parameters():
        norm = parameter.detach().norm().item()
        if parameter.grad is None:
            rows.append((name, f"{norm:.3g}", "none", "-"))
            continue
        gradient = parameter.grad.norm().item()
        ratio = f"{gradient / norm:.3g}" if norm else "-"
        rows.append((name, f"{norm:.3g}", f"{gradient:.3g}", ratio))
    return _aligned(rows)


def gradient_error(model: nn.Module, inputs: Tensor, directions: int = 4) -> float:
    """Largest relative error of the gradient along random directions.

    Along a direction v the slope of f is <grad f, v>, and (f(x + hv) - f(x - hv)) / 2h
    by central differences; x is the input and all parameters, f a fixed random
    weighting of the output in evaluation mode. The best of three steps h counts: a kink
    of ReLU spoils one, a wrong gradient spoils all. Makes the model double precision.
    """
    model, random = model.double().eval(), torch.Generator().manual_seed(0)
    points = [p for p in model.parameters() if p.requires_grad]
    if inputs.is_floating_point():  # tokens have no gradient
        inputs = inputs.detach().double().requires_grad_()
        points.append(inputs)
    weight = _normal(model(inputs).shape, random)

    def value() -> Tensor:
        return (model(inputs) * weight).sum()

    gradient = torch.autograd.grad(value(), points, materialize_grads=True)
    count = sum(point.numel() for point in points)
    usual = (
        _dot(gradient, gradient).sqrt() / count**0.5
    )  # slope along a random direction
    worst = 0.0
    for _ in range(directions):
        direction = [_normal(point.shape, random) for point in points]
        direction = [part / count**0.5 for part in direction]  # of length about 1
        exact = _dot(gradient, direction)
        steps = (1e-5, 1e-6, 1e-7)
        errors = [abs(exact - _slope(value, points, direction, h)) for h in steps]
        worst = max(worst, (min(errors) / max(abs(exact), usual)).item())
    return worst


def check_gradients(tolerance: float = 1e-5) -> bool:
    """Print the error of each of `models()`; True if all are below the tolerance."""
    torch.manual_seed(0)
    rows, fine = [("model", "largest relative error", "gradient")], True
    for name, model, inputs in models():
        error = gradient_error(model, inputs)
        good = error < tolerance  # a NaN is not
        fine &= good
        rows.append((name, f"{error:.1e}", "ok" if good else "FAILED"))
    print(_aligned(rows))
    return fine


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        "python -m src.utils.debug", description="Checks of the models."
    )
    text = "compare the gradient of every model with central differences"
    parser.add_argument(
        "--check-gradients", action="store_true", required=True, help=text
    )
    parser.parse_args(arguments)
    torch.set_num_threads(1)  # tiny operations would wait for other threads
    return 0 if check_gradients() else 1


def _slope(
    value: Callable[[], Tensor], points: list[Tensor], direction: list[Tensor], h: float
) -> Tensor:
    """(f(x + hv) - f(x - hv)) / 2h; leaves the points where they were."""
    start = [point.detach().clone() for point in points]
    ends = []
    with torch.no_grad():
        for sign in (1, -1):
            for point, origin, part in zip(points, start, direction, strict=True):
                point.copy_(origin + sign * h * part)
            ends.append(value())
        for point, origin in zip(points, start, strict=True):
            point.copy_(origin)
    return (ends[0] - ends[1]) / (2 * h)


def _dot(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
    return sum(
        ((a * b).sum() for a, b in zip(left, right, strict=True)), torch.tensor(0.0)
    )


def _normal(shape: torch.Size, random: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=random, dtype=torch.float64)


@contextmanager
def _watch(model: nn.Module, look: Callable[[str, Any], None]) -> Iterator[None]:
    """Call `look(name, output)` after each module while inside."""
    handles = []
    for name, module in model.named_modules():
        title = name or type(model).__name__

        def hook(module, args, output, title=title):
            look(title, output)

        handles.append(module.register_forward_hook(hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _floats(value: Any) -> Iterator[Tensor]:
    """The floating tensors in an output, which may be a tuple, list or dict."""
    if isinstance(value, Tensor):
        if value.is_floating_point() and value.numel():
            yield value.detach()
    elif isinstance(value, (tuple, list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _floats(item)


def _moments(tensor: Tensor) -> tuple[str, str]:
    values = tensor.double()
    return f"{values.mean():.3g}", f"{values.std(correction=0):.3g}"


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    sys.exit(main())
