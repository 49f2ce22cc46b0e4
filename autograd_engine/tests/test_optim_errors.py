"""What optimisers refuse, and what a step does to its tensors."""

from itertools import pairwise

import numpy as np
import pytest

import src as ag
from src import nn, optim
from src.optim import SGD, Adam, Muon
from tests.optim_tools import SHAPES, start, walk
from tests.test_optim import EVERY


def grouped(*groups, kind=SGD):
    return kind([{"params": [nn.Parameter(np.ones(2))], **group} for group in groups])


ONE = nn.Parameter(np.ones(2))
ERRORS = [
    (ValueError, "SGD was given no parameters", lambda: SGD([])),
    (TypeError, "list of parameters or groups, not a P", lambda: SGD(ONE)),
    (ValueError, "lr must be 0 or more, not -1", lambda: SGD([ONE], -1)),
    (ValueError, "lr must be 0 or more, not nan", lambda: Adam([ONE], np.nan)),
    (ValueError, "lr must be 0 or more, not -2", lambda: grouped({}, {"lr": -2})),
    (ValueError, r"beta2 must be in \[0, 1\), not 1", lambda: Adam([ONE], 1, (0, 1))),
    (ValueError, "nesterov needs momentum", lambda: SGD([ONE], nesterov=True)),
    (ValueError, "no option 'lrr'; it has lr, mom", lambda: grouped({"lrr": 1})),
    (ValueError, "parameter 1 is given twice", lambda: SGD([ONE, ONE])),
    (ValueError, "parameter 0 is no leaf", lambda: SGD([ONE * 2])),
    (ValueError, r"Muon is for matrices, not .* \(2,\)", lambda: Muon([ONE])),
    (ValueError, "original or match_rms_adamw, not 'x'",
     lambda: Muon([nn.Parameter(np.ones((2, 2)))], adjust_lr_fn="x")),
]  # fmt: skip


@pytest.mark.spec("AGE-064", "A wrong option or parameter is refused")
@pytest.mark.parametrize(("error", "text", "call"), ERRORS)
def test_wrong_options_are_refused_with_their_values(error, text, call):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.spec("AGE-064", "a saved state that does not fit changes nothing")
@pytest.mark.parametrize(
    ("text", "spoil"),
    [
        ("has groups of \\[3\\] parameters, this one \\[2\\]",
         lambda s: s["param_groups"][0].update(params=[0, 1, 2])),
        ("exp_avg of parameter 1 has shape \\(5,\\), the parameter \\(3,\\)",
         lambda s: s["state"]["1"].update(exp_avg=np.zeros(5))),
        ("has a parameter 7", lambda s: s["state"].update({"7": {}})),
        ("has no option 'eps'", lambda s: s["param_groups"][0].pop("eps")),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_is_refused(text, spoil):
    params = start(ag, SHAPES[:2])
    adam = optim.Adam(params)
    walk(ag, params, adam, 2)
    saved, other = adam.state_dict(), optim.Adam(start(ag, SHAPES[:2]))
    spoil(saved)
    with pytest.raises(ValueError, match=text):
        other.load_state_dict(saved)
    assert other.state == {}


def test_a_step_counts_as_a_write_and_takes_a_closure():
    p = nn.Parameter(np.ones(2))
    sgd = SGD([p], 0.5)
    kept = (p * p).sum()

    def closure():
        loss = (p * 3).sum()
        loss.backward()
        return loss

    with ag.no_grad():
        assert sgd.step(closure).item() == 6
    assert p.tolist() == [-0.5, -0.5]
    with pytest.raises(RuntimeError, match=r"SGD\.step"):
        kept.backward()
    sgd.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0, 0]


def test_float32_stays_float32_in_parameter_and_state():
    for name, options in EVERY:
        p = nn.Parameter(np.ones((3, 2), np.float32))
        optimizer = getattr(optim, name)([p], **options)
        for _ in pairwise("abc"):
            p.grad = ag.tensor(np.full((3, 2), 0.5, np.float32))
            optimizer.step()
        arrays = [v for v in optimizer.state[p].values() if hasattr(v, "dtype")]
        assert {a.dtype for a in [p, *arrays]} == {np.dtype(np.float32)}, name
