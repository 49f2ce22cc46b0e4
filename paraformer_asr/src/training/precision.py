# pattern: training/precision.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/precision.py --from <sub-project>
"""`train.precision: auto`: bf16 where it is faster here, which no name of a CPU tells.

A CPU without bf16 instructions computes in bf16, too, at a fraction of the speed.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from ..data.dataloader import EpochBatches, train_loader
from ..utils.distributed import share
from ..utils.logging import log
from ..utils.seed import rng_state, set_rng_state
from ..utils.tensor_utils import to_device


REPEATS = 3


def with_measured_precision(config, setup, device: torch.device):
    """The configuration with "auto" replaced by what rank 0 found to be faster.

    Steps are made on a copy of the model; weights and random generators stay as they
    were. The answer is kept in the run, so that a resumed run computes as before.
    """
    if config.train.precision != "auto":
        return config
    rng = rng_state(device)
    seconds = {
        "fp32": _seconds(config, setup, device, enabled=False),
        "bf16": _seconds(config, setup, device, enabled=True),
    }
    set_rng_state(rng, device)
    chosen = share(min(seconds, key=seconds.__getitem__))
    shown = ", ".join(f"{name} {1e3 * s:.0f} ms" for name, s in seconds.items())
    log.info(f"precision {chosen}, measured: {shown} a batch")
    return replace(config, train=replace(config.train, precision=chosen))


def _seconds(config, setup, device: torch.device, enabled: bool) -> float:
    """Of the fastest forward and backward pass of the first batch."""
    size = min(config.data.batch_size, len(setup.datasets["train"]))
    order = EpochBatches(len(setup.datasets["train"]), size, seed=config.seed, epoch=0)
    batch = next(iter(train_loader(setup.datasets["train"], order)))
    batch = to_device(batch, device, channels_last=config.train.channels_last)
    model = copy.deepcopy(setup.model).train()

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            loss = setup.task.loss(model, batch, 0.0)
        loss.backward()

    step()  # the first one chooses and compiles its kernels
    return min(_time(step, device) for _ in range(REPEATS))


def _time(call: Callable[[], None], device: torch.device) -> float:
    started = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
