"""Generators depend on their seed and keys alone, and keep apart."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.utils.archive import pack, unpack
from src.utils.seed import (
    generator,
    generator_state,
    permutation,
    set_generator_state,
)


KEYS = st.lists(st.integers(0, 2**40) | st.text(max_size=4), max_size=3).map(tuple)


def first(seed: int, *keys) -> int:
    return int(generator(seed, *keys).integers(2**63))


@pytest.mark.spec("AGE-067", "pure function of the seed and its keys")
def test_the_numbers_are_those_of_any_other_process():
    code = "from tests.test_seed import first; print(first(7, 'augment', 3, 11))"
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True)
    assert int(done.stdout) == first(7, "augment", 3, 11), done.stderr
    assert first(7, "augment", 3, 11) == 1759274814590929019  # fixed for all times


@given(KEYS, KEYS, st.integers(0, 5), st.integers(0, 5))
def test_other_keys_give_another_stream(a, b, i, j):
    assert (first(i, *a) == first(j, *b)) == ((i, a) == (j, b))


def test_keys_that_look_alike_keep_apart():
    keys = [
        (), (0,), (0, 0), ("",), ("0",), (0, ""), (1,), (2**32,), (2**32, 0), (0, 1),
        ("a", "b"), ("ab",), ("ba",), (3, "a"), ("a", 3), ("\udcff",), (2**32 + 1,),
    ]  # fmt: skip
    assert len({first(0, *key) for key in keys}) == len(keys)
    assert first(1, 2) != first(2, 1)


def test_neighbours_are_unrelated():
    draws = np.array([generator(0, "x", i).standard_normal(50) for i in range(200)])
    close = np.corrcoef(draws)[np.triu_indices(200, 1)]
    assert abs(draws.mean()) < 0.05 and abs(draws.std() - 1) < 0.05
    assert np.abs(close).max() < 0.65 and abs(close.mean()) < 0.01


def test_numpy_whole_numbers_are_keys_too():
    assert first(np.int64(3), np.uint8(4)) == first(3, 4)


@pytest.mark.parametrize("key", [1.0, None, True, b"a", (1,), np.float32(1)], ids=repr)
def test_what_is_no_key_is_refused(key):
    with pytest.raises(TypeError, match="a seed or key is a whole number or text, not"):
        generator(0, key)


@pytest.mark.parametrize("arguments", [(-1,), (0, -2)])
def test_a_negative_key_is_refused(arguments):
    with pytest.raises(ValueError, match="-. is negative; use 0 or more"):
        generator(*arguments)


def test_a_permutation_has_every_item_once():
    assert sorted(permutation(50, 1, 2)) == list(range(50))
    assert permutation(50, 1, 2) == permutation(50, 1, 2) != permutation(50, 1, 3)
    assert permutation(0, 1) == []


@pytest.mark.spec("AGE-067", "goes on from a checkpoint where it stood")
def test_a_generator_goes_on_where_it_was_saved(tmp_path):
    source = generator(3, "dropout")
    source.standard_normal(5, np.float32)  # leaves half of a 64-bit word behind
    (tmp_path / "x.npz").write_bytes(pack({"rng": generator_state(source)}))
    wanted = source.standard_normal(5, np.float32)
    other = generator(9)
    set_generator_state(other, unpack(tmp_path / "x.npz")["rng"])
    assert np.array_equal(other.standard_normal(5, np.float32), wanted)
    assert pickle.dumps(other.bit_generator.state) == pickle.dumps(
        source.bit_generator.state
    )


BAD = [
    {}, [1], None, {"bit_generator": "MT19937"}, {"bit_generator": "PCG64"},
    {"bit_generator": "PCG64", "state": {"state": -1, "inc": 3}, "has_uint32": 0,
     "uinteger": 0},
]  # fmt: skip


@pytest.mark.parametrize("state", BAD, ids=repr)
def test_what_is_no_state_is_refused(state):
    with pytest.raises(ValueError):
        set_generator_state(generator(0), state)
