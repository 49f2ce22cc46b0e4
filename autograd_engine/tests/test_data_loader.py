"""The order of samples, resuming in the middle of an epoch, and padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.dataloader import batches, count_batches, epoch_order, pad_batch
from src.data.dataset import ArrayDataset, fingerprint, hold_out


def numbered(n: int, **options) -> ArrayDataset:
    return ArrayDataset(np.arange(n) * 10, np.arange(n), **options)


@pytest.mark.spec("AGE-078", "functions of the seed, the epoch")
@given(st.integers(0, 300), st.integers(0, 2**60), st.integers(0, 10**6))
def test_an_epoch_is_a_permutation_that_seed_and_epoch_decide(n, seed, epoch):
    order = epoch_order(n, seed, epoch)
    assert order.dtype == np.int64 and sorted(order.tolist()) == list(range(n))
    np.testing.assert_array_equal(order, epoch_order(n, seed, epoch))
    if n > 20:
        assert order.tolist() != epoch_order(n, seed, epoch + 1).tolist()
        assert order.tolist() != epoch_order(n, seed + 1, epoch).tolist()


def flatten(dataset, *args, **options) -> list:
    return [[x.tolist() for x in b[:3]] for b in batches(dataset, *args, **options)]


@pytest.mark.spec("AGE-078", "equal the tail of the epoch bit for bit")
@given(st.integers(1, 40), st.integers(1, 9), st.booleans(), st.booleans(), st.data())
def test_a_resumed_epoch_equals_the_tail(n, size, drop, shuffle, data):
    options = {"drop_last": drop, "shuffle": shuffle}
    whole = flatten(numbered(n), size, 5, 2, **options)
    assert len(whole) == count_batches(numbered(n), size, drop)
    start = data.draw(st.integers(0, len(whole)))
    assert flatten(numbered(n), size, 5, 2, start, **options) == whole[start:]
    seen = [label for _, labels, _ in whole for label in labels]
    kept = n // size * size if drop else n
    assert len(set(seen)) == len(seen) == kept
    assert all(a == [10 * i for i in index] and b == index for a, b, index in whole)
    if not shuffle:
        assert seen == list(range(kept))


def test_an_epoch_of_a_chosen_size_draws_anew_each_time():
    dataset = numbered(100, epoch_size=10)
    first, second = (flatten(dataset, 4, 0, epoch) for epoch in (0, 1))
    assert [len(labels) for _, labels, _ in first] == [4, 4, 2]
    assert count_batches(dataset, 4) == 3 and count_batches(dataset, 4, True) == 2
    assert first != second and len(set(sum((b[1] for b in first), []))) == 10


def test_a_transform_sees_the_place_of_each_sample():
    dataset = numbered(
        9, transform=lambda x, index, seed, epoch: (x, index, seed, epoch)
    )
    for batch in batches(dataset, 4, 7, 3):
        values, index, seed, epoch = batch.features
        assert (values == index * 10).all() and (seed, epoch) == (7, 3)
        assert (index == batch.index).all() and batch.mask is None


@pytest.mark.spec("AGE-077", "padding of sentences is masked")
@given(st.lists(st.lists(st.integers(1, 99), max_size=7), max_size=6))
def test_padding_keeps_every_token_and_masks_the_rest(rows):
    ids, mask = pad_batch([np.array(row, np.int64) for row in rows], pad=-1)
    assert ids.shape == mask.shape == (len(rows), max(map(len, rows), default=0))
    assert [i[m].tolist() for i, m in zip(ids, mask, strict=True)] == rows
    assert (ids[~mask] == -1).all() and ids.dtype == np.int64
    assert (np.diff(mask.astype(int), axis=1) <= 0).all()


def test_samples_of_different_lengths_come_padded():
    rows = [np.arange(1, n + 1) for n in (3, 1, 2)]
    dataset = ArrayDataset(rows, np.arange(3))
    (batch,) = batches(dataset, 8, 0, 0, shuffle=False)
    assert batch.features.tolist() == [[1, 2, 3], [1, 0, 0], [1, 2, 0]]
    assert batch.mask.sum(1).tolist() == [3, 1, 2]
    assert dataset.subset(np.array([1])).features[0].tolist() == [1]


@given(st.integers(2, 200), st.integers(0, 50), st.data())
def test_what_is_held_out_is_not_trained_on(n, seed, data):
    count = data.draw(st.integers(1, n - 1))
    train, val = hold_out(n, count, seed)
    assert len(val) == count
    assert sorted([*train.tolist(), *val.tolist()]) == list(range(n))


WRONG = [
    (lambda: ArrayDataset(np.zeros(3), np.zeros(2)), "3 features but 2 labels"),
    (lambda: numbered(4, epoch_size=5), "epoch_size is 5; 1 to 4"),
    (lambda: batches(numbered(4), 0, 0, 0), "batch_size is 0; at least 1"),
    (lambda: batches(numbered(4), 2, 0, 0, 3), "start is 3; the epoch has 2 batches"),
    (lambda: batches(numbered(4), 2, 0, 0, -1), "start is -1"),
    (lambda: hold_out(3, 3, 0), "3 of 3 samples; 1 to 2"),
]


@pytest.mark.parametrize("call, words", WRONG)
def test_wrong_calls_say_what_is_allowed(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_fingerprint_sees_values_shapes_types_and_bounds():
    x = np.arange(6)
    others = [x + 1, x.reshape(2, 3), x.astype(np.int32), [x[:3], x[3:]], "012345"]
    prints = {fingerprint(part) for part in (x, *others)}
    assert len(prints) == 6 and fingerprint(x) == fingerprint(x.copy())
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint(x[::2]) == fingerprint(x[::2].copy())
