"""Small things that several tests of data need."""

import numpy as np
import torch

from src.data.dataloader import EpochBatches, train_loader


def keys(count: int, epoch: int = 0) -> list[tuple[int, int]]:
    return [(epoch, i) for i in range(count)]


def whole(dataset, epoch: int = 0) -> dict[str, torch.Tensor]:
    """Every sample of the epoch in one batch."""
    return dataset.__getitems__(keys(len(dataset), epoch))


def scored(batch: dict[str, torch.Tensor]) -> list[int]:
    """All targets that count, sorted."""
    targets = batch["targets"]
    return sorted(targets[targets != -100].tolist())


def check_pure(dataset, epoch: int = 1) -> None:
    """Each sample is the same alone, in the whole, in another order and in a worker."""
    batch = whole(dataset, epoch)
    order = np.random.default_rng(0).permutation(len(dataset)).tolist()
    mixed = dataset.__getitems__([(epoch, i) for i in order])
    for name, value in batch.items():
        assert torch.equal(mixed[name], value[order])
    for i in (0, len(dataset) // 2, len(dataset) - 1):
        for name, value in dataset[epoch, i].items():
            size = len(value) if value.ndim else None
            assert torch.equal(value, batch[name][i, :size] if size else batch[name][i])


def check_worker(dataset, size: int) -> None:
    """A worker makes the batches of this process, also from the middle of an epoch."""
    order = getattr(dataset, "order", None)
    runs = [
        list(
            train_loader(
                dataset,
                EpochBatches(
                    len(dataset), size, seed=3, epoch=2, start=start, order=order
                ),
                workers,
            )
        )
        for start, workers in ((0, 0), (1, 1))
    ]
    assert len(runs[0]) == len(runs[1]) + 1
    for here, there in zip(runs[0][1:], runs[1], strict=True):
        assert here.keys() == there.keys()
        assert all(torch.equal(here[name], there[name]) for name in here)
