"""The tree of modules: names, saving and loading, replacing, lists."""

from copy import deepcopy

import numpy as np
import pytest

import src as ag
from src import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4))
        self.head = nn.Linear(4, 2, bias=False)
        self.tied = self.head
        self.scale = nn.Parameter(np.ones(1, np.float32))
        self.register_buffer("steps", ag.tensor(np.array(3)))

    def forward(self, x):
        return self.tied(self.body(x)) * self.scale


NAMES = [
    "scale", "steps", "body.0.weight", "body.0.bias", "body.2.weight", "body.2.bias",
    "body.2.running_mean", "body.2.running_var", "body.2.num_batches_tracked",
    "head.weight", "tied.weight",
]  # fmt: skip


@pytest.mark.spec("AGE-055", "a copy of every parameter and buffer by its dotted name")
def test_a_state_goes_round():
    net, other = Net(), Net()
    net(ag.tensor(np.ones((5, 3), np.float32) * np.arange(3, dtype=np.float32)))
    net.steps.data += 1
    state = net.state_dict()
    assert list(state) == NAMES
    other.load_state_dict(state)
    for name, value in other.state_dict().items():
        assert np.array_equal(value, state[name])
        assert value.dtype == state[name].dtype
    state["scale"][:] = 7  # copies both ways
    assert net.scale.item() == other.scale.item() == 1
    assert int(other.steps) == 4


@pytest.mark.spec(
    "AGE-055", "lists every missing, unknown and misshapen name and changes nothing"
)
def test_a_strict_load_lists_all_faults_and_changes_nothing():
    net = Net()
    before, state = net.state_dict(), Net().state_dict()
    del state["scale"], state["body.0.bias"]
    state |= {"extra": np.ones(2), "head.weight": np.ones((4, 2), np.float32)}
    with pytest.raises(RuntimeError) as told:
        net.load_state_dict(state)
    assert str(told.value).splitlines() == [
        "this state does not fit Net:",
        "  head.weight: shape (4, 2) where (2, 4) is expected",
        "  scale: missing",
        "  body.0.bias: missing",
        "  extra: unknown",
    ]
    for name, value in net.state_dict().items():
        assert np.array_equal(value, before[name])
    with pytest.raises(RuntimeError, match="head.weight: shape"):
        net.load_state_dict(state, strict=False)
    state["body.0.weight"] = np.ones((4, 3), complex)
    del state["head.weight"]
    with pytest.raises(TypeError, match="complex"):
        net.load_state_dict(state, strict=False)
    assert np.array_equal(net.state_dict()["body.2.bias"], before["body.2.bias"])


def test_a_loose_load_takes_what_is_there():
    net = Net()
    net.load_state_dict({"scale": [5.0], "other": np.ones(3)}, strict=False)
    assert net.scale.item() == 5


@pytest.mark.spec("AGE-055", "A shared parameter is counted once")
def test_a_shared_parameter_is_counted_once():
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    assert names == [n for n in NAMES if "tied" not in n and "running" not in n
                     and n not in ("steps", "body.2.num_batches_tracked")]  # fmt: skip
    net.other = nn.Linear(4, 2, bias=False)
    net.other.weight = net.head.weight
    assert len(list(net.parameters())) == len(names)
    assert "other.weight" in net.state_dict()
    net.other.register_buffer("steps", net.steps)
    assert [b is net.steps for b in net.buffers()].count(True) == 1
    with ag.no_grad():
        net.head.weight.add_(1.0)
    assert np.array_equal(net.state_dict()["other.weight"], net.head.weight.detach())


@pytest.mark.spec("AGE-055", "`train` and `eval` reach every module")
def test_modes_and_functions_reach_every_module():
    net, seen = Net(), []
    assert net.training
    assert not any(m.training for m in net.eval().modules())
    assert all(m.training for m in net.train().modules())
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Net", "Sequential", "Linear", "ReLU", "BatchNorm1d", "Linear"]
    assert [name for name, _ in net.named_children()] == ["body", "head", "tied"]


@pytest.mark.spec("AGE-055", "to a floating dtype and nothing else")
def test_a_module_moves_with_its_gradients_and_counts_stay_integers():
    net = Net()
    net.scale.grad = ag.tensor(np.ones(1, np.float32))
    assert net.to(ag.float64) is net
    kinds = {name: value.dtype for name, value in net.state_dict().items()}
    assert {n for n, k in kinds.items() if k == np.int64} == {
        "steps", "body.2.num_batches_tracked",
    }  # fmt: skip
    assert set(kinds.values()) == {np.dtype(np.int64), np.dtype(np.float64)}
    assert net.scale.grad.dtype == ag.float64
    assert net.float().scale.dtype == ag.float32
    assert net.to("cpu") is net
    with pytest.raises(TypeError, match="parameters of floats, not of int64"):
        net.to(ag.int64)
    net.zero_grad()
    assert net.scale.grad is None
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())


@pytest.mark.spec("AGE-056", "Nothing that is assigned is lost silently")
def test_names_take_what_they_held_or_none():
    net = Net()
    with pytest.raises(TypeError, match=r"Net\.scale holds a Parameter, not a float"):
        net.scale = 1.0
    with pytest.raises(TypeError, match=r"Net\.head holds a Module, not a int"):
        net.head = 3
    with pytest.raises(TypeError, match=r"Net\.steps holds a Tensor, not a ndarray"):
        net.steps = np.ones(2)
    with pytest.raises(TypeError, match="holds a Parameter, not a Tensor"):
        net.register_parameter("p", ag.tensor([1.0]))
    with pytest.raises(KeyError, match=r"'a\.b' is no name"):
        net.register_buffer("a.b", None)
    net.scale = None
    assert "scale" not in net.state_dict()
    net.scale = nn.Parameter(np.zeros(2))
    assert net.state_dict()["scale"].shape == (2,)
    net.scale = nn.Linear(1, 1)  # of another kind: it moves
    assert "scale.weight" in net.state_dict()
    assert "scale" not in net.state_dict()
    net.steps = nn.Parameter(np.zeros(3))
    assert list(net.named_buffers())[0][0] != "steps"
    del net.scale, net.steps, net.tied
    assert not {"scale.weight", "steps", "tied.weight"} & net.state_dict().keys()
    with pytest.raises(AttributeError, match="Net has no attribute 'scale'"):
        _ = net.scale
    with pytest.raises(AttributeError):
        del net.nothing


@pytest.mark.spec("AGE-056", "assignment before `super().__init__()` is refused")
@pytest.mark.parametrize("value", [nn.Parameter(np.ones(1)), nn.ReLU()])
def test_assignment_before_init_is_refused(value):
    class Early(nn.Module):
        def __init__(self):
            self.part = value

    with pytest.raises(
        AttributeError, match=r"Early: call super\(\)\.__init__\(\) bef"
    ):
        Early()


def test_a_module_shows_itself_and_copies_deeply():
    net = Net()
    assert repr(net).splitlines()[:4] == [
        "Net(", "  (body): Sequential(", "    (0): Linear(3, 4)", "    (1): ReLU()",
    ]  # fmt: skip
    twin = deepcopy(net)
    assert twin.tied.weight is twin.head.weight
    assert twin.head.weight is not net.head.weight
    assert repr(net.scale).startswith("Parameter containing:\ntensor([1.]")
    with pytest.raises(NotImplementedError, match=r"Module states no forward\(\)"):
        nn.Module()(1)


@pytest.mark.spec("AGE-057", "index, negative index and slice")
@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
def test_lists_of_modules_are_indexed_as_lists(kind):
    parts = [nn.Linear(2, 2), nn.ReLU(), nn.Tanh()]
    held = nn.Sequential(*parts) if kind == "Sequential" else nn.ModuleList(parts)
    assert len(held) == 3
    assert list(held) == parts
    assert held[0] is parts[0]
    assert held[-1] is parts[2]
    assert held[np.int64(1)] is parts[1]
    tail = held[1:]
    assert type(tail) is type(held)
    assert list(tail) == parts[1:]
    assert list(held[:0].state_dict()) == []
    for wrong in (3, -4):
        with pytest.raises(IndexError, match=f"index {wrong} of 3 modules"):
            _ = held[wrong]
    held[-1] = nn.GELU()
    held.insert(0, parts[2])
    held.append(nn.SiLU())
    del held[1]
    kinds = [type(m).__name__ for m in held]
    assert kinds == ["Tanh", "ReLU", "GELU", "SiLU"]
    assert [name for name, _ in held.named_children()] == ["0", "1", "2", "3"]
    with pytest.raises(TypeError, match=f"a {kind} holds modules, not function"):
        held.append(lambda x: x)


@pytest.mark.spec("AGE-057", "what is not a module is refused")
def test_containers_refuse_what_would_be_lost():
    with pytest.raises(TypeError, match="a Sequential holds modules, not function"):
        nn.Sequential(nn.ReLU(), lambda x: x)
    with pytest.raises(TypeError, match="a ParameterList holds parameters, not Tensor"):
        nn.ParameterList([ag.tensor([1.0])])
    with pytest.raises(TypeError, match=r"ModuleDict\.a holds a Module, not a int"):
        nn.ModuleDict({"a": 3})


def test_named_containers():
    named = nn.Sequential({"first": nn.Linear(2, 3), "last": nn.Linear(3, 1)})
    assert named.last is named[1]
    assert named(ag.tensor(np.ones((4, 2), np.float32))).shape == (4, 1)
    table = nn.ModuleDict({"a": nn.ReLU()})
    table["b"] = nn.Linear(2, 2)
    assert (list(table), "b" in table, len(table)) == (["a", "b"], True, 2)
    assert [n for n, _ in table.items()] == ["a", "b"]
    assert list(table.state_dict()) == ["b.weight", "b.bias"]
    weights = nn.ParameterList([nn.Parameter(np.ones(2)), nn.Parameter(np.ones(3))])
    assert (len(weights), weights[-1].shape) == (2, (3,))
    assert [p.shape for p in weights] == [(2,), (3,)]
