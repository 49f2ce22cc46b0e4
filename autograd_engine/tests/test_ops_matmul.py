"""Products of matrices, einsum and their kin beside torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import src as ag
from tests.beside_torch import compare, numbers


SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((5, 0, 3), (3, 4)),
]
EQUATIONS = {
    "i,i->": [(3,), (3,)],
    "ij->ji": [(2, 3)],
    "ij": [(2, 3)],
    "ji": [(2, 3)],
    "ii->i": [(3, 3)],
    "ii": [(3, 3)],
    "iij->j": [(3, 3, 2)],
    "...ii->...i": [(2, 3, 3)],
    "ij->": [(2, 3)],
    "ij,jk": [(2, 3), (3, 4)],
    "ij,kj->ik": [(2, 3), (4, 3)],
    "i,j->ij": [(2,), (3,)],
    "bthd,bshd->bhts": [(2, 3, 2, 4), (2, 5, 2, 4)],
    "bhts,bshd->bthd": [(2, 2, 3, 5), (2, 5, 2, 4)],
    "...ij,...jk->...ik": [(2, 1, 2, 3), (4, 3, 2)],
    "ij,ij,ij->i": [(2, 3), (2, 3), (2, 3)],
    "ab,bc,cd->ad": [(2, 3), (3, 4), (4, 2)],
    "bij,j->b": [(2, 3, 4), (4,)],
    "ij,j->ij": [(2, 3), (1,)],
    "ii,ij->j": [(3, 3), (3, 2)],
    "b...,b...->...": [(2, 3, 1), (2, 3, 4)],
    "i,j->": [(2,), (3,)],
    "aA,Ab->ab": [(2, 3), (3, 2)],
}


def inputs(shapes):
    return [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]


@pytest.mark.parity("matmul", "torch.matmul")
@pytest.mark.spec("AGE-039", "`matmul` of every pair of ranks")
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul(shapes, parity):
    compare(lambda lib, x, y: lib.matmul(x, y), *inputs(shapes), parity=parity)


@pytest.mark.spec("AGE-039", "`matmul` of every pair of ranks")
def test_matmul_of_turned_operands():
    x, y = inputs([(3, 2), (4, 3)])
    compare(lambda lib, x, y: x.T @ y.T, x, y)
    x, y = inputs([(2, 5, 3, 4), (2, 6, 3, 4)])
    compare(lambda lib, x, y: x.transpose(1, 2) @ y.permute(0, 2, 3, 1), x, y)


@pytest.mark.parity("einsum", "torch.einsum")
@pytest.mark.spec("AGE-039", "`einsum` of any subscripts")
@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation, parity):
    arrays = inputs(EQUATIONS[equation])
    compare(lambda lib, *xs: lib.einsum(equation, *xs), *arrays, parity=parity)


@given(st.data())
def test_random_einsums(data):
    sizes = dict(a=1, b=2, c=3, d=2)
    terms = data.draw(
        st.lists(st.text("abcd", min_size=1, max_size=3), min_size=1, max_size=3)
    )
    letters = sorted(set("".join(terms)))
    out = data.draw(st.lists(st.sampled_from(letters), unique=True, max_size=3))
    equation = f"{','.join(terms)}->{''.join(out)}"
    arrays = inputs([[sizes[letter] for letter in term] for term in terms])
    compare(lambda lib, *xs: lib.einsum(equation, *xs), *arrays, second=False)


@pytest.mark.spec("AGE-039", "a pair of operands is one batched product of matrices")
def test_attention_scores_are_one_product(monkeypatch):
    calls = []
    product = np.matmul
    monkeypatch.setattr(
        np, "matmul", lambda x, y: calls.append(x.shape) or product(x, y)
    )
    ag.einsum("bthd,bshd->bhts", ag.randn(2, 3, 4, 5), ag.randn(2, 6, 4, 5))
    assert calls == [(2, 4, 3, 5)]


@pytest.mark.spec("AGE-039", "value, gradient and second derivative")
@pytest.mark.parametrize(
    ("fn", "shapes"),
    [
        (lambda lib, x, y: lib.mm(x, y), [(2, 3), (3, 4)]),
        (lambda lib, x, y: lib.bmm(x, y), [(5, 2, 3), (5, 3, 4)]),
        (lambda lib, x, y: lib.mv(x, y), [(2, 3), (3,)]),
        (lambda lib, x, y: lib.dot(x, y) * lib.outer(x, y), [(3,), (3,)]),
        (lambda lib, x, y: lib.inner(x, y), [(2, 3), (4, 3)]),
        (lambda lib, x, y: lib.kron(x, y), [(2, 3), (2,)]),
        (lambda lib, x, y: lib.tensordot(x, y, 1), [(2, 3), (3, 4)]),
        (
            lambda lib, x, y: lib.tensordot(x, y, ([0, 2], [1, 0])),
            [(2, 3, 4), (4, 2, 5)],
        ),
        (
            lambda lib, x, y, z: lib.addmm(x, y, z, beta=2, alpha=0.5),
            [(4,), (2, 3), (3, 4)],
        ),
        (lambda lib, x, y, z: lib.addmv(x, y, z), [(2,), (2, 3), (3,)]),
        (lambda lib, x, y, z: lib.addr(x, y, z, alpha=3), [(2, 3), (2,), (3,)]),
        (lambda lib, x, y, z: lib.baddbmm(x, y, z), [(2, 4), (5, 2, 3), (5, 3, 4)]),
        (lambda lib, x, y, z: lib.addbmm(x, y, z), [(2, 4), (5, 2, 3), (5, 3, 4)]),
        (lambda lib, *xs: lib.linalg.multi_dot(xs), [(2, 3), (3, 4), (4, 2)]),
    ],
)
def test_products(fn, shapes):
    compare(fn, *inputs(shapes))


def test_integers_and_dtypes():
    x = ag.tensor([[1, 2], [3, 4]])
    assert (x @ x).tolist() == [[7, 10], [15, 22]] and (x @ x).dtype == ag.int64
    with pytest.raises(RuntimeError, match="matmul: dtypes int64 and float32 differ"):
        x @ x.float()
    with pytest.raises(NotImplementedError, match="matmul is not defined .* bool"):
        x.bool() @ x.bool()


@pytest.mark.spec("AGE-039", "shapes that do not fit are named")
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: x @ x, r"matmul: shapes \(2, 3\) and \(2, 3\) do not fit"),
        (lambda x: x @ ag.ones(()), r"matmul: shapes \(2, 3\) and \(\)"),
        (lambda x: ag.ones(2, 2, 3) @ ag.ones(3, 3, 2), r"matmul: .*\(3, 3, 2\)"),
        (lambda x: ag.mm(x, ag.ones(3)), "mm wants tensors of 2 and 2 axes"),
        (lambda x: ag.einsum("ij,jk", x, x), "einsum: 'j' of .* sizes 3 and 2"),
        (lambda x: ag.einsum("ijk", x), "does not name the axes"),
        (lambda x: ag.einsum("ij->k", x), "no operand has"),
        (lambda x: ag.tensordot(x, x, 1), "tensordot: axis 1"),
        (lambda x: ag.addmm(ag.ones(5), x, x.T), "does not broadcast|do not broadcast"),
    ],
)
def test_shapes_are_named(call, words):
    with pytest.raises(RuntimeError, match=words):
        call(ag.ones(2, 3))


def test_einsum_wants_its_operands():
    with pytest.raises(ValueError, match="names 2 operands, 1 given"):
        ag.einsum("i,j", ag.ones(2))
    with pytest.raises(ValueError, match="more than letters"):
        ag.einsum("i1", ag.ones(2, 2))
    assert torch.equal(
        torch.tensor(ag.einsum("i->", ag.ones(3)).item()), torch.tensor(3.0)
    )
