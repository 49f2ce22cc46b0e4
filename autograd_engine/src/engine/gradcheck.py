"""Is a gradient right? Compare it with central differences, and say what is wrong.

    d f_j / d x_i  ~  (f_j(x + h e_i) - f_j(x - h e_i)) / 2h

In float64 the difference is good to about 1e-9, so that a wrong factor cannot hide.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .backward import grad
from .grad_mode import no_grad
from .tensor import Tensor


class GradcheckError(AssertionError):
    """A gradient differs from the difference quotient; says where and guesses why."""


def gradcheck(
    fn: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Whether the gradients of `fn(*inputs)` are those of central differences.

    Inputs are float64; those that require gradients are checked, each element against
    each element of each output. Raises GradcheckError that names the input, the
    element, both values, their ratio and the likely cause, or returns False.
    """
    fault = _fault(fn, _sequence(inputs), eps, atol, rtol)
    if fault is not None and raise_exception:
        raise GradcheckError(fault)
    return fault is None


def gradgradcheck(
    fn: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """`gradcheck` of the gradient of `fn`: are the second derivatives right?"""
    inputs = _sequence(inputs)
    with no_grad():
        shapes = [out.shape for out in _sequence(fn(*inputs))]
    draw = np.random.default_rng(0).normal
    weights = [Tensor(np.asarray(draw(size=s)), requires_grad=True) for s in shapes]
    first = [t for t in inputs if t.requires_grad]

    def gradient(*args: Tensor) -> tuple[Tensor, ...]:
        given = args[: len(inputs)]
        found = grad(
            _sequence(fn(*given)),
            [t for t in given if t.requires_grad],
            args[len(inputs) :],
            create_graph=True,
            allow_unused=True,
        )
        return tuple(
            t * 0 if g is None else g for g, t in zip(found, first, strict=True)
        )

    return gradcheck(
        gradient,
        [*inputs, *weights],
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
    )


def _fault(
    fn, inputs: list[Tensor], eps: float, atol: float, rtol: float
) -> str | None:
    wanted = [i for i, t in enumerate(inputs) if t.requires_grad]
    if not wanted:
        raise ValueError("gradcheck: no input requires gradients")
    for i in wanted:
        if inputs[i].dtype != np.float64:
            raise ValueError(
                f"gradcheck: input {i} is {inputs[i].dtype}; differences need float64"
            )
    outputs = _sequence(fn(*inputs))
    for i in wanted:
        analytic = [_analytic(out, inputs[i]) for out in outputs]
        numeric = _numeric(fn, inputs, i, eps)
        for k, (a, n) in enumerate(zip(analytic, numeric, strict=True)):
            bad = ~np.isclose(a, n, atol=atol, rtol=rtol, equal_nan=True)
            if bad.any():
                return _explain(i, k, inputs[i].shape, outputs[k].shape, a, n, bad)
    return None


def _analytic(out: Tensor, x: Tensor) -> np.ndarray:
    """The Jacobian (elements of `x`, elements of `out`) by one backward a column."""
    columns = np.zeros((x.numel(), out.numel()))
    if not out.requires_grad:
        return columns
    for j in range(out.numel()):
        start = np.zeros(out.shape)
        start.reshape(-1)[j] = 1
        (found,) = grad(out, x, Tensor(start), retain_graph=True, allow_unused=True)
        if found is not None:
            columns[:, j] = found.data.reshape(-1)
    return columns


def _numeric(fn, inputs: list[Tensor], index: int, eps: float) -> list[np.ndarray]:
    """The Jacobians of all outputs by central differences."""
    values = np.array(inputs[index].data)
    rows: list[list[np.ndarray]] = []

    def evaluate() -> list[np.ndarray]:
        moved = Tensor(values.copy(), requires_grad=True)
        given = [*inputs[:index], moved, *inputs[index + 1 :]]
        return [np.array(o.data, np.float64).reshape(-1) for o in _sequence(fn(*given))]

    flat = values.reshape(-1)
    for element in range(flat.size):
        kept = flat[element]
        flat[element] = kept + eps
        above = evaluate()
        flat[element] = kept - eps
        below = evaluate()
        flat[element] = kept
        rows.append([(a - b) / (2 * eps) for a, b in zip(above, below, strict=True)])
    if not rows:
        return [np.zeros((0, o.size)) for o in evaluate()]
    return [np.stack(columns) for columns in zip(*rows, strict=True)]


def _explain(index: int, output: int, shape, out_shape, a, n, bad) -> str:
    row, column = (int(k) for k in np.argwhere(bad)[0])
    element = tuple(int(k) for k in np.unravel_index(row, shape)) if shape else ()
    at = tuple(int(k) for k in np.unravel_index(column, out_shape)) if out_shape else ()
    analytic, numeric = a[row, column], n[row, column]
    ratio = f", ratio {analytic / numeric:.6g}" if numeric else ""
    return (
        f"the gradient of output {output}{list(at)} for input {index}{list(element)} "
        f"is {analytic:.8g}, the difference quotient {numeric:.8g}{ratio} "
        f"({int(bad.sum())} of {bad.size} entries differ). "
        + _cause(a, n, bad, out_shape)
    )


def _cause(a: np.ndarray, n: np.ndarray, bad: np.ndarray, out_shape) -> str:
    """What a wrong gradient of this pattern usually comes from."""
    analytic, numeric = a[bad], n[bad]
    if np.isnan(analytic).any():
        return "Likely cause: 0/0 or inf-inf in the rule; look with detect_anomaly()."
    if not analytic.any():
        return "Likely cause: no gradient arrives (detach(), no_grad, .data, or None)."
    if not np.abs(numeric).min() > 0:
        return (
            "Likely cause: a gradient where the function does not depend on the input."
        )
    ratios = analytic / numeric
    if np.ptp(ratios) > 1e-3 * abs(ratios[0]):
        return "Likely cause: the rule itself; the ratio differs from entry to entry."
    ratio = float(ratios.mean())
    if abs(ratio + 1) < 1e-3:
        return "Likely cause: the sign."
    if ratio > 1.5 and abs(ratio - round(ratio)) < 1e-3:
        return f"Likely cause: counted {round(ratio)} times (once is right)."
    if any(s > 1 and abs(ratio * s - 1) < 1e-3 for s in (*out_shape, a.shape[1])):
        return (
            "Likely cause: missing unbroadcast: the gradient is averaged, or taken "
            "from one place, where the broadcast axis has to be summed."
        )
    return f"Likely cause: a constant factor {ratio:.6g}."


def _sequence(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else list(value)
