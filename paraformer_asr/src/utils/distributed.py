# pattern: utils/distributed.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/distributed.py --from <sub-project>
"""Data-parallel training under `torchrun`, on one machine or many."""

import gc
import os
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from .errors import FaultError


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which of how many processes this one is."""

    rank: int = 0
    local_rank: int = 0
    world: int = 1

    @property
    def is_main(self) -> bool:
        return self.rank == 0


def join_ranks(timeout_s: float = 120.0, device_type: str = "cpu") -> Ranks:
    """Meet the others that torchrun started; raises FaultError if one stays away.

    Keys carry the restart count: torch 2.13 re-uses one store for all attempts, and a
    restarted gloo job would meet the dead addresses of the attempt before.
    """
    if "WORLD_SIZE" not in os.environ:
        return Ranks()
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    timeout = timedelta(seconds=timeout_s)
    agent_has_store = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = dist.TCPStore(
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        world,
        is_master=rank == 0 and not agent_has_store,
        wait_for_workers=False,
        timeout=timeout,
    )
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = dist.PrefixStore(f"attempt_{attempt}", store)
    _meet(store, rank, world, timeout)
    # DDP imports it later: its default arguments would then hold the group for ever.
    import_module("torch.distributed.nn.functional")
    dist.init_process_group(
        # Counts and random states travel on the CPU, gradients where they are.
        "cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo",
        store=store,
        rank=rank,
        world_size=world,
        timeout=timeout,
    )
    return Ranks(rank, int(os.environ.get("LOCAL_RANK", 0)), world)


def _meet(store: dist.Store, rank: int, world: int, timeout: timedelta) -> None:
    """Wait for each rank by name: torch itself does not tell which one is missing."""
    store.set(f"rank_{rank}", "here")
    for other in range(world):
        try:
            store.wait([f"rank_{other}"], timeout)
        except (RuntimeError, dist.DistError):
            seconds = timeout.total_seconds()
            raise FaultError(
                f"rank {rank} of {world} waited {seconds:.0f} s for rank {other}. "
                "Look for its error above, or raise train.timeout_s"
            ) from None


def leave_ranks() -> None:
    """End the group and its threads, after all that a DDP holds of it.

    Its last holder waits for gloo's threads, and they may wait for the GIL. The group
    itself lets go of the GIL meanwhile; the reducer of a DDP (torch 2.13), which an
    error or a cycle may keep alive, does not, and both would wait for ever.
    """
    if dist.is_initialized():
        for thing in gc.get_objects():
            if issubclass(type(thing), DistributedDataParallel):
                thing.reducer = thing.logger = thing.process_group = None
        dist.destroy_process_group()


def sum_over_ranks(counts: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each tensor summed over all processes."""
    if dist.is_initialized():
        counts = {name: value.clone() for name, value in counts.items()}
        for name in sorted(counts):
            dist.all_reduce(counts[name])
    return counts


def share_tensors(model: nn.Module) -> None:
    """Give every process the weights and statistics that rank 0 has."""
    if dist.is_initialized():
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, 0)


def any_rank(flag: int) -> int:
    """The largest `flag` of all processes, so that all stop at the same step."""
    if not dist.is_initialized():
        return flag
    value = torch.tensor(int(flag))
    dist.all_reduce(value, dist.ReduceOp.MAX)
    return int(value)


def gather(value: Any) -> list[Any]:
    """`value` of every rank, in rank order, on every rank."""
    if not dist.is_initialized():
        return [value]
    values = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def share(value: Any) -> Any:
    """The value that rank 0 has, on every rank."""
    if not dist.is_initialized():
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]
