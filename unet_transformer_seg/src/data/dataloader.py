# pattern: data/dataloader.py -- the same in every sub-project; edit one, then: python -m tools.copies sync data/dataloader.py --from <sub-project>
"""Batches in an order that is a pure function of (seed, epoch).

A dataset is asked for `(epoch, index)`; it keys its augmentation with that, so a sample
is the same whoever computes it: this process, one worker, or four. One that has a
`collate` makes what torch would not: batches of sequences, or all samples in one go.
One that has an `order(seed, epoch, batch_size)` says which samples follow each other:
those of similar length, or each the continuation of another. One whose `order` has
`count(world)` and `batches(seed, epoch, world)` says the batches themselves: as many in
every epoch, each of a size that the ranks can share.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ..utils.seed import permutation


STOPS = (signal.SIGINT, signal.SIGTERM)
"""They reach the whole group; only the trainer decides when to end."""


class EpochBatches(Sampler):
    """Lists of (epoch, index): this rank's share of each shuffled global batch.

    The last incomplete batch is dropped, unless it is the only one. `start` skips
    batches that an interrupted run has done.
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        *,
        seed: int,
        epoch: int,
        start=0,
        rank=0,
        world=1,
        order: Callable[[int, int, int], Sequence[int]] | None = None,
    ):
        self.size = min(batch_size, n - n % world)
        own = hasattr(order, "batches")
        self.n_batches = order.count(world) if own else n // self.size
        self.n, self.seed, self.epoch, self.start = n, seed, epoch, start
        self.rank, self.world, self.order = rank, world, order

    def __len__(self) -> int:
        return self.n_batches - self.start

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for batch in islice(self._all(), self.start, None):
            yield [(self.epoch, i) for i in batch[self.rank :: self.world]]

    def _all(self) -> Iterator[Sequence[int]]:
        if hasattr(self.order, "batches"):
            yield from self.order.batches(self.seed, self.epoch, self.world)
            return
        if self.order:
            order = [int(i) for i in self.order(self.seed, self.epoch, self.size)]
        else:
            order = permutation(self.n, self.seed, self.epoch)
        for b in range(self.n_batches):
            yield order[b * self.size : (b + 1) * self.size]


def train_loader(
    dataset: Dataset, batches: EpochBatches, workers: int = 0
) -> DataLoader:
    """The rest of one epoch."""
    return _loader(dataset, batches, workers)


def eval_loader(
    dataset: Dataset, batch_size: int, workers: int = 0, rank: int = 0, world: int = 1
) -> DataLoader:
    """Every sample once, in order, without augmentation (epoch 0).

    Where `dataset.sizes` says that samples differ in size, a batch ends at the change.
    """
    sizes = getattr(dataset, "sizes", None)
    batches: list[list[tuple[int, int]]] = []
    for i in range(rank, len(dataset), world):
        fits = batches and len(batches[-1]) < batch_size
        if fits and (sizes is None or sizes[batches[-1][-1][1]] == sizes[i]):
            batches[-1].append((0, i))
        else:
            batches.append([(0, i)])
    return _loader(dataset, batches, workers)


def close(batches: Iterator) -> None:
    """Stop the workers of a half-used loader, which would hang the exit."""
    shutdown = getattr(batches, "_shutdown_workers", None)
    if shutdown:
        shutdown()


def _loader(dataset: Dataset, batches, workers: int) -> DataLoader:
    return _Loader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=getattr(dataset, "collate", None),
        worker_init_fn=_start_worker,
        # Without its own generator the loader would draw from the global RNG.
        generator=torch.Generator().manual_seed(0),
        pin_memory=torch.cuda.is_available(),
    )


class _Loader(DataLoader):
    """Its workers are deaf from their first moment, not from `_start_worker` on."""

    def __iter__(self) -> Iterator:
        with _stops_held_back():
            return super().__iter__()


@contextmanager
def _stops_held_back() -> Iterator[None]:
    """What is started here never hears STOPS; this process does, a moment later."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(_: int) -> None:
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(1)
