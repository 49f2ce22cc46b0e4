"""Optimisers beside torch's, with every option."""

import numpy as np
import pytest
import torch

import src as ag
from src import optim
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from tests.optim_tools import SHAPES, same, start, walk


CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "dampening": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"betas": (0.0, 0.9), "weight_decay": 0.3}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.9, "momentum": 0.9, "weight_decay": 0.1}),
    ("RMSprop", {"alpha": 0.8, "centered": True, "eps": 1e-3}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "eps": 1e-3}),
]
MARKS = {
    "SGD": pytest.mark.parity("SGD", "torch.optim.SGD"),
    "Adam": pytest.mark.parity("Adam", "torch.optim.Adam"),
    "AdamW": pytest.mark.parity("AdamW", "torch.optim.AdamW"),
    "RMSprop": pytest.mark.parity("RMSprop", "torch.optim.RMSprop"),
    "Adagrad": pytest.mark.parity("Adagrad", "torch.optim.Adagrad"),
}
MARKED = [pytest.param(*case, marks=MARKS[case[0]]) for case in CASES]
EVERY = [*CASES, ("Lion", {"weight_decay": 0.1}), ("Muon", {"lr": 0.1})]


def build(lib, name, options, params):
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.03}]
    return getattr(lib.optim, name)(groups, **options)


@pytest.mark.spec("AGE-059", "equal torch's over 30 steps with every option")
@pytest.mark.parametrize(("name", "options"), MARKED, ids=str)
def test_an_optimiser_walks_as_torchs(name, options, parity):
    ours, theirs = start(ag), start(torch)
    mine = build(Library, name, options, ours)
    walk(ag, ours, mine, 30)
    walk(torch, theirs, build(torch, name, options, theirs), 30)
    same(ours, theirs, keep=parity.value)


class Library:
    optim = optim


@pytest.mark.spec("AGE-059", "defaults are torch's")
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Muon"])
def test_the_defaults_are_torchs(name):
    shapes = [(3, 2)]
    ours = getattr(optim, name)(start(ag, shapes)).defaults
    theirs = getattr(torch.optim, name)(start(torch, shapes)).defaults
    assert ours == {key: theirs[key] for key in ours}


@pytest.mark.spec("AGE-060", "goes on from its saved state bit for bit")
@pytest.mark.parametrize(("name", "options"), EVERY, ids=str)
def test_a_saved_state_goes_on_exactly(name, options, tmp_path):
    shapes = [s for s in SHAPES if len(s) == 2] if name == "Muon" else SHAPES
    straight, halted = start(ag, shapes), start(ag, shapes)
    walk(ag, straight, build(Library, name, options, straight), 20)
    first = build(Library, name, options, halted)
    walk(ag, halted, first, 12)
    content = {"kind": "training", "config": {}, "data": {}, "model": {}}
    content |= {"weights": {}, "progress": {}, "rng": {}}
    path = tmp_path / "a.npz"
    save_checkpoint(path, content | {"optimizer": first.state_dict()})
    second = build(Library, name, options, halted)
    second.load_state_dict(load_checkpoint(path)["optimizer"])
    assert second.param_groups[0].keys() == first.param_groups[0].keys()
    assert all(second.param_groups[0][k] == first.param_groups[0][k] for k in options)
    walk(ag, halted, second, 8, first=12)
    for p, q in zip(straight, halted, strict=True):
        assert np.array_equal(p.detach().numpy(), q.detach().numpy())
