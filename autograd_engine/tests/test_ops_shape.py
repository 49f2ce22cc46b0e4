"""Views, joining, splitting, repeating and padding beside torch."""

import numpy as np
import pytest

import src as ag
from src import functional as F
from tests.beside_torch import compare, numbers


X = numbers(2, 3, 4)
M = numbers(4, 5)
VIEWS = {
    "view": lambda lib, x: x.view(6, -1),
    "reshape of a transpose": lambda lib, x: x.transpose(0, 2).reshape(-1, 6),
    "flatten": lambda lib, x: lib.flatten(x, 1),
    "unflatten": lambda lib, x: lib.unflatten(x, -1, (2, -1)),
    "permute": lambda lib, x: x.permute(2, 0, -2),
    "movedim": lambda lib, x: lib.movedim(x, (0, 1), (-1, 0)),
    "mT": lambda lib, x: x.mT,
    "squeeze": lambda lib, x: x[:, :1].squeeze((0, 1)),
    "unsqueeze": lambda lib, x: x.unsqueeze(-2),
    "expand": lambda lib, x: x[:, :, :1].expand(5, -1, 3, 2),
    "narrow": lambda lib, x: lib.narrow(x, 1, -2, 1),
    "select": lambda lib, x: lib.select(x, -1, -2),
    "unfold": lambda lib, x: x.unfold(2, 3, 1).unfold(0, 1, 2),
    "diagonal": lambda lib, x: lib.diagonal(x, 1, 2, 0),
    "diag_embed": lambda lib, x: lib.diag_embed(x, -1, 0, 2),
    "select_scatter": lambda lib, x: lib.select_scatter(x, x[:, :, 1], 2, -1),
    "slice_scatter": lambda lib, x: lib.slice_scatter(x, x[:, :2], 1, 0, 3, 2),
    "diagonal_scatter": lambda lib, x: lib.diagonal_scatter(x, x[0, :2].mT, 1, 0, 1),
    "unbind": lambda lib, x: lib.unbind(x, 1),
    "split": lambda lib, x: lib.split(x, 3, -1),
    "split into sizes": lambda lib, x: lib.split(x, [1, 0, 3], 2)[::2],
    "chunk": lambda lib, x: lib.chunk(x, 3, 2),
    "tensor_split": lambda lib, x: lib.tensor_split(x, (1, 7), 2),
    "cat": lambda lib, x: lib.cat([x, x[:, :, :1]], -1),
    "stack": lambda lib, x: lib.stack([x, x * 2], -1),
    "column_stack": lambda lib, x: lib.column_stack([x[0, 0], x[0].mT]),
    "meshgrid": lambda lib, x: lib.meshgrid(x[0, 0], x[0, :, 0], indexing="xy"),
    "block_diag": lambda lib, x: lib.block_diag(x[0], x[1, 0]),
    "repeat": lambda lib, x: x.repeat(2, 1, 3, 2),
    "repeat once": lambda lib, x: x.repeat(1, 1, 1) * x,
    "tile": lambda lib, x: lib.tile(x, (2, 2)),
    "repeat_interleave": lambda lib, x: lib.repeat_interleave(x, 3, 1),
    "repeat_interleave by tensor": lambda lib, x: lib.repeat_interleave(
        x, lib.tensor([2, 0, 1]), 1
    ),
    "roll": lambda lib, x: lib.roll(x, (1, -5), (0, 2)),
    "flip": lambda lib, x: lib.flip(x, dims=(0, -1)),
    "rot90": lambda lib, x: lib.rot90(x, 3, (1, 2)),
    "tril": lambda lib, x: lib.tril(x, -1),
    "triu": lambda lib, x: lib.triu(x, 2),
}


@pytest.mark.spec("AGE-041", "value, gradient and second derivative of torch")
@pytest.mark.parametrize("name", VIEWS)
def test_shape_operations(name):
    compare(VIEWS[name], X)


@pytest.mark.parametrize(
    ("pads", "mode"),
    [
        ((1, 2), "constant"),
        ((-1, 2, 0, -1), "constant"),
        ((3, 1), "reflect"),
        ((1, 2, 2, 0), "reflect"),
        ((4, 0, 1, 5), "replicate"),
        ((4, 2, 3, 0), "circular"),
        ((-1, 2, 1, -1), "circular"),
        ((-1, 2), "reflect"),
    ],
)
def test_pad(pads, mode):
    if len(pads) == 2:
        compare(lambda lib, x: functional(lib).pad(x, pads, mode), X)
    else:
        compare(lambda lib, x: functional(lib).pad(x, pads, mode), X[None])


def functional(lib):
    return F if lib is ag else lib.nn.functional


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0, 2)])
def test_empty_tensors(shape):
    x = np.zeros(shape)
    compare(lambda lib, x: x.reshape(-1).reshape(shape), x)
    compare(lambda lib, x: lib.cat([x, x], 0), x, second=False)
    compare(lambda lib, x: lib.stack([x, x], -1), x)
    compare(lambda lib, x: lib.flip(x, (0,)), x)
    compare(lambda lib, x: lib.roll(x, 1, 0), x)
    compare(lambda lib, x: lib.chunk(x, 2, 0), x)
    compare(lambda lib, x: x.repeat(*(2,) * len(shape)), x)
    compare(lambda lib, x: x[None].expand(3, *shape), x)


@pytest.mark.spec("AGE-042", "share the memory and the version")
def test_views_share_memory_and_copies_do_not():
    x = ag.tensor(X)
    views = [x.view(-1), x.mT, x[0], x[:, None, 1:], x.expand(2, 2, 3, 4), x.squeeze()]
    views += [
        *x.split(2, 2),
        *x.unbind(1),
        x.diagonal(),
        x.unfold(2, 2, 1),
        x.flatten(),
    ]
    assert all(np.shares_memory(y.data, x.data) for y in views)
    assert all(y._version is x._version for y in views)
    copies = [x.repeat(1, 1, 1), x.flip(0), x.mT.reshape(-1), x.clone(), x[[0, 1]]]
    copies += [
        x.roll(1, 0),
        x.tril(),
        x.mT.contiguous(),
        x.index_select(0, ag.tensor([0])),
    ]
    assert not any(np.shares_memory(y.data, x.data) for y in copies)
    assert x.contiguous() is x


def test_a_write_without_gradients_reaches_all_views():
    x = ag.tensor(np.zeros((2, 3)))
    row, column, diagonal = x[0], x[:, 1], x.diagonal()
    diagonal[...] = ag.tensor(5.0)
    assert (row.tolist(), column.tolist()) == ([5, 0, 0], [0, 5])


@pytest.mark.parametrize("offset", [-9, -4, 0, 3, 9])
def test_a_diagonal_beyond_the_corner(offset):
    import torch

    x = torch.from_numpy(M)
    if -4 <= offset <= 5:
        assert ag.tensor(M).diagonal(offset).tolist() == x.diagonal(offset).tolist()
    assert (
        ag.diagflat(ag.tensor(M[0]), offset).tolist() == x[0].diagflat(offset).tolist()
    )
    compare(lambda lib, m: lib.tril(m, offset), M)


REFUSED = {
    "view of a transpose": (lambda x: x.mT.view(-1), "contiguous"),
    "reshape": (lambda x: x.reshape(5, -1), r"\(2, 3, 4\) do not fill \(5, -1\)"),
    "permute": (lambda x: x.permute(0, 1), "permute: 2 dims"),
    "transpose": (lambda x: x.transpose(0, 3), "allowed are -3 to 2"),
    "expand": (lambda x: x.expand(5, 3, 4), r"\(2, 3, 4\) does not broadcast"),
    "cat": (lambda x: ag.cat([x, x[:, :2]]), r"\(2, 3, 4\) and \(2, 2, 4\)"),
    "cat of nothing": (lambda x: ag.cat([]), "at least one"),
    "stack": (lambda x: ag.stack([x, x[0]]), r"stack: shapes .* \(tensor 1\)"),
    "split": (lambda x: x.split([1, 2]), "do not add up to axis 0 of size 2"),
    "hsplit": (lambda x: x.hsplit(2), "do not divide axis 1"),
    "narrow": (lambda x: x.narrow(0, 1, 5), "exceeds 2"),
    "unfold": (lambda x: x.unfold(0, 3, 1), "size 3, step 1"),
    "diagonal": (lambda x: x.diagonal(0, 1, -2), "same axis"),
    "tril": (lambda x: x[0, 0].tril(), "at least 2 axes"),
    "repeat": (lambda x: x.repeat(2), r"repeat: \(2,\)"),
    "pad": (lambda x: F.pad(x, (5, 0), "reflect"), "at most 3"),
    "pad around": (lambda x: F.pad(x, (5, 0), "circular"), "at axis 2 of size 4"),
    "pad mode": (lambda x: F.pad(x, (1, 1), "mirror"), "reflect"),
}


@pytest.mark.spec("AGE-043", "names the operation, the shapes and what is allowed")
@pytest.mark.parametrize("name", REFUSED)
def test_wrong_calls_say_what_is_wrong(name):
    call, words = REFUSED[name]
    with pytest.raises((RuntimeError, IndexError, NotImplementedError), match=words):
        call(ag.tensor(X))


def test_dtypes_are_promoted_where_tensors_are_joined():
    mixed = [ag.tensor([1, 2]), ag.tensor([0.5]), ag.tensor([True])]
    assert ag.cat(mixed).dtype == ag.float32
    assert ag.cat([mixed[0], mixed[2]]).dtype == ag.int64
    assert ag.stack([mixed[0][:1], mixed[2]]).tolist() == [[1], [1]]
