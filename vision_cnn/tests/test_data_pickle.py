"""Pickles are read without executing anything."""

import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.plain_pickle import read_pickle
from src.utils.errors import InputError
from tests.image_sets import python2_pickle


class Call:
    """Pickles as a call of whatever function it is given."""

    def __init__(self, function, *args):
        self.made = (function, args)

    def __reduce__(self):
        return self.made


ATTACKS = {
    "system": lambda path: Call(os.system, f"touch {path}"),
    "eval": lambda path: Call(eval, f"open({str(path)!r}, 'w')"),
    "open": lambda path: Call(io.open, str(path), "w"),
    "path": lambda path: Call(Path.touch, Path(path)),
    "getattr": lambda path: Call(getattr, os, "system"),
    "numpy": lambda path: np.array([Call(os.system, f"touch {path}")], object),
    "load": lambda path: Call(np.load, str(path), "r", True),
}


@pytest.mark.spec("CNN-033", "without executing anything")
@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_and_does_not_run(tmp_path, attack, protocol):
    target = tmp_path / "ran"
    try:
        data = pickle.dumps({"data": ATTACKS[attack](target)}, protocol)
    except TypeError:  # a module is not pickled
        data = pickle.dumps(Call(getattr, "", "join"), protocol)
    with pytest.raises(InputError, match="data_batch_1: .*") as caught:
        read_pickle(data, "data_batch_1")
    assert "refused" in str(caught.value) or "not a whole" in str(caught.value)
    assert not target.exists()


BY_HAND = {
    "name in the memo": b"\x80\x02cposix\nsystem\nq\0h\0U\x02lsq\1\x85R.",
    "instance": b"(S'ls'\niposix\nsystem\n.",
    "new object": b"\x80\x02cposix\nsystem\n)\x81.",
    "extension": b"\x80\x02\x82\x01.",
    "person": b"\x80\x02Pname\n.",
    "built text": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02ls\x85R.",
    "called dtype": b"\x80\x02cnumpy\ndtype\nU\x02O8K\0K\1\x87R.",
    "encode elsewhere": b"\x80\x02c_codecs\nencode\nX\1\0\0\0aX\3\0\0\0zip\x86R.",
    "object array": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n"
    b"cnumpy\ndtype\nK\0\x85U\1b\x87R.",
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.__new__\x93.",
}


@pytest.mark.spec("CNN-033", "without executing anything")
@pytest.mark.parametrize("data", BY_HAND.values(), ids=BY_HAND)
def test_what_is_no_data_is_refused(data):
    with pytest.raises(InputError, match="^f: .*: refused. Nothing of it ran"):
        read_pickle(data, "f")


DAMAGED = {
    "empty": b"",
    "text": b"hello",
    "no stop": b"\x80\x02}",
    "two values": b"\x80\x02K\1K\2.",
    "empty stack": b"\x80\x02R.",
    "below the mark": b"\x80\x02K\1(\x85.",
    "no mark": b"\x80\x02K\1t.",
    "not in the memo": b"\x80\x02h\5.",
    "odd items": b"\x80\x02}(K\1K\2K\3u.",
    "key of a list": b"\x80\x02}]K\1s.",
    "append to a text": b"\x80\x02U\1aK\1a.",
    "short array": python2_pickle({"data": np.zeros((2, 300), np.uint8)}).replace(
        struct.pack("<i", 600), struct.pack("<i", 599)
    ),
    "huge text": b"\x80\x02T\xff\xff\xff\x7fabc.",
    "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.",
}


@pytest.mark.spec("CNN-031", "refused in one sentence")
@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_pickle_is_refused(data):
    with pytest.raises(InputError, match="^f: is not a whole pickle") as caught:
        read_pickle(data, "f")
    assert "\n" not in str(caught.value)


def test_nesting_costs_no_stack():
    deep = b"\x80\x02" + b"]" * 20_000 + b"a" * 19_999 + b"."
    assert isinstance(read_pickle(deep, "f"), list)
    itself = b"\x80\x02}q\0U\1ah\0s."
    assert list(read_pickle(itself, "f")) == ["a"]


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=4)
    ),
)


@given(TREES, st.integers(2, 5))
def test_plain_values_come_back(tree, protocol):
    assert read_pickle(pickle.dumps(tree, protocol), "f") == tree


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_a_changed_byte_gives_a_value_or_a_sentence(seed, protocol):
    rng = np.random.default_rng(seed)
    kept = {"data": np.zeros((2, 3), np.uint8), "labels": [1, 300], "b": b"x", "f": 0.5}
    data = bytearray(pickle.dumps(kept, protocol))
    for place in rng.integers(0, len(data), 2):
        data[place] = rng.integers(256)
    try:
        read_pickle(bytes(data), "f")
    except InputError as error:
        assert str(error).startswith("f: ")


@given(st.integers(1, 5), st.integers(1, 5), st.booleans(), st.integers(2, 5))
def test_arrays_of_bytes_come_back(rows, columns, fortran, protocol):
    array = np.arange(rows * columns, dtype=np.uint8).reshape(rows, columns)
    array = np.asfortranarray(array) if fortran else array
    read = read_pickle(pickle.dumps({"data": array}, protocol), "f")
    np.testing.assert_array_equal(read["data"], array)
