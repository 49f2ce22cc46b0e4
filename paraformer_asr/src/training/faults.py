# pattern: training/faults.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/faults.py --from <sub-project>
"""What to tell a person when training cannot go on."""

import math
import re
import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..utils.atomic import is_disk_full
from ..utils.debug import first_nonfinite, first_nonfinite_gradient
from ..utils.distributed import gather
from ..utils.errors import DivergedError, FaultError, InputError


def describe_divergence(
    model: nn.Module,
    compute_loss: Callable[[], Any],
    batch: dict[str, Any],
    loss: float,
    norm: float,
) -> str:
    """What is not finite, the first tensor where it is seen, and the samples.

    Every rank must call this, and gets the words of the one with the bad loss: the
    others only see its gradient.
    """
    if math.isfinite(loss):
        what = f"the gradient norm is {norm}"
        where = first_nonfinite_gradient(model)
    else:
        what = f"loss is {loss}"
        where = first_nonfinite(model, compute_loss) or "the loss itself"
    names = batch.get("name", [])
    samples = ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")
    batch_is = f"; batch: {samples}" if names else ""
    text = (
        f"{what} (first seen in {where}{batch_is}). The update was not made. "
        f"{'Look at those samples, or lower' if names else 'Lower'} optim.lr."
    )
    return min(gather((math.isfinite(loss), text)))[1]


def is_out_of_memory(error: Exception) -> bool:
    """Whether the CPU or an accelerator had no room for a tensor."""
    known = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    return known or "can't allocate memory" in str(error)


def is_lost_worker(error: Exception) -> bool:
    """Whether a data worker died: torch says so, or a pipe to it broke before that."""
    if "DataLoader worker (pid" in str(error):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    by_pipe = any("multiprocessing" in frame.filename for frame in frames)
    return by_pipe and isinstance(error, (OSError, EOFError))


def explain(error: Exception, batch_size: int, last_good: str) -> Exception | None:
    """The error as one sentence if its cause is known."""
    text = str(error)
    if isinstance(error, InputError):
        if "in DataLoader worker process" in text:  # wrapped into its own traceback
            text = re.split(r"^[\w.]*Error: ", text, flags=re.MULTILINE)[-1].strip()
        return InputError(text)
    if is_disk_full(error):
        return FaultError(f"disk full: {text}. {last_good}")
    if "returned nan values in its" in text:  # debug: true
        return DivergedError(f"the backward pass made a NaN: {text} {last_good}")
    if is_lost_worker(error):
        return FaultError(
            "a data worker was killed, usually for lack of memory: lower "
            f"data.workers or data.batch_size. {last_good}"
        )
    if is_out_of_memory(error):
        return FaultError(
            f"out of memory at batch_size {batch_size}. Try data.batch_size="
            f"{max(batch_size // 2, 1)}, or --device cpu. {last_good}"
        )
    if any(word in text for word in ("gloo", "NCCL", "Timed out")):
        return FaultError(
            "another process of this job ended, hangs, or sent another shape. "
            f"{last_good} {text.splitlines()[0]}"
        )
    if isinstance(error, FaultError):
        return FaultError(f"{text}. {last_good}")
    return None
