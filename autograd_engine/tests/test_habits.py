"""What users of PyTorch, numpy and micrograd type without thinking."""

import copy

import numpy as np
import pytest
import torch

import src as ag
from src import functional as F
from src import nn
from tests.torch_compare import agree, normal


REDUCTIONS = "sum mean prod var std any all amax amin argmax argmin logsumexp".split()


@pytest.mark.parametrize("name", REDUCTIONS)
def test_numpys_words_for_dim_and_keepdim(name: str) -> None:
    array = normal(3, 4)
    x, y = ag.tensor(array), torch.tensor(array)
    ours = getattr(x, name)(axis=1, keepdims=True)
    theirs = getattr(y, name)(dim=1, keepdim=True)
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)
    with pytest.raises(TypeError, match="axis"):
        getattr(x, name)(axis=0, dim=1)


def test_axis_of_what_joins_and_finds() -> None:
    x = ag.tensor(normal(2, 3))
    assert ag.cat([x, x], axis=1).shape == (2, 6)
    assert ag.stack([x, x], axis=-1).shape == (2, 3, 2)
    assert x.max(axis=1, keepdims=True).indices.shape == (2, 1)


@pytest.mark.parametrize("name", "exp sin tanh square negative log1p sign".split())
def test_numpys_functions_of_a_tensor_pass_gradients(name: str) -> None:
    agree(getattr(np, name), getattr(torch, name), [normal(3, 2)])


@pytest.mark.parametrize(
    "formula",
    [
        lambda a, x: a + x,
        lambda a, x: a - x,
        lambda a, x: a * x,
        lambda a, x: a / x,
        lambda a, x: abs(a) ** x,
        lambda a, x: a @ x,
        lambda a, x: a > x,
        lambda a, x: a == x,
        lambda a, x: np.float64(2) * x,
        lambda a, x: np.float64(2) < x,
    ],
)
def test_an_array_before_a_tensor(formula) -> None:
    a, array = normal(3, 3), normal(3, 3, seed=1)
    ours = formula(a, ag.tensor(array))
    assert isinstance(ours, ag.Tensor)
    np.testing.assert_allclose(ours.numpy(), formula(a, array))


def test_numpys_sums_and_questions_of_a_tensor() -> None:
    array = abs(normal(3, 4))
    x = ag.tensor(array, requires_grad=True)
    assert isinstance(np.mean(x), ag.Tensor) and np.sum(x, axis=1).requires_grad
    np.testing.assert_allclose(np.sum(x, axis=1).detach(), np.sum(array, axis=1))
    assert np.isfinite(x).all() and np.maximum(x, 0).equal(x) and np.argmax(x) >= 0


def test_a_step_on_data_by_the_gradient() -> None:
    p = ag.ones(3, requires_grad=True)
    (p * p).sum().backward()
    p.data -= 0.1 * p.grad
    p.data += -0.1 * p.grad
    assert isinstance(p.data, np.ndarray) and p.requires_grad
    np.testing.assert_allclose(p.data, [0.6] * 3, rtol=1e-6)
    with pytest.raises(TypeError, match="with a gradient"):
        p.data += p
    with pytest.raises(TypeError, match=r"numpy.cbrt is not for a tensor"):
        np.cbrt(p)
    with pytest.raises(TypeError, match=r"numpy.add is not for a tensor"):
        np.add.reduce(p)
    p.data = ag.zeros(3)
    with pytest.raises(TypeError, match=r"x.data = y.data"):
        repr(p)


def test_a_number_in_an_f_string() -> None:
    x = ag.tensor(1.23456, requires_grad=True) * 1
    y = torch.tensor(1.23456)
    assert f"{x:.2f} {x:>8.3f} {x}" == f"{y:.2f} {y:>8.3f} {y}"
    assert f"{ag.ones(2)}" == "tensor([1., 1.])"
    with pytest.raises(TypeError, match=r"for one number, .* \(2,\)"):
        f"{ag.ones(2):.2f}"


def test_integers_have_no_gradient_however_they_ask() -> None:
    x = ag.tensor([1, 2])
    x.requires_grad = True
    with pytest.raises(RuntimeError, match="only floating-point"):
        (x * 1.0).sum().backward()


def test_float_classes_are_told_to_be_integers() -> None:
    with pytest.raises(RuntimeError, match=r"target\.long\(\)"):
        F.cross_entropy(ag.ones(3, 4), ag.ones(3))


def test_where_torch_has_the_functions_of_networks() -> None:
    from src.nn import functional as there

    assert nn.functional is there and there.relu is F.relu
    assert set(F.__all__) <= set(vars(there))


def test_a_dict_of_modules_is_asked_as_a_dict() -> None:
    layers = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ReLU()})
    assert list(layers.keys()) == ["a", "b"] == [k for k, _ in layers.items()]
    assert list(layers.values()) == [layers["a"], layers["b"]]


def test_layers_and_optimisers_print_what_they_are() -> None:
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
    assert repr(layer) == "Conv2d(3, 4, (3, 3), stride=2, padding=1, bias=False)"
    assert repr(nn.Conv1d(1, 2, 3)) == "Conv1d(1, 2, (3,))"
    assert repr(nn.Linear(2, 3, bias=False)) == "Linear(2, 3, bias=False)"
    text = repr(ag.optim.Adam(copy.deepcopy(nn.Linear(2, 3)).parameters(), lr=0.5))
    assert text.startswith("Adam(\n  2 parameters: lr=0.5, betas=(0.9, 0.999)")


@pytest.mark.parametrize("inputs", [1, 2])
def test_every_function_of_numpy_that_is_taken_answers_as_numpy(inputs: int) -> None:
    """A name that both have may not mean two things."""
    checked = 0
    ufuncs = {f.__name__: f for f in vars(np).values() if isinstance(f, np.ufunc)}
    del ufuncs["reciprocal"]  # of integers a fraction, as in PyTorch
    for kind in ("f", "i", "b"):
        arrays = [abs(normal(3, 3, seed=i)) + 1.5 for i in range(inputs)]
        arrays = [a if kind == "f" else (3 * a).astype(np.int64) for a in arrays]
        arrays = [a > 6 if kind == "b" else a for a in arrays]
        for ufunc in ufuncs.values():
            if ufunc.nin != inputs or ufunc.nout != 1:
                continue
            try:
                with np.errstate(all="ignore"):
                    ours = ufunc(*arrays[:-1], ag.tensor(arrays[-1]))
                    theirs = ufunc(*arrays)
            except (TypeError, RuntimeError, NotImplementedError):
                continue
            checked += 1
            told = f"{ufunc.__name__} of {kind}"
            assert ours.shape == theirs.shape, told
            np.testing.assert_allclose(ours, theirs, rtol=2e-3, err_msg=told)
    assert checked > 40
