# pattern: training/faults.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/faults.py --from <sub-project>
"""What to tell a person when training cannot go on."""

import math
from collections.abc import Callable
from typing import Any

from torch import nn

from ..utils.debug import first_nonfinite, first_nonfinite_gradient
from ..utils.errors import FaultError, InputError


def describe_divergence(
    model: nn.Module,
    compute_loss: Callable[[], Any],
    batch: dict[str, Any],
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
    names = batch.get("name", [])
    samples = ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")
    return f"{what} (first seen in {where}; batch: {samples})"


def explain(error: Exception, batch_size: int, last_good: str) -> Exception | None:
    """The error as one sentence if its cause is known."""
    text = str(error)
    if isinstance(error, InputError):
        # A loader worker wraps the sentence into its own traceback.
        return InputError(text.rsplit("InputError: ", 1)[-1].strip())
    if "DataLoader worker" in text:
        return FaultError(
            "a data worker was killed, usually for lack of memory: lower "
            f"data.workers or data.batch_size. {last_good}"
        )
    if type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text:
        return FaultError(
            f"out of memory at batch_size {batch_size}. Try data.batch_size="
            f"{max(batch_size // 2, 1)}, or --device cpu. {last_good}"
        )
    if "Timed out" in text or "Connection closed by peer" in text or "Timeout" in text:
        return FaultError(
            "another process of this job ended, hangs, or sent another shape. "
            f"{last_good} {text.splitlines()[0]}"
        )
    if isinstance(error, FaultError):
        return error
    return None
