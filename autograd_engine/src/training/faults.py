"""What to tell a person when training cannot go on."""

import math
from collections.abc import Callable
from typing import Any

from .. import nn
from ..utils.atomic import is_disk_full
from ..utils.errors import DivergedError, FaultError, InputError
from .debug import first_nonfinite, first_nonfinite_gradient


def describe_divergence(
    model: nn.Module,
    compute_loss: Callable[[], Any],
    samples: list[int],
    loss: float,
    norm: float,
) -> str:
    """What is not finite, the first tensor where it is seen, and the samples."""
    if math.isfinite(loss):
        what = f"the gradient norm is {norm}"
        where = first_nonfinite_gradient(model)
    else:
        what = f"loss is {loss}"
        where = first_nonfinite(model, compute_loss) or "the loss itself"
    shown = ", ".join(map(str, samples[:8])) + (", ..." if len(samples) > 8 else "")
    return (
        f"{what} (first seen in {where}; training samples {shown}). The update was not "
        "made. Look at those samples, or lower optim.lr."
    )


def explain(error: Exception, batch_size: int, last_good: str) -> Exception | None:
    """The error as one sentence if its cause is known."""
    text = str(error)
    if is_disk_full(error):
        return FaultError(f"disk full: {text}. {last_good}")
    if text.startswith("the backward of ") and " gave NaN " in text:  # debug: true
        return DivergedError(f"the backward pass made a NaN: {text}. {last_good}")
    if isinstance(error, MemoryError):
        return FaultError(
            f"out of memory at batch_size {batch_size}. Try data.batch_size="
            f"{max(batch_size // 2, 1)}. {last_good}"
        )
    if isinstance(error, FaultError):
        return FaultError(f"{text}. {last_good}")
    return InputError(text) if isinstance(error, InputError) else None
