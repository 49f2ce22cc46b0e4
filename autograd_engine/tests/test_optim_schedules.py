"""Learning rates over time beside torch's."""

import numpy as np
import pytest
import torch

from src import nn, optim
from src.optim import lr_scheduler as ours_of
from src.optim import schedules


theirs_of = torch.optim.lr_scheduler
CASES = [
    ("StepLR", (4,), {}),
    ("StepLR", (1, 0.9), {}),
    ("MultiStepLR", ([3, 8],), {"gamma": 0.5}),
    ("ExponentialLR", (0.8,), {}),
    ("LinearLR", (), {}),
    ("LinearLR", (0.1, 0.7, 12), {}),
    ("CosineAnnealingLR", (7,), {}),
    ("CosineAnnealingLR", (20, 0.003), {}),
    ("LambdaLR", (lambda t: 1 / (t + 1),), {}),
    ("OneCycleLR", (0.3, 21), {}),
    ("OneCycleLR", (0.3, 30), {"pct_start": 0.5, "div_factor": 10.0}),
    ("OneCycleLR", (1.0, 21), {"cycle_momentum": False, "final_div_factor": 10.0}),
]


def optimisers(name="SGD", **options):
    for lib, kind in ((optim, nn.Parameter), (torch.optim, torch.nn.Parameter)):
        values = np.ones(2) if lib is optim else torch.ones(2)
        p, q = kind(values), kind(values + 1)
        groups = [{"params": [p], "lr": 0.1}, {"params": [q], "lr": 0.02}]
        yield getattr(lib, name)(groups, **options)


@pytest.mark.parity("learning rates over time", "torch.optim.lr_scheduler")
@pytest.mark.spec("AGE-062", "follow torch's to 1e-12")
@pytest.mark.parametrize(("name", "args", "options"), CASES)
@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
def test_a_schedule_is_torchs(name, args, options, kind, parity):
    ours, theirs = optimisers(kind, **({"momentum": 0.9} if kind == "SGD" else {}))
    mine = getattr(ours_of, name)(ours, *args, **options)
    other = getattr(theirs_of, name)(theirs, *args, **options)
    for _ in range(20):
        parity.value(mine.get_last_lr(), other.get_last_lr(), atol=1e-12)
        for group, wanted in zip(ours.param_groups, theirs.param_groups, strict=True):
            for key in ("momentum", "betas"):
                if key in group:
                    parity.value(group[key], wanted[key], atol=1e-12)
        theirs.step()
        mine.step(), other.step()


@pytest.mark.parity(
    "learning rates on a plateau", "torch.optim.lr_scheduler.ReduceLROnPlateau"
)
@pytest.mark.spec("AGE-062", "follow torch's to 1e-12")
@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"mode": "max", "patience": 1, "factor": 0.5, "min_lr": 0.03},
        {"patience": 0, "cooldown": 3, "threshold": 0.05},
        {"patience": 1, "threshold": 0.1, "threshold_mode": "abs", "eps": 0.01},
        {"mode": "max", "patience": 0, "threshold_mode": "abs"},
    ],
    ids=str,
)
def test_the_plateau_is_torchs(options, parity):
    draw = np.random.default_rng(1)
    metrics = [*(3 - np.log1p(np.arange(20)) + draw.normal(size=20) * 0.3), np.nan, -1]
    ours, theirs = optimisers()
    mine = ours_of.ReduceLROnPlateau(ours, **options)
    other = theirs_of.ReduceLROnPlateau(theirs, **options)
    for i, metric in enumerate([*metrics, *metrics]):
        if i == 10:
            state = mine.state_dict()
            mine = ours_of.ReduceLROnPlateau(ours, **options)
            mine.load_state_dict(state)
        mine.step(metric), other.step(metric)
        rates = [group["lr"] for group in theirs.param_groups]
        parity.value(mine.get_last_lr(), rates, atol=1e-12)
    assert rates[0] < 0.1


@pytest.mark.spec("AGE-062", "a saved schedule goes on where it stood")
def test_a_saved_schedule_goes_on_where_it_stood():
    first, second = (next(optimisers()) for _ in range(2))
    one = ours_of.OneCycleLR(first, 0.5, 20, cycle_momentum=False)
    for _ in range(7):
        one.step()
    other = ours_of.OneCycleLR(second, 0.5, 20, cycle_momentum=False)
    other.load_state_dict(one.state_dict())
    assert second.param_groups[0]["lr"] == first.param_groups[0]["lr"]
    one.step(), other.step()
    assert other.get_last_lr() == one.get_last_lr()


def test_factors_start_and_end_where_they_say():
    cosine = schedules.cosine(10, 0.1)
    assert [cosine(0), cosine(10), cosine(50)] == pytest.approx([1, 0.1, 0.1])
    assert cosine(5) == pytest.approx(0.55)
    warm = schedules.warm_up(4, schedules.step_decay(2))
    assert [warm(t) for t in range(8)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1, 1, 0.1, 0.1]
    )
    cycle = schedules.one_cycle(100)
    assert [cycle(t) for t in (0, 29, 99, 500)] == pytest.approx([0.04, 1, 4e-6, 4e-6])
    assert schedules.one_cycle(1)(0) == pytest.approx(4e-6)
    assert schedules.one_cycle(10, rise=1.0)(9) == 1


WRONG = [
    ("total must be 1 or more, not 0", lambda o: schedules.cosine(0)),
    ("total must be 1 or more, not -1", lambda o: schedules.one_cycle(-1)),
    ("step_size must be 1 or more, not 0", lambda o: ours_of.StepLR(o, 0)),
    ("T_max must be 1 or more, not 0", lambda o: ours_of.CosineAnnealingLR(o, 0)),
    ("total_steps 0 must be 1", lambda o: ours_of.OneCycleLR(o, 1, 0)),
    ("factor is below 1, not 2", lambda o: ours_of.ReduceLROnPlateau(o, factor=2)),
    ("mode is min or max", lambda o: ours_of.ReduceLROnPlateau(o, "low")),
    ("has no momentum", lambda o: ours_of.OneCycleLR(adagrad(), 1, 5)),
]


def adagrad():
    return optim.Adagrad([nn.Parameter(np.ones(2))])


@pytest.mark.spec("AGE-064", "so is a schedule that cannot be")
@pytest.mark.parametrize(("text", "call"), WRONG)
def test_a_wrong_schedule_is_refused(text, call):
    with pytest.raises(ValueError, match=text):
        call(next(optimisers()))


@pytest.mark.spec("AGE-064", "so is a schedule that cannot be")
def test_a_cycle_ends():
    cycle = ours_of.OneCycleLR(next(optimisers()), 1.0, 2)
    cycle.step()
    with pytest.raises(ValueError, match="step 2 of a cycle of 2 steps"):
        cycle.step()
