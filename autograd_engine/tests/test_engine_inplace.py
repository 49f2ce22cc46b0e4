"""Writes in place: the gradient is torch's, or the write or the backward is refused."""

import warnings

import numpy as np
import pytest
import torch

import src as ag
from src.ops.inplace import VARIANTS


# Arguments besides the tensor; those that are not here take none.
NUMBER = "add sub mul div remainder fmod pow clamp_min clamp_max xlogy".split()
TENSOR = "hypot atan2 copysign".split()
ARGUMENTS = (
    {f"{name}_": (2.0,) for name in NUMBER}
    | {f"{name}_": ("tensor",) for name in TENSOR}
    | {
        "clamp_": (0.3, 0.6),
        "lerp_": ("tensor", 0.3),
        "addcmul_": ("tensor", "tensor"),
        "addcdiv_": ("tensor", "tensor"),
        "fill_": (0.5,),
        "zero_": (),
        "copy_": ("tensor",),
        "masked_fill_": ("mask", 0.0),
        "masked_scatter_": ("mask", "tensor"),
        "index_add_": (0, "index", "tensor"),
        "index_copy_": (0, "index", "tensor"),
        "index_fill_": (0, "index", 0.5),
        "put_": ("index", "two"),
        "scatter_": (0, "indices", "tensor"),
        "scatter_add_": (0, "indices", "tensor"),
        "tril_": (),
        "triu_": (),
        "xlogy_": ("tensor",),
        "addmm_": ("tensor", "tensor"),
    }
)
SKIPPED = {"floor_divide_", "addmv_", "addr_", "baddbmm_", "addbmm_", "asinh_"}
SKIPPED |= {"acosh_", "atanh_"}  # torch has no derivative of these
NAMES = sorted((VARIANTS.keys() | ARGUMENTS.keys()) - SKIPPED)
VALUES = np.array([[0.2, 0.5], [0.7, 0.9]])
PARTS = {
    "tensor": np.array([[0.4, 0.6], [0.3, 0.8]]),
    "two": np.array([0.25, 0.75]),
    "mask": np.array([[True, False], [False, True]]),
    "index": np.array([1, 0]),
    "indices": np.array([[1, 0], [0, 1]]),
}


def leaf_after_use(engine, x, write):
    y = x * x
    write(x)
    return y


def computed(engine, x, write):
    y = x * 3
    write(y)
    return y * y


def needed_by_backward(engine, x, write):
    y = x * 3
    z = y * y
    write(y)
    return z


def own_result_needed(engine, x, write):
    y = x.exp()
    z = y * 2
    write(y)
    return z + y


def view_of_leaf(engine, x, write):
    write(x[:])
    return x * 2


def base_with_a_live_view(engine, x, write):
    y = x * 3
    view = y[:]
    write(y)
    return view * y


def view_of_computed(engine, x, write):
    y = x * 3
    write(y[:])
    return y * y


def inside_no_grad(engine, x, write):
    z = x * x
    with engine.no_grad():
        write(x)
    return z


def through_a_detached_alias(engine, x, write):
    y = x * 3
    z = y * y
    write(y.detach())
    return z


def through_a_view_of_a_detached_alias(engine, x, write):
    y = x * 3
    z = y.exp()
    write(z.detach()[:])
    return z


def argument_of_itself(engine, x, write):
    y = x * 3
    y = y * y if engine is torch else y.mul_(y)  # torch refuses the latter
    write(y)
    return y


def view_taken_inside_no_grad(engine, x, write):
    y = x * 3
    z = y * y
    with engine.no_grad():
        view = y[:]
    with engine.no_grad():
        write(view)
    return z


SCENES = [
    leaf_after_use,
    computed,
    needed_by_backward,
    own_result_needed,
    view_of_leaf,
    base_with_a_live_view,
    view_of_computed,
    inside_no_grad,
    through_a_detached_alias,
    through_a_view_of_a_detached_alias,
    argument_of_itself,
    view_taken_inside_no_grad,
]


def outcome(engine, scene, name):
    """The gradient, or the error that took its place."""
    make = engine.tensor
    x = make(VALUES, requires_grad=True)
    values = [make(PARTS[a]) if a in PARTS else a for a in ARGUMENTS.get(name, ())]
    try:
        out = scene(engine, x, lambda tensor: getattr(tensor, name)(*values))
        if not out.requires_grad:
            return "no gradient"
        out.sum().backward()
    except (RuntimeError, NotImplementedError) as error:
        return error
    return None if x.grad is None else np.array(x.grad.detach().numpy())


@pytest.mark.spec("AGE-028", "that was written in place is refused")
@pytest.mark.spec("AGE-029", "a recorded write to")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_no_write_leaves_a_wrong_gradient(scene):
    right = 0
    for name in NAMES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = outcome(torch, scene, name)
        ours = outcome(ag, scene, name)
        if isinstance(ours, Exception):
            assert isinstance(ours, RuntimeError), name
            continue
        assert not isinstance(theirs, Exception), f"{name}: torch says {theirs}"
        if isinstance(ours, np.ndarray):
            np.testing.assert_allclose(ours, theirs, 1e-12, 1e-12, err_msg=name)
        else:
            assert type(ours) is type(theirs), name
        right += 1
    assert right >= (50 if scene is computed else 0)


def test_every_in_place_method_is_among_them():
    methods = {n for n in dir(ag.Tensor) if n.endswith("_") and n[0] != "_"}
    others = "normal_ uniform_ bernoulli_ requires_grad_ index_put_ scatter_reduce_"

    assert methods - set(NAMES) - SKIPPED == set(others.split())


@pytest.mark.spec(
    "AGE-028", "naming the operation that needs it and the one that wrote"
)
def test_the_error_names_both_operations():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    y.mul_(2.0)

    with pytest.raises(RuntimeError, match=r"backward of exp needs.*mul_ wrote to it"):
        y.sum().backward()


@pytest.mark.spec("AGE-028", "that was written in place is refused")
@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
def test_an_optimiser_step_between_forward_and_backward_is_noticed(kind):
    for engine in (torch, ag):
        weight = engine.tensor([2.0, 3.0], requires_grad=True)
        optimizer = getattr(engine.optim, kind)([weight], lr=0.1)
        (weight * weight).sum().backward()
        late = (weight * weight).sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match="inplace|wrote"):
            late.backward()


def test_a_write_through_data_is_not_seen():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    x.data[:] = 5.0
    y.backward()

    assert x.grad.tolist() == [10.0, 10.0]


@pytest.mark.parametrize("name", ["add_", "div_", "mul_"])
def test_a_float_does_not_go_into_integers(name):
    for engine in (torch, ag):
        with pytest.raises(RuntimeError):
            getattr(engine.tensor([1, 2]), name)(1.5)
    assert ag.tensor([1.0], dtype=ag.float16).add_(ag.tensor([0.5])).dtype == ag.float16


@pytest.mark.spec("AGE-029", "takes the gradient from what is overwritten")
def test_retained_gradients_are_those_of_the_value_after_the_write():
    found = []
    for engine in (torch, ag):
        x = engine.tensor([1.0, 2.0], requires_grad=True)
        y = x * 2
        y.retain_grad()
        y[0] = 7.0
        y.mul_(3.0)
        (y * y).sum().backward()
        found.append((x.grad.tolist(), y.grad.tolist()))

    assert found[0] == found[1]
