"""Nested content comes back as it was, and only plain content is written."""

import struct
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from src import load, nn, save
from src.utils.archive import pack, unpack
from src.utils.errors import InputError


DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip


def round_trip(content, path: Path):
    path.write_bytes(pack(content))
    return unpack(path)


def same(a, b) -> bool:
    """Equal in value, type, dtype, shape and every bit of a number."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        bits = np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
        return (a.dtype, a.shape) == (b.dtype, b.shape) and bits
    if isinstance(a, dict):
        pairs = zip(a.items(), b.items(), strict=False)
        return len(a) == len(b) and all(same([*x], [*y]) for x, y in pairs)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or a != a and b != b
    return a == b


ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0))
)
TEXT = st.text(st.characters(), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
CONTENT = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXT | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.spec("AGE-065", "comes back with every bit, type and order")
@given(CONTENT)
def test_content_comes_back(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "content.npz"
    assert same(round_trip(content, path), content)


@pytest.mark.spec("AGE-065", "of any shape and memory order")
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_shape_and_order(tmp_path, dtype):
    grid = np.arange(24).reshape(2, 3, 4).astype(dtype)
    content = {
        "whole": grid,
        "scalar": np.array(grid[1, 2, 3]),
        "empty": grid[:, :0],
        "transposed": grid.T,
        "steps": grid[:, ::-1, ::2],
        "broadcast": np.broadcast_to(grid[0, 0], (5, 4)),
        "other bytes": grid.astype(grid.dtype.newbyteorder(">")),
    }
    found = round_trip(content, tmp_path / "x.npz")
    for name, array in found.items():
        assert np.array_equal(array, content[name]), name
        assert array.shape == content[name].shape, name
        assert array.dtype == np.dtype(dtype) and array.dtype.isnative
        assert array.flags.writeable and array.flags.owndata, name


def test_numpy_reads_the_arrays_by_their_place(tmp_path):
    content = {"model": {"layers.0.weight": np.ones(3)}, "optimizer": {0: [np.ones(2)]}}
    (tmp_path / "x.npz").write_bytes(pack(content))
    with np.load(tmp_path / "x.npz", allow_pickle=False) as file:
        assert sorted(file) == ["model/layers.0.weight", "optimizer/0/0", "tree.json"]
        assert file["model/layers.0.weight"].tolist() == [1, 1, 1]


def test_equal_content_gives_equal_bytes():
    content = {"a": np.arange(5), "b": [1.5, "x"]}
    assert bytes(pack(content)) == bytes(pack({"a": np.arange(5), "b": [1.5, "x"]}))


def test_an_array_at_two_places_is_stored_once(tmp_path):
    shared = np.ones(10_000)
    found = round_trip({"a": shared, "b": [shared]}, tmp_path / "x.npz")
    assert found["a"] is found["b"][0]
    assert (tmp_path / "x.npz").stat().st_size < 90_000


def test_a_view_is_stored_without_the_rest_of_its_array(tmp_path):
    large = np.arange(1_000_000.0)
    found = round_trip({"step": large[::100_000]}, tmp_path / "x.npz")
    assert (tmp_path / "x.npz").stat().st_size < 2000
    assert np.array_equal(found["step"], large[::100_000])


NAMES = [
    "../../up", "/root", "..", ".", "", "a/b", "a~1", "a", "é猫", "\udcff",
    "x" * 70_000, "x" * 70_001, "a\0b", "tree.json", "C:\\x", "%2E",
    1, "1", -1, 1.5, None,
]  # fmt: skip


def test_no_key_can_leave_its_folder_or_hide_another(tmp_path):
    content = {name: np.array([i]) for i, name in enumerate(NAMES)}
    assert same(round_trip(content, tmp_path / "x.npz"), content)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as file:
        for name in file:
            assert not name.startswith((".", "/")) and "/" not in name, name
            assert "\\" not in name and len(name) < 300


def test_names_that_are_made_different_hide_none(tmp_path):
    content = {"1": np.zeros(1), "1~2": np.ones(1), 1: np.ones(2)}
    assert same(round_trip(content, tmp_path / "x.npz"), content)


def test_an_array_in_the_order_of_fortran_is_read(tmp_path):
    path, array = tmp_path / "x.npz", np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.save(tmp_path / "a.npy", array)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tree.json", '{"array":"a"}')
        archive.write(tmp_path / "a.npy", "a.npy")
    assert np.array_equal(unpack(path), array)


NOT_PLAIN = [
    np.float64(1), np.int64(1), np.bool_(True), Path("x"), {1, 2}, 1j, b"x",
    Fraction(1), object(), range(3), np.ma.masked_array([1]),
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_PLAIN, ids=lambda v: type(v).__name__)
def test_what_is_not_plain_is_refused_with_its_place(value):
    with pytest.raises(TypeError, match=r"checkpoint\['a'\]\[1\]\['b'\] is a "):
        pack({"a": [1, {"b": value}]})


@pytest.mark.parametrize(
    "dtype", ["O", "U3", "S3", "M8[s]", "m8[s]", "V4", "f8,i4", "g"]
)
def test_an_array_of_no_numbers_is_refused(dtype):
    with pytest.raises(TypeError, match=r"\['w'\] is an array of .*; save numbers"):
        pack({"w": np.zeros(2, dtype)})


@pytest.mark.parametrize("key", [(), (1, 2), b"x", np.int64(1)], ids=repr)
def test_a_key_that_is_not_plain_is_refused(key):
    with pytest.raises(TypeError, match="has the key .*; use text or a number"):
        pack({"a": {key: 1}})


def test_a_state_dict_is_saved_and_loaded_by_the_public_names(tmp_path):
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    save(model.state_dict(), tmp_path / "model.npz")
    other.load_state_dict(load(str(tmp_path / "model.npz")))
    assert np.array_equal(other.weight.data, model.weight.data)
    with pytest.raises(TypeError, match="weight'. is a "):
        save({"weight": model.weight}, tmp_path / "model.npz")
    with pytest.raises(InputError, match=r"none\.npz cannot be read: No such file"):
        load(tmp_path / "none.npz")
