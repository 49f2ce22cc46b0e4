import os
from datetime import timedelta
from functools import partial

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from src.losses.sam import sharpness_aware_loss
from tests.forked import LIMIT, end_forked, in_fork, wait


def small_net(dropout: float = 0.3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(4 * 16, 3),
    ).double()


def batch(seed: int = 1, count: int = 6):
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 2, 6, 6, generator=random, dtype=torch.float64)
    return images, torch.randint(0, 3, (count,), generator=random)


def loss_of(net, images, target):
    return F.cross_entropy(net(images), target)


def sam_loss(net, images, target, rho=0.1):
    return sharpness_aware_loss(
        net, partial(loss_of, images=images, target=target), rho
    )


def two_step_gradient(net: nn.Module, images, target, rho: float = 0.1) -> float:
    """SAM as its paper writes it, with the weights moved and put back by hand."""
    net.zero_grad()
    random = torch.get_rng_state()
    loss_of(net, images, target).backward()
    weights = list(net.parameters())
    length = sum(w.grad.square().sum() for w in weights).sqrt()
    steps = [rho * w.grad / length for w in weights]
    statistics = [buffer.clone() for buffer in net.buffers()]
    with torch.no_grad():
        for weight, step in zip(weights, steps, strict=True):
            weight.add_(step)
    net.zero_grad()
    torch.set_rng_state(random)
    loss = loss_of(net, images, target)
    loss.backward()
    with torch.no_grad():
        for weight, step in zip(weights, steps, strict=True):
            weight.sub_(step)
        for buffer, kept in zip(net.buffers(), statistics, strict=True):
            buffer.copy_(kept)
    return loss.item()


def gradients(net: nn.Module) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in net.parameters()])


@pytest.mark.parity("sharpness-aware loss", "Foret et al. 2021, in two steps by hand")
@pytest.mark.spec("CNN-113", "leaves in `grad` what the two-step procedure")
def test_steps_are_those_of_the_two_step_procedure(parity):
    nets = [small_net(), small_net()]
    takers = [torch.optim.SGD(net.parameters(), 0.3, momentum=0.9) for net in nets]
    plain = small_net()
    for step in range(4):
        values = []
        for net, taker in zip(nets, takers, strict=True):
            torch.manual_seed(step)
            if net is nets[0]:
                taker.zero_grad()
                loss = sam_loss(net, *batch(step))
                loss.backward()
                values.append(loss.item())
            else:
                values.append(two_step_gradient(net, *batch(step)))
        parity.gradient(gradients(nets[0]), gradients(nets[1]), atol=1e-13)
        parity.value(*values, atol=1e-13)
        for taker in takers:
            taker.step()
    parity.value(*(list(net.parameters()) for net in nets), atol=1e-12)
    assert (nets[0][0].weight - plain[0].weight).abs().max() > 1e-3


@pytest.mark.spec("CNN-114", "batch statistics of the first pass only")
def test_batch_statistics_are_those_of_one_plain_pass():
    net, plain = small_net(), small_net()
    sam_loss(net, *batch()).backward()
    loss_of(plain, *batch())
    assert net[1].num_batches_tracked == 1
    for mine, theirs in zip(net.buffers(), plain.buffers(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_weights_do_not_move():
    net, plain = small_net(), small_net()
    sam_loss(net, *batch()).backward()
    for mine, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.spec("CNN-114", "same units are dropped in both")
def test_no_distance_is_the_plain_loss():
    net, plain = small_net(0.5), small_net(0.5)
    torch.manual_seed(3)
    mine = sam_loss(net, *batch(), rho=0.0)
    mine.backward()
    after = torch.get_rng_state()
    torch.manual_seed(3)
    theirs = loss_of(plain, *batch())
    theirs.backward()
    assert torch.equal(mine, theirs)
    assert torch.equal(gradients(net), gradients(plain))
    assert torch.equal(after, torch.get_rng_state())


def test_a_small_step_climbs_by_its_length_times_the_slope():
    net = small_net(0.0)
    flat = loss_of(net, *batch())
    flat.backward()
    slope = gradients(net).norm()
    climbed = sam_loss(net, *batch(), rho=1e-5) - flat
    assert climbed.item() == pytest.approx(1e-5 * slope.item(), rel=1e-3)


def test_accumulated_batches_each_climb_their_own_loss():
    net, alone = small_net(0.0), small_net(0.0)
    for seed in (1, 2):
        (sam_loss(net, *batch(seed)) / 2).backward()
    wanted = 0
    for seed in (1, 2):
        alone.zero_grad()
        sam_loss(alone, *batch(seed)).backward()
        wanted = wanted + gradients(alone) / 2
    torch.testing.assert_close(gradients(net), wanted)


def test_frozen_and_unused_weights_stay_out():
    net = small_net(0.0)
    net[0].requires_grad_(False)
    net.register_parameter("unused", nn.Parameter(torch.ones(3).double()))
    sam_loss(net, *batch()).backward()
    assert net[0].weight.grad is None
    assert net.unused.grad is None or not net.unused.grad.any()
    assert net[5].weight.grad.isfinite().all()


def test_where_the_loss_is_flat_nothing_is_climbed():
    net = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(net.weight)
    loss = sharpness_aware_loss(net, lambda f: f(torch.ones(3, 2)).square().sum(), 0.5)
    loss.backward()
    assert loss == 0 and not net.weight.grad.any()


def test_in_a_pass_without_gradients_the_value_is_the_same():
    net = small_net(0.0)
    value = sam_loss(net, *batch())
    with torch.no_grad():
        assert sam_loss(net, *batch()) == value


@pytest.mark.spec("CNN-114", "bf16 autocast")
def test_under_autocast_the_gradient_stays_close():
    net, exact = small_net(0.0).float(), small_net(0.0).float()
    images, target = batch(count=32)
    with torch.autocast("cpu", torch.bfloat16):
        loss = sam_loss(net, images.float(), target, rho=0.5)
    loss.backward()
    sam_loss(exact, images.float(), target, rho=0.5).backward()
    plain = small_net(0.0).float()
    loss_of(plain, images.float(), target).backward()
    assert net[0].weight.grad.dtype == torch.float32
    angles = [
        F.cosine_similarity(gradients(net), gradients(other), dim=0)
        for other in (exact, plain)
    ]
    assert angles[0] > 0.99 and angles[0] > angles[1]


def share_of(rank: int):
    images, target = batch(5, 8)
    return images[rank::2], target[rank::2]


def work_of_a_rank(rank: int, folder: str) -> None:
    store = dist.FileStore(f"{folder}/store", 2)
    limit = timedelta(seconds=LIMIT)  # where the other one has failed
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2, timeout=limit)
    net = DistributedDataParallel(small_net(0.0))
    for _ in range(2):  # the second needs the first to have left the wrapper in order
        net.zero_grad()
        sam_loss(net, *share_of(rank)).backward()
    torch.save(gradients(net), f"{folder}/{rank}.pt")
    # The end of a group can hang; without it nobody may leave while one exchanges.
    store.set(f"done_{rank}", "")
    store.wait(["done_0", "done_1"], limit)


@pytest.fixture
def no_child_survives_its_test():
    yield
    end_forked()


@pytest.mark.spec("CNN-114", "climbs the loss of its own share")
@pytest.mark.skipif(
    not (dist.is_available() and hasattr(os, "fork")),
    reason="needs torch with distributed, and fork",
)
@pytest.mark.usefixtures("no_child_survives_its_test")
def test_two_processes_climb_apart_and_average(tmp_path):
    pids = [in_fork(partial(work_of_a_rank, rank, str(tmp_path))) for rank in (0, 1)]
    assert [wait(pid) for pid in pids] == [0, 0]
    found = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    wanted = []
    for rank in range(2):
        net = small_net(0.0)
        two_step_gradient(net, *share_of(rank))
        wanted.append(gradients(net))
    assert torch.equal(*found)
    torch.testing.assert_close(found[0], sum(wanted) / 2, rtol=1e-10, atol=1e-13)
    assert (wanted[0] - wanted[1]).abs().max() > 1e-3
