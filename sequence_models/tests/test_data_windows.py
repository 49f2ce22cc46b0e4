"""Random numbers of a key, windows and streams of one long text."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.draws import bits, uniform
from src.data.streams import Streams
from src.data.windows import EveryWindow, RandomWindows
from src.utils.errors import InputError
from tests.batches import check_pure, check_worker, keys, scored, whole


def test_the_numbers_are_those_of_splitmix64(monkeypatch):
    """The first outputs for the seed 1234567, as its authors' C code prints them."""
    monkeypatch.setattr("src.data.draws._start", lambda key: np.uint64([1234567]))
    assert bits((), np.arange(5)).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_draws_of_different_keys_are_independent():
    counter = np.arange(20000)
    draws = [uniform(key, counter) for key in ((0, 1), (1, 0), (0, 2), (0, 1, 1))]
    assert np.abs(np.corrcoef(draws) - np.eye(4)).max() < 0.03
    assert np.abs(np.corrcoef(draws[0][:-1], draws[0][1:])[0, 1]) < 0.03
    assert all(abs(d.mean() - 0.5) < 0.01 and 0 <= d.min() < d.max() < 1 for d in draws)


@pytest.mark.spec("SEQ-017", "its targets are the tokens one place later")
@given(st.integers(2, 50), st.data())
def test_targets_are_the_tokens_one_place_later(length, data):
    block = data.draw(st.integers(1, length - 1))
    batch = whole(RandomWindows(torch.arange(length) * 3, block, 20, seed=1), epoch=5)
    assert batch["tokens"].shape == (20, block)
    assert torch.equal(batch["targets"], batch["tokens"] + 3)
    assert torch.equal(batch["tokens"][:, 1:], batch["targets"][:, :-1])
    assert batch["tokens"].is_contiguous() and batch["targets"].is_contiguous()


@pytest.mark.spec("SEQ-017", "begins at every place with equal chance")
def test_every_place_is_as_likely():
    windows = RandomWindows(torch.arange(26), 5, 4200, seed=0)
    counts = torch.bincount(whole(windows)["tokens"][:, 0])
    assert len(counts) == 21  # the last window ends with the last token
    chi_square = ((counts - 200.0) ** 2 / 200).sum()
    assert chi_square < 45.3  # 20 degrees of freedom, p = 0.001


def test_epochs_and_seeds_differ():
    def first(seed, epoch):
        windows = RandomWindows(torch.arange(10**6), 2, 50, seed)
        return whole(windows, epoch)["tokens"][:, 0].tolist()

    assert first(0, 0) == first(0, 0)
    assert len({*first(0, 0), *first(0, 1), *first(1, 0)}) > 145


@pytest.mark.spec("SEQ-015", "the same alone, in any batch, in a worker")
@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.uint32])
def test_windows_are_pure_functions_of_their_keys(dtype):
    tokens = (np.arange(200) * 7 % 101).astype(dtype)
    check_pure(RandomWindows(tokens, 8, 40, seed=4))
    check_pure(EveryWindow(tokens, 7))
    check_pure(Streams(tokens, 6, 4))
    batch = whole(EveryWindow(tokens, 7))
    assert batch["tokens"].dtype == batch["targets"].dtype == torch.int64


@pytest.mark.spec("SEQ-015", "in a worker process and after a resume")
def test_a_worker_makes_the_same_batches_from_the_middle_on():
    tokens = torch.arange(200)
    check_worker(RandomWindows(tokens, 8, 40, seed=4), 8)
    check_worker(Streams(tokens, 6, 4), 4)


@pytest.mark.spec("SEQ-016", "every token but the first a target exactly once")
@given(st.integers(2, 60), st.integers(1, 70))
def test_every_token_but_the_first_is_scored_once(length, block):
    windows = EveryWindow(torch.arange(length), block)
    batch = whole(windows)
    assert scored(batch) == list(range(1, length))
    real = batch["targets"] != -100
    assert torch.equal(batch["tokens"][real] + 1, batch["targets"][real])
    assert real.any(1).all()  # no window without a target


@pytest.mark.spec("SEQ-016", "every token but the first a target exactly once")
@pytest.mark.spec("SEQ-016", "the windows of a stream continue one another")
@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 40))
def test_streams_go_on_and_score_every_token_once(batch_size, block, more):
    length = batch_size * block + 1 + more
    streams = Streams(torch.arange(length), block, batch_size)
    batches = whole(streams)
    assert scored(batches) == list(range(1, length))
    order = streams.order(0, 0, batch_size)
    assert list(order) == list(range(len(streams)))
    rows = batches["tokens"].view(-1, batch_size, block).transpose(0, 1)
    targets = batches["targets"].view(-1, batch_size, block).transpose(0, 1)
    for row, target in zip(rows, targets, strict=True):
        real = target.flatten() != -100
        walked = row.flatten()[real]
        assert torch.equal(walked, walked[0] + torch.arange(len(walked)))
        assert real.sort(descending=True, stable=True)[0].equal(real)  # only at the end


@pytest.mark.spec("SEQ-016", "`first` is True exactly where a stream begins")
def test_first_says_where_the_memory_must_be_empty():
    streams = Streams(torch.arange(101), 10, 2)
    first = whole(streams)["first"]
    assert first.tolist() == [True] * 2 + [False] * (len(streams) - 2)


@pytest.mark.spec("SEQ-016", "the windows of a stream continue one another")
def test_a_short_epoch_of_streams_goes_on_in_the_next():
    streams = Streams(torch.arange(61), 10, 2, samples=4)
    assert len(streams) == 4
    seen = [streams.__getitems__(keys(4, epoch)) for epoch in range(3)]
    starts = torch.cat([batch["tokens"][:, 0] for batch in seen]).view(-1, 2)
    assert starts.tolist() == [[0, 30], [10, 40], [20, 50], [0, 30], [10, 40], [20, 50]]
    first = torch.cat([batch["first"] for batch in seen]).view(-1, 2)
    assert first[:, 0].tolist() == [True, False, False, True, False, False]
    assert [len(Streams(torch.arange(61), 10, 2, samples=n)) for n in (0, 1, 3)] == [
        6,
        2,
        4,
    ]


@pytest.mark.spec("SEQ-018", "shorter than a window")
@pytest.mark.parametrize("length", [0, 1, 8])
def test_a_text_shorter_than_a_window_is_refused_with_both_lengths(length):
    tokens = torch.arange(length)
    with pytest.raises(InputError, match=rf"of 8 tokens .* 9 at least, .* {length};"):
        RandomWindows(tokens, 8, 5, seed=0)
    with pytest.raises(
        InputError, match=rf"33 tokens at least, this one has {length};"
    ):
        Streams(tokens, 8, 4)
    if length < 2:
        with pytest.raises(InputError, match=rf"of 2 at least, .* has {length};"):
            EveryWindow(tokens, 8)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"block is 0; at least 1"):
        EveryWindow(torch.arange(9), 0)
    with pytest.raises(ValueError, match=r"tokens are float32 \(9,\); one axis of ids"):
        RandomWindows(torch.zeros(9), 2, 1, 0)
    with pytest.raises(ValueError, match=r"batch_size 3; streams of 4"):
        Streams(torch.arange(99), 5, 4).order(0, 0, 3)
