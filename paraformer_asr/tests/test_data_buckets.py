"""Batches by a budget of frames, and how a loader walks through them."""

import numpy as np
import pytest
from torch.utils.data import Dataset

from src.data.buckets import Buckets
from src.data.dataloader import EpochBatches, eval_loader, train_loader
from src.data.dataset import pack
from src.utils.errors import InputError


hypothesis = pytest.importorskip("hypothesis", reason="draws lengths")
given, st = hypothesis.given, hypothesis.strategies

LENGTHS = np.random.default_rng(0).integers(20, 200, 500)


def buckets(lengths=LENGTHS, budget=2000):
    return Buckets(lambda epoch: lengths, budget)


def flat(batches):
    return [index for batch in batches for index in batch]


@pytest.mark.spec("ASR-031", "within the budget of padded frames")
@given(
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=80),
    more=st.integers(0, 300),
    world=st.integers(1, 3),
    epoch=st.integers(0, 3),
)
def test_batches_keep_the_budget(lengths, more, world, epoch):
    lengths = np.array(lengths)
    order = buckets(lengths, int(lengths.max()) * world + more)
    batches = order.batches(7, epoch, world)
    assert len(batches) == order.count(world)
    assert sorted(map(len, batches)) == sorted(order.sizes(world))
    for batch in batches:
        assert len(batch) % world == 0
        assert len(batch) * lengths[batch].max() <= order.budget
    taken = flat(batches)
    assert len(set(taken)) == len(taken) == len(lengths) // world * world


@pytest.mark.spec("ASR-031", "every epoch has as many batches of the same sizes")
def test_epochs_differ_in_order_only():
    order = buckets()
    first, second = order.batches(0, 0, 1), order.batches(0, 1, 1)
    assert sorted(map(len, first)) == sorted(map(len, second))
    assert first != second
    assert {frozenset(b) for b in first} != {frozenset(b) for b in second}
    assert first == order.batches(0, 0, 1)
    assert first != order.batches(1, 0, 1)
    longest = [LENGTHS[batch].max() for batch in first]
    assert abs(np.corrcoef(longest, range(len(longest)))[0, 1]) < 0.5


def test_neighbours_change_where_no_two_lengths_are_equal():
    order = buckets(np.arange(100, 400))
    first, second = ({frozenset(b) for b in order.batches(0, e, 1)} for e in (0, 1))
    assert len(first & second) < len(first) / 2


def test_similar_lengths_come_together():
    padded = sum(len(b) * LENGTHS[b].max() for b in buckets().batches(0, 0, 1))
    assert LENGTHS.sum() / padded > 0.88
    mixed = np.random.default_rng(0).permutation(500).reshape(25, 20)
    assert LENGTHS.sum() / (20 * LENGTHS[mixed].max(1)).sum() < 0.6


def test_lengths_may_change_with_the_epoch():
    order = Buckets(lambda epoch: np.roll(LENGTHS, epoch), 2000)
    for epoch in range(3):
        batches = order.batches(0, epoch, 2)
        assert sorted(map(len, batches)) == sorted(order.sizes(2))
        spread = [np.ptp(np.roll(LENGTHS, epoch)[b]) for b in batches]
        assert max(spread) < 60


@pytest.mark.spec("ASR-031", "a budget below the longest sample is refused")
def test_a_small_budget_is_refused():
    with pytest.raises(
        InputError, match="batch_frames = 100: the longest sample has 199"
    ):
        buckets(budget=100)
    with pytest.raises(InputError, match="2 processes need at least 398"):
        buckets(budget=300).count(2)


class Plain(Dataset):
    def __init__(self, order, n=500, sizes=None):
        self.order, self.n, self.sizes = order, n, sizes

    def __len__(self):
        return self.n

    def __getitems__(self, keys):
        return keys

    @staticmethod
    def collate(batch):
        return batch


def batches(order, **keys):
    return EpochBatches(500, 4, seed=3, epoch=2, order=order, **keys)


@pytest.mark.spec("ASR-031", "ranks share each batch evenly")
def test_ranks_share_the_batches():
    order = buckets()
    ranks = [list(batches(order, rank=rank, world=3)) for rank in range(3)]
    whole = order.batches(3, 2, 3)
    assert len(whole) == len(ranks[0]) == order.count(3)
    for number, batch in enumerate(whole):
        shares = [[i for _, i in rank[number]] for rank in ranks]
        assert {len(share) for share in shares} == {len(batch) // 3}
        assert sorted(flat(shares)) == sorted(batch)


def test_an_epoch_goes_on_where_it_stopped():
    order = buckets()
    whole = list(batches(order))
    rest = batches(order, start=5)
    assert list(rest) == whole[5:]
    assert len(rest) == len(whole) - 5
    assert list(batches(order, start=len(whole))) == []


def test_the_loader_asks_for_these_batches():
    dataset = Plain(buckets())
    loaded = list(train_loader(dataset, batches(dataset.order)))
    assert loaded == list(batches(dataset.order))
    assert all(epoch == 2 for batch in loaded for epoch, _ in batch)


@pytest.mark.spec("ASR-031", "evaluation sees each sample once within the same budget")
def test_evaluation_batches_keep_the_budget():
    lengths = np.sort(LENGTHS)
    dataset = Plain(None, sizes=pack(lengths, 1000))
    found = [[i for _, i in batch] for batch in eval_loader(dataset, 64)]
    assert flat(found) == list(range(500))
    assert max(len(b) * lengths[b].max() for b in found) <= 1000
    assert len(found) < 70


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_the_evaluation(world):
    ranks = [list(eval_loader(Plain(None), 7, 0, rank, world)) for rank in range(world)]
    taken = [i for batches in ranks for batch in batches for _, i in batch]
    assert sorted(taken) == list(range(500))
