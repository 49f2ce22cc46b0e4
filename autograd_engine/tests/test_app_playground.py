"""The playground's answers against the library, torch, and themselves."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from src.app import levels
from src.app.levels import gradients, logits, start_parameters
from src.app.page import plain
from src.app.playground import RECORDED, Playground, recordings, suited
from src.app.playground_setup import (
    FRAME,
    MOST,
    OPTIMISERS,
    PASS,
    Setup,
    a_point,
    batch_at,
    points_a_step,
    steps_a_frame,
)
from src.data.points import make_points
from src.utils.errors import InputError


def wire(value):
    """As the page gets it."""
    return json.loads(json.dumps(plain(value), allow_nan=False))


def begin(**setup):
    return wire(Playground().begin(setup))["frame"]


def advance(frame, steps=1, *, state=None, **setup):
    return wire(Playground().advance(setup, state or frame["state"], steps))


def run(frames, **setup):
    all_of_them = [begin(**setup)]
    for _ in range(frames):
        all_of_them.append(advance(all_of_them[-1], **setup))
    return all_of_them


def torch_losses(setup, steps):
    """The mean log loss over all points before each step, by torch."""
    x, y = make_points(setup.points, setup.count, setup.seed)
    start = start_parameters(setup.hidden, setup.activation, setup.seed)
    leaves = [torch.tensor(p, requires_grad=True) for p in start]
    kinds = {
        "sgd": lambda: torch.optim.SGD(leaves, setup.rate),
        "momentum": lambda: torch.optim.SGD(leaves, setup.rate, momentum=0.9),
        "rmsprop": lambda: torch.optim.RMSprop(leaves, setup.rate),
        "adam": lambda: torch.optim.Adam(leaves, setup.rate),
    }
    optimiser, losses = kinds[setup.optimiser](), []
    for _ in range(steps):
        out = torch.tensor(x)
        for i in range(0, len(leaves), 2):
            out = getattr(out, setup.activation)() if i else out
            out = out @ leaves[i] + leaves[i + 1]
        target = torch.tensor(y[:, None], dtype=torch.float64)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(out, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.spec("AGE-113", "parameters and gradients agree to 1e-9 over 20 steps")
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_the_engines_train_the_same_network(activation):
    given = {"activation": activation, "count": 20, "hidden": [4, 3], "rate": 0.1}
    trained = {level: run(20, level=level, **given) for level in (1, 2, 3)}
    for at in (0, 1, 20):
        of_all = [frames[at] for frames in trained.values()]
        assert [frame["step"] for frame in of_all] == [at] * 3
        flat = [np.concatenate(frame["state"]["parameters"]) for frame in of_all]
        assert np.ptp(flat, axis=0).max() < 1e-9
        assert np.ptp([frame["batch_loss"] for frame in of_all]) < 1e-9
    parameters = start_parameters((4, 3), activation, 0)
    x, y = make_points("xor", 20, 0)
    slopes = [gradients(level, parameters, activation, x, y)[1] for level in (1, 2, 3)]
    for one, two, three in zip(*slopes, strict=True):
        assert one.shape == three.shape
        np.testing.assert_allclose(one, three, rtol=0, atol=1e-12)
        np.testing.assert_allclose(two, three, rtol=0, atol=1e-12)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_chosen_engine_is_the_one_that_runs(level, monkeypatch):
    ran = []
    for number, build in levels.BUILD.items():
        spy = partial(lambda n, f, *given: ran.append(n) or f(*given), number, build)
        monkeypatch.setitem(levels.BUILD, number, spy)
    advance(begin(level=level, hidden=[2]), 2, level=level, hidden=[2])
    assert ran == [level] * 4  # the first gradients, two steps, the last gradients


@pytest.mark.spec("AGE-113", "and the losses are torch's")
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_losses_are_those_of_torch(optimiser):
    setup = Setup(points="moons", count=30, hidden=(5,), optimiser=optimiser)
    given = {"points": "moons", "count": 30, "hidden": [5], "optimiser": optimiser}
    losses = [frame["loss"] for frame in run(20, **given)[:-1]]
    np.testing.assert_allclose(losses, torch_losses(setup, 20), rtol=0, atol=1e-9)


def test_a_linear_neuron_is_a_network_too():
    frames = run(3, hidden=[], points="diag", level=1)
    assert [len(p) for p in frames[-1]["state"]["parameters"]] == [2, 1]
    assert frames[-1]["loss"] < frames[0]["loss"]


@pytest.mark.spec("AGE-114", "repeats the later frames bit for bit")
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_going_on_from_an_earlier_frame_repeats_the_later_ones(optimiser):
    given = {"optimiser": optimiser, "count": 40, "batch": 7}
    frames = run(8, **given)
    again = frames[3]
    for later in frames[4:]:
        again = advance(again, **given)
        assert again["state"] == later["state"]
        assert again["loss"] == later["loss"]
        assert again["gradients"] == later["gradients"]
    assert advance(frames[3], 5, **given)["state"] == frames[8]["state"]


@pytest.mark.spec("AGE-114", "a weight set by hand takes effect from there")
def test_a_weight_set_by_hand_counts_from_then_on():
    given = {"optimiser": "sgd", "rate": 0.5, "count": 20, "hidden": [3]}
    frame = run(4, **given)[-1]
    state = json.loads(json.dumps(frame["state"]))
    state["parameters"][0][2] = -1.25
    seen = advance(frame, 0, state=state, **given)
    assert seen["step"] == 4
    assert seen["state"]["parameters"] == state["parameters"]
    values = [np.array(p) for p in state["parameters"]]
    values[0], values[2] = values[0].reshape(2, 3), values[2].reshape(3, 1)
    x, y = make_points("xor", 20, 0)
    loss, slopes = gradients(3, values, "tanh", x, y)
    assert seen["batch_loss"] == loss
    after = advance(seen, 1, **given)["state"]["parameters"]
    for value, slope, later in zip(values, slopes, after, strict=True):
        np.testing.assert_array_equal((value - 0.5 * slope).ravel(), later)


@pytest.mark.spec("AGE-114", "Another rate or optimiser")
def test_rate_and_optimiser_change_in_between():
    given = {"count": 20, "hidden": [3]}
    frame = run(3, optimiser="adam", **given)[-1]
    faster, slower = (
        advance(frame, optimiser="adam", rate=rate, **given) for rate in (0.2, 0.1)
    )
    before, far, near = (
        np.concatenate(f["state"]["parameters"]) for f in (frame, faster, slower)
    )
    np.testing.assert_allclose(far - before, 2 * (near - before), rtol=1e-9)
    fresh = {**frame["state"], "optimiser": {}}
    assert advance(frame, state=fresh, optimiser="momentum", **given)["step"] == 4
    with pytest.raises(InputError, match="does not fit the network or the optimiser"):
        advance(frame, optimiser="momentum", **given)


@pytest.mark.spec("AGE-116", "never by a clock")
def test_the_work_of_a_frame_is_limited_by_the_settings():
    for hidden in ((), (8,), (8, 8), (16, 16, 16)):
        for level in (1, 2, 3):
            for count in (10, 100, 200):
                setup = Setup(hidden=hidden, level=level, count=count)
                size, steps = points_a_step(setup, level), steps_a_frame(setup)
                assert size * a_point(setup, level) <= PASS
                assert 1 <= steps <= MOST["steps"]
                assert (steps + 1) * size * a_point(setup, level) <= FRAME
    wide = {"hidden": [16, 16, 16], "count": 100}
    frame = begin(level=1, **wide)
    assert frame["cut"]
    assert frame["points"] < begin(level=2, **wide)["points"] < 100
    assert not begin(level=3, **wide)["cut"]
    assert begin(level=3, **wide)["points"] == 100
    assert advance(frame, 20, level=1, **wide)["step"] == 1
    assert advance(frame, 20, level=3, **wide)["step"] == 20


@pytest.mark.spec("AGE-116", "each point once an epoch")
def test_batches_take_each_point_once_an_epoch():
    setup = Setup(count=20, batch=6, seed=3)
    for epoch in range(3):
        steps = [batch_at(setup, 4 * epoch + i) for i in range(4)]
        assert sorted(np.concatenate(steps)) == list(range(20))
    assert list(batch_at(setup, 0)) != list(batch_at(setup, 4))
    assert list(batch_at(setup, 2)) == list(
        batch_at(Setup(count=20, batch=6, seed=3), 2)
    )


@pytest.mark.spec("AGE-116", "what a step costs on each")
def test_the_price_of_a_step_is_that_of_equal_work():
    setup = {"points": "circle", "count": 30, "hidden": [4]}
    rows = wire(Playground().cost(setup))
    assert [row["level"] for row in rows] == [1, 2, 3]
    x, y = make_points("circle", 30, 0)
    parameters = start_parameters((4,), "tanh", 0)
    for row in rows:
        loss, _ = gradients(row["level"], parameters, "tanh", x, y)
        assert row["loss"] == pytest.approx(loss, abs=1e-12)
        assert row["milliseconds"] > 0
        assert row["points"] == 30
    # A neuron is a dot and (but for the last) a tanh; a point adds its loss to the sum.
    labels_one = int(y.sum())
    assert rows[0]["nodes"] == 30 * (4 * 2 + 1 + 2) + labels_one + 1
    assert rows[2]["nodes"] < rows[1]["nodes"] < 20


@pytest.mark.spec("AGE-117", "learns its points")
@pytest.mark.parametrize("points", RECORDED)
def test_a_recorded_training_learns_its_points(points):
    first, *frames = map(wire, Playground().record(points))
    assert frames[-1]["accuracy"] >= 0.99
    assert frames[-1]["accuracy_new"] >= 0.9
    assert "state" not in frames[-1]
    live = begin(**first["setup"])
    live = advance(live, RECORDED[points][1], **first["setup"])
    assert frames[0]["parameters"] == live["parameters"]
    assert frames[0]["loss"] == live["loss"]


def test_the_loss_is_that_of_the_library():
    given = {"points": "split", "count": 50, "batch": 5, "seed": 2}
    frame = run(3, **given)[-1]
    setup = Setup(points="split", count=50, batch=5, seed=2)
    flat = frame["state"]["parameters"]
    values = [np.reshape(p, s) for p, s in zip(flat, setup.shapes, strict=True)]
    x, y = make_points("split", 50, 2)
    out = logits(values, "tanh", x)
    assert frame["loss"] == pytest.approx(gradients(3, values, "tanh", x, y)[0])
    assert frame["accuracy"] == ((out > 0) == y).mean()
    more = make_points("split", 50, 3)
    out = logits(values, "tanh", more[0])
    assert frame["accuracy_new"] == ((out > 0) == more[1]).mean() != frame["accuracy"]
    rows = batch_at(setup, 3)
    loss, _ = gradients(3, values, "tanh", x[rows], y[rows])
    assert frame["batch_loss"] == pytest.approx(loss, abs=1e-12)


def test_the_questions_of_a_saved_page_can_be_asked():
    asked = recordings()
    assert [given["points"] for name, given in asked if name.endswith("record")] == [
        *RECORDED
    ]
    setups = Playground().start()["setups"]
    costs = [given["setup"] for name, given in asked if name.endswith("cost")]
    assert costs == list(setups.values())
    assert json.loads(json.dumps(setups))["spiral"]["hidden"] == [16, 16]
    assert suited("xor") == Setup()


@pytest.mark.spec("AGE-117", "refused in one sentence")
@pytest.mark.parametrize(
    ("setup", "sentence"),
    [
        ({"points": "cube"}, "points must be one of simple, diag, split, xor"),
        ({"count": 201}, "count must be even, from 2 to 200"),
        ({"hidden": [8, 17]}, "at most 3 layers, of 1 to 16 neurons"),
        ({"hidden": [1, 1, 1, 1]}, "at most 3 layers, of 1 to 16 neurons"),
        ({"rate": 11}, "rate must be from 0.00001 to 10"),
        ({"level": 4}, "level must be one of 1, 2, 3, got 4"),
        ({"seed": -1}, "seed must be from 0 to 999999"),
        ({"batches": 3}, "Did you mean batch?"),
    ],
)
def test_settings_out_of_range_are_refused(setup, sentence):
    with pytest.raises(InputError) as refused:
        Playground().begin(setup)
    assert sentence in str(refused.value)


@pytest.mark.spec("AGE-117", "refused in one sentence")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state.pop("step"),
        lambda state: state.update(step=-1),
        lambda state: state.update(parameters=[[1.0]]),
        lambda state: state["parameters"][0].append(1.0),
        lambda state: state["parameters"][0].__setitem__(0, None),
        lambda state: state["parameters"][0].__setitem__(0, "x"),
        lambda state: state["optimiser"].pop("0"),
        lambda state: state["optimiser"]["0"].update(exp_avg=[1.0]),
        lambda state: state["optimiser"]["0"].update(exp_avg=7),
        lambda state: state["optimiser"]["1"].update(step=[1.0]),
        lambda state: state["optimiser"]["1"].update(step=0),
        lambda state: state["optimiser"].update({"0": 3}),
        lambda state: state.update(optimiser=[1, 2]),
    ],
)
def test_a_state_that_does_not_fit_is_refused(spoil):
    frame = run(1, hidden=[2], count=10)[-1]
    spoil(frame["state"])
    with pytest.raises(InputError, match=r"does not fit the network .*: start anew"):
        advance(frame, hidden=[2], count=10)


@pytest.mark.spec("AGE-117", "a step to values that are not finite")
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_training_that_diverges_stops_with_a_sentence(level):
    given = {"hidden": [4, 4], "activation": "relu", "optimiser": "momentum"}
    given |= {"rate": 10.0, "count": 10, "level": level}
    frame = begin(**given)
    frame["state"]["parameters"] = [
        [1e160 * v for v in p] for p in frame["state"]["parameters"]
    ]
    with pytest.raises(InputError, match=r"after step \d+ the loss is not finite"):
        for _ in range(4):
            frame = advance(frame, **given)
    with pytest.raises(InputError, match="a frame has 0 to 20"):
        advance(begin(), 21)
