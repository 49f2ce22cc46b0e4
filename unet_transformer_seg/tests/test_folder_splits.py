"""Who trains, validates and tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.pairs import natural
from src.data.splits import split_indices
from src.utils.errors import InputError


@pytest.mark.spec("SEG-031", "disjoint and together all")
@given(
    count=st.integers(3, 40),
    kind=st.sampled_from(["random", "contiguous"]),
    seed=st.integers(0, 9),
    val=st.floats(0.01, 0.5),
    test=st.sampled_from([0.0, 0.1, 0.3]),
)
def test_splits_are_disjoint_and_cover_all(count, kind, seed, val, test):
    parts = split_indices(count, kind, seed, val, test)
    assert parts == split_indices(count, kind, seed, val, test)
    assert sorted(i for part in parts.values() for i in part) == list(range(count))
    assert all(parts.values())
    assert ("test" in parts) == (test > 0)


@pytest.mark.spec("SEG-031", "each image validates exactly once")
@pytest.mark.parametrize("kind", ["random", "contiguous"])
def test_every_image_outside_test_validates_in_one_fold(kind):
    parts = [split_indices(17, kind, 3, 0.2, 0.2, 4, fold) for fold in range(4)]
    assert len({tuple(part["test"]) for part in parts}) == 1
    judged = [i for part in parts for i in part["val"]] + parts[0]["test"]
    assert sorted(judged) == list(range(17))
    for part in parts:
        assert not set(part["train"]) & {*part["val"], *part["test"]}


def test_contiguous_takes_the_end_and_random_depends_on_the_seed():
    assert split_indices(20, "contiguous", 0, 0.2)["val"] == [16, 17, 18, 19]
    first, second = (split_indices(20, "random", seed, 0.2)["val"] for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize(
    "count, options, words",
    [
        (1, {}, "^1 image cannot be split by val_share=0.2.*2 at least"),
        (2, {"test_share": 0.1}, "2 images cannot be split.*3 at least"),
        (3, {"folds": 4}, "3 images cannot be split by folds=4.*4 at least"),
    ],
)
def test_too_few_images_say_how_many_are_needed(count, options, words):
    with pytest.raises(InputError, match=words):
        split_indices(count, "random", 0, **options)


def test_slice_2_comes_before_slice_10():
    names = ["s10", "s2", "s1", "t", "10", "9", "a1b2", "a1b10", "ü3"]
    expected = ["9", "10", "a1b2", "a1b10", "s1", "s2", "s10", "t", "ü3"]
    assert sorted(names, key=natural) == expected
