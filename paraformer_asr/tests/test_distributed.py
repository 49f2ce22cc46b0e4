# pattern: tests/test_distributed.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_distributed.py --from <sub-project>
"""What a group of processes leaves behind; `integration_ddp.py` trains with one."""

import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from src.utils.distributed import join_ranks, leave_ranks
from tests.forked import in_fork, wait


TASKS = Path("/proc/self/task")
pytestmark = pytest.mark.skipif(
    not (dist.is_available() and hasattr(os, "fork") and TASKS.exists()),
    reason="needs torch with distributed, fork and /proc",
)


def waiting_for_work() -> int:
    names = [path.read_text().strip() for path in TASKS.glob("*/comm")]
    return names.count("pt_gloo_runloop")


def test_the_group_ends_although_an_error_still_holds_its_network():
    """The last holder joins gloo's threads; DDP, with the GIL, could wait for ever."""

    def alone() -> int:
        os.environ |= {"RANK": "0", "WORLD_SIZE": "1"}
        os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": "0"}
        assert join_ranks().world == 1
        net = DistributedDataParallel(nn.Linear(2, 1))
        net(torch.ones(3, 2)).sum().backward()
        assert waiting_for_work()
        leave_ranks()
        assert net.module.weight.grad.any() and not waiting_for_work()
        leave_ranks()  # again: there is nothing to leave
        return 0

    assert wait(in_fork(alone)) == 0
