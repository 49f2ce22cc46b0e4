# pattern: tests/benchmarks/measure.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/benchmarks/measure.py --from <sub-project>
"""Time and memory, for the benchmarks of this folder."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jaxtyping
import torch
from torch import Tensor, nn


def interleave(calls: dict[str, Callable[[], None]], rounds: int) -> dict[str, dict]:
    """Call each in turn, `rounds` times after a warm-up; medians of both times."""
    cpu = {name: [] for name in calls}
    wall = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            started = time.process_time(), time.perf_counter()
            call()
            if number > 0:
                cpu[name].append(time.process_time() - started[0])
                wall[name].append(time.perf_counter() - started[1])
    return {
        name: {
            "cpu_s": statistics.median(cpu[name]),
            "wall_s": statistics.median(wall[name]),
        }
        for name in calls
    }


def saved_for_backward(model: nn.Module, forward: Callable[[], Tensor]) -> float:
    """MiB of distinct storages kept from forward to backward, without the weights."""
    own = {
        t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())
    }
    kept = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = forward()
    # `loss` keeps the graph alive until here: no address is used twice.
    del loss
    return sum(kept.values()) / 2**20


@contextmanager
def contracts(on: bool) -> Iterator[None]:
    """Check shapes inside, or not; afterwards as before."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", not on)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


def device_info() -> dict:
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
