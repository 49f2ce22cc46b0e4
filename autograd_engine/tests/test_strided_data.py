"""Index, position, stride and shape: `src.strided.indexing` and `TensorData`."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.strided import TensorData
from src.strided.indexing import (
    broadcast_index,
    index_to_position,
    shape_broadcast,
    strides_of,
    to_index,
)
from src.utils.contracts import ContractError
from tests.strided_tools import broadcast_shapes, seeds, shapes, strided, values_of


@pytest.mark.spec("AGE-010", "inverse of `index_to_position` on a contiguous tensor")
@given(shapes)
def test_index_and_position_are_inverse(shape):
    data = TensorData(np.zeros(max(1, int(np.prod(shape)))), shape)
    sizes, strides = np.array(shape, dtype=int), np.array(data.strides, dtype=int)
    indices = [to_index(p, sizes) for p in range(data.size)]
    assert [tuple(i.tolist()) for i in indices] == list(data.indices())
    assert [index_to_position(i, strides) for i in indices] == list(range(data.size))


@pytest.mark.spec("AGE-010", "`positions` finds the same places")
@given(shapes, seeds)
def test_positions_equal_the_formula(shape, seed):
    _, data = strided(shape, seed)
    strides = np.array(data.strides, dtype=int)
    expected = [
        data.offset + index_to_position(np.array(index, dtype=int), strides)
        for index in data.indices()
    ]
    assert data.positions() == expected
    assert data.elements() == [data.get(index) for index in data.indices()]


@pytest.mark.spec("AGE-010", "read what numpy reads and share the storage")
@given(shapes, seeds, st.data())
def test_movement_reads_what_numpy_reads(shape, seed, draw):
    array, data = strided(shape, seed)
    order = draw.draw(st.permutations(range(len(shape))))
    start = draw.draw(st.integers(-5, 5))
    cut = (slice(start, None, 2), ...) if shape else (None, ...)
    wide = (2, *(3 if size == 1 else size for size in shape))
    for ours, numpys in [
        (data.permute(order), array.transpose(order)),
        (data.select(cut), array[cut]),
        (data.broadcast_to(wide), np.broadcast_to(array, wide)),
    ]:
        assert ours.storage is data.storage
        np.testing.assert_array_equal(values_of(ours, "simple"), numpys)


@given(shapes, seeds)
def test_contiguous_is_what_numpy_says(shape, seed):
    array, data = strided(shape, seed)
    assert data.is_contiguous() == array.flags.c_contiguous


@pytest.mark.parametrize("index", [1, -1, (0, -2), (slice(1, None), None, 2), (..., 0)])
def test_integers_count_from_either_end(index):
    array = np.arange(12.0).reshape(3, 4)
    data = TensorData(array.reshape(-1), (3, 4)).select(index)
    np.testing.assert_array_equal(values_of(data, "simple"), array[index])


@pytest.mark.spec("AGE-011", "Shapes broadcast as numpy's")
@given(broadcast_shapes())
def test_broadcast_shapes_are_numpys(pair):
    first, second = pair
    expected = np.broadcast_shapes(first, second)
    assert shape_broadcast(first, second, "add") == expected
    assert shape_broadcast(second, first, "add") == expected
    assert shape_broadcast(first, expected, "add") == expected
    data = TensorData(np.zeros(max(1, int(np.prod(first)))), first)
    wide = data.broadcast_to(expected)
    sizes = np.array(first, dtype=int)
    narrow = [
        data.offset
        + index_to_position(
            broadcast_index(np.array(i, dtype=int), sizes),
            np.array(data.strides, dtype=int),
        )
        for i in wide.indices()
    ]
    assert wide.positions() == narrow


@pytest.mark.spec("AGE-011", "refused with both shapes, the operation and the axis")
def test_shapes_that_do_not_broadcast_are_named():
    for a, b in itertools.permutations([(2, 3, 4), (2, 4)]):
        with pytest.raises(RuntimeError) as error:
            shape_broadcast(a, b, "mul")
        text = str(error.value)
        assert text.startswith(f"mul: shapes {a} and {b} do not broadcast: axis -2 has")
    with pytest.raises(RuntimeError, match=r"\(0,\) and \(3,\)"):
        shape_broadcast((0,), (3,), "add")


@pytest.mark.spec("AGE-012", "says to call `.contiguous()`")
def test_view_needs_a_contiguous_tensor():
    data = TensorData(np.arange(6.0), (2, 3))
    assert data.view((3, -1)).shape == (3, 2)
    with pytest.raises(RuntimeError, match=r"strides \(1, 3\).*call \.contiguous\(\)"):
        data.permute((1, 0)).view((6,))
    with pytest.raises(RuntimeError, match=r"has 6 elements.*\(4, 2\)"):
        data.view((4, 2))
    with pytest.raises(RuntimeError, match="one size may be -1"):
        data.view((-1, -1))


@pytest.mark.spec("AGE-012", "lead outside the storage are refused")
@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((7,), (1,), 0), ((2, 3), (3, 1), 1), ((2,), (-1,), 0), ((2,), (1,), -1)],
)
def test_a_layout_outside_the_storage_is_refused(shape, strides, offset):
    with pytest.raises(ValueError, match="of a storage of 6 elements"):
        TensorData(np.zeros(6), shape, strides, offset)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda d: d.permute((0, 0)), RuntimeError, "each of the 2 axes"),
        (lambda d: d.permute((0, 2)), IndexError, "dim 2 is outside a tensor of 2"),
        (lambda d: d.select(3), IndexError, r"index 3 is outside axis 0 of .* -2 to 1"),
        (lambda d: d.select((0, 0, 0)), IndexError, "at most 2"),
        (lambda d: d.select(slice(None, None, -1)), ValueError, "step -1"),
        (lambda d: d.select([0, 1]), NotImplementedError, "index of list"),
        (lambda d: d.select(True), NotImplementedError, "index of bool"),
        (lambda d: d.get((0, 3)), IndexError, r"\(0, 3\) is outside shape \(2, 3\)"),
        (lambda d: d.get((0,)), IndexError, "outside shape"),
        (lambda d: d.broadcast_to((2, 1)), RuntimeError, "does not expand"),
        (lambda d: TensorData([1.0], (1,), (1, 1)), ValueError, "one stride an axis"),
        (lambda d: TensorData(np.zeros((2, 2)), (4,)), TypeError, "with one axis"),
        (lambda d: TensorData(np.zeros(2, "f4"), (2,)), TypeError, "float32"),
        (lambda d: to_index(6, np.array([2, 3])), IndexError, "position 6 is outside"),
        (lambda d: broadcast_index(np.array([0]), np.array([1, 1])), IndexError, "1 a"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(call, kind, text):
    with pytest.raises(kind, match=text):
        call(TensorData(np.arange(6.0), (2, 3)))


def test_index_and_strides_have_one_length():
    with pytest.raises(ContractError, match="axis dims is 3"):
        index_to_position(np.array([0, 1]), np.array(strides_of((2, 3, 4))))
    with pytest.raises(ContractError, match="dtype is float64"):
        index_to_position(np.array([0.0]), np.array([1]))
