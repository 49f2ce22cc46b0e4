"""The sandbox's panel: what it says of a tensor, against level 2 and numpy."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.app.moves import CELLS, read_step
from src.app.sandbox import PAIRS, SHAPES, Sandbox
from src.ops.creation import tensor
from src.strided import tensor as strided_tensor
from src.utils.errors import InputError


PANEL = Sandbox()


def read(state: dict, storages: list[dict]) -> np.ndarray:
    """The elements as the page finds them: index · strides + offset, and copies."""
    values = np.arange(storages[0]["size"])
    for storage in storages[1 : state["storage"] + 1]:
        values = values[storage["from"]]
    out = np.empty(state["shape"], int)
    for index in np.ndindex(*state["shape"]):
        steps = zip(index, state["strides"], strict=True)
        out[index] = values[sum(i * stride for i, stride in steps) + state["offset"]]
    return out


def by_numpy(x: np.ndarray, text: str) -> np.ndarray:
    """The same step, done by numpy alone."""
    name, brackets = re.match(r"(\w*)(.*)", text).groups()
    args = eval(brackets.replace("(", "[").replace(")", "]")) if name else None
    return {
        "": lambda: eval(f"x{brackets}", {"x": x}),
        "transpose": lambda: np.swapaxes(x, *args),
        "permute": lambda: np.transpose(x, args),
        "view": lambda: x.reshape(args),
        "reshape": lambda: x.reshape(args),
        "expand": lambda: np.broadcast_to(x, args),
        "flip": lambda: np.flip(x, args or None),
        "unsqueeze": lambda: np.expand_dims(x, args),
        "squeeze": lambda: np.squeeze(x, tuple(args) if args else None),
        "contiguous": lambda: np.ascontiguousarray(x).reshape(x.shape),
    }[name]()


CHAINS = [
    ([3, 4], ["transpose(0, 1)", "[1:, ::2]", "contiguous()"]),
    ([2, 3, 4], ["permute(2, 0, 1)", "flip(0)", "reshape(-1)", "[::3]"]),
    ([4, 1], ["expand(4, 3)", "transpose(0, 1)", "contiguous()", "view(2, 6)"]),
    ([2, 1, 3], ["squeeze(1)", "unsqueeze(0)", "expand(4, 2, 3)", "flip()"]),
    ([3, 4], ["[-1]", "[None, ..., 1:]", "[0, -2]"]),
    ([3, 4], ["[3:]", "contiguous()", "reshape(2, 0)"]),
    ([2, 2, 2, 2], ["unsqueeze(4)", "permute(4, 3, 2, 1, 0)", "squeeze()"]),
    ([], ["unsqueeze(0)", "expand(3)", "contiguous()"]),
]


@pytest.mark.spec("AGE-120", "the elements that numpy has")
@pytest.mark.parametrize(("shape", "steps"), CHAINS)
def test_index_times_strides_plus_offset_finds_what_numpy_has(shape, steps):
    answer = PANEL.chain(shape, steps)
    expected = np.arange(math.prod(shape)).reshape(shape)
    assert (read(answer["states"][0], answer["storages"]) == expected).all()
    for state, step in zip(answer["states"][1:], steps, strict=True):
        expected = by_numpy(expected, step)
        assert state["shape"] == list(expected.shape)
        assert (read(state, answer["storages"]) == expected).all()


@pytest.mark.spec("AGE-120", "the elements that numpy has")
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_suggested_steps_are_done_as_numpy_does_them(data):
    sizes = st.lists(st.integers(1, 4), max_size=3)
    shape, steps = data.draw(sizes), []
    expected = np.arange(math.prod(shape)).reshape(shape)
    for _ in range(data.draw(st.integers(1, 5))):
        step = data.draw(st.sampled_from(PANEL.chain(shape, steps)["next"]))
        expected = by_numpy(expected, step)
        steps.append(step)
    answer = PANEL.chain(shape, steps)
    assert (read(answer["states"][-1], answer["storages"]) == expected).all()


@pytest.mark.spec("AGE-120", "what a copy took from where")
def test_layout_and_copies_are_those_of_level_2():
    x = strided_tensor(np.arange(12.0).reshape(3, 4))
    y = x.transpose(0, 1)[1:]
    answer = PANEL.chain([3, 4], ["transpose(0, 1)", "[1:]", "contiguous()"])
    before, after = answer["states"][2:]
    data = y.data
    shown = tuple(before["shape"]), tuple(before["strides"]), before["offset"]
    assert shown == (data.shape, data.strides, data.offset)
    assert not before["contiguous"] and not before["copied"]
    assert after["copied"] and after["storage"] == 1 and after["contiguous"]
    assert answer["storages"][1] == {"size": 9, "from": data.positions()}
    with pytest.raises(RuntimeError, match=re.escape(before["refused"])):
        y.view(-1)


def test_contiguous_of_what_lies_in_order_copies_nothing():
    (_, state) = PANEL.chain([3, 4], ["contiguous()"])["states"]
    assert not state["copied"] and state["storage"] == 0
    assert state["note"].endswith("no copy.")


@pytest.mark.spec("AGE-120", "whether level 3 shares its memory too")
def test_level_3_is_asked_too():
    steps = ["transpose(0, 1)", "flip(0)", "contiguous()"]
    states = PANEL.chain([3, 4], steps)["states"]
    x = tensor(np.arange(12.0)).view(3, 4).transpose(0, 1)
    strides = [stride // 8 for stride in x.data.strides]
    assert states[1]["engine"] == {"strides": strides, "shares": True}
    assert states[2]["engine"]["shares"] is False and states[2]["copied"] is False
    # numpy finds strides where level 2 asks for a contiguous tensor first
    merged = PANEL.chain([2, 3, 4], ["[..., ::2]", "reshape(6, 2)"])["states"][-1]
    assert merged["copied"] is True
    assert merged["engine"] == {"strides": [4, 2], "shares": True}


@pytest.mark.spec("AGE-120", "whether level 3 shares its memory too")
@pytest.mark.parametrize(("shape", "steps"), [*CHAINS, ([1, 3, 1], ["squeeze(0, 2)"])])
def test_level_3_does_every_step_that_level_2_does(shape, steps):
    for state in PANEL.chain(shape, steps)["states"][1:]:
        empty = 0 in state["shape"]  # no elements: no memory to speak of
        assert (state["engine"] is None) == empty


@pytest.mark.spec("AGE-121", "an axis a row from the right")
@settings(max_examples=100, deadline=None)
@given(*[st.lists(st.sampled_from([1, 1, 2, 3]), max_size=4)] * 2)
def test_the_rule_of_broadcasting_is_numpys(first, second):
    try:
        shape = np.broadcast_shapes(first, second)
    except ValueError:
        shape = None
    answer = PANEL.broadcast(first, second)
    assert [row["axis"] for row in answer["rows"]] == [
        -1 - i for i in range(max(len(first), len(second)))
    ]
    sizes = [row["size"] for row in answer["rows"]][::-1]
    if shape is None:
        assert answer["shape"] is None and None in sizes
        assert "do not broadcast" in answer["sentence"]
        return
    assert tuple(answer["shape"]) == tuple(sizes) == shape
    for side, given_shape in zip(answer["sides"], (first, second), strict=True):
        cells = np.arange(math.prod(given_shape)).reshape(given_shape)
        wide = np.broadcast_to(cells, shape)
        for index in np.ndindex(*shape):
            steps = zip(index, side["strides"], strict=True)
            assert sum(i * stride for i, stride in steps) == wide[index]


@pytest.mark.spec("AGE-121", "over which axes the gradient is summed")
@pytest.mark.parametrize("pair", PAIRS)
def test_the_axes_that_backward_sums_are_those_of_the_engine(pair):
    answer = PANEL.broadcast(*pair)
    if answer["shape"] is None:
        return
    leaves = [tensor(np.zeros(shape), requires_grad=True) for shape in pair]
    seed = np.random.default_rng(0).normal(size=answer["shape"])
    ((leaves[0] + leaves[1]) * tensor(seed)).sum().backward()
    for leaf, side in zip(leaves, answer["sides"], strict=True):
        summed = seed.sum(tuple(side["repeated"]))
        assert np.allclose(leaf.grad.data.ravel(), summed.ravel())
        assert math.prod(summed.shape) == side["size"]


BAD = {
    "view(5)": "cannot be read as",
    "transpose(0, 5)": "outside a tensor of 2 axes",
    "transpose(0)": "two axes",
    "permute(0, 0)": "once",
    "[9]": "outside axis 0",
    "[::-1]": "step -1",
    "expand(5, 4)": "do not broadcast",
    "expand(9, 9, 3, 4)": "nobody could look at it",
    "expand(900, 900, 900, 900, 3, 4)": "nobody could look at it",
    "expand(-5, 3, 4)": "sizes from 0 up",
    "flip(0, -2)": "names an axis twice",
    "squeeze(1, 1)": "names an axis twice",
    "unsqueeze()": "place of the new axis",
    "contiguous(1)": "takes nothing",
    "flip(7)": "outside",
    "drop(1)": "is no step",
    "__class__()": "is no step",
    "[a]": "is no step",
    "[True]": "is no step",
    "[1.5]": "is no step",
    "[[0, 1]]": "is no step",
    "view(10**9)": "is no step",
    "view(99999)": "is no step",
    "[(1,)*9]": "is no step",
    "transpose(0, 1); 1": "is no step",
    "view(a=1)": "is no step",
    "x": "is no step",
    "": "is no step",
    "[" * 39: "is no step",
    "[" + "1," * 999 + "]": "is no step",
    "\0": "is no step",
}


@pytest.mark.spec("AGE-120", "A step that cannot be is refused in one sentence")
@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_step_that_cannot_be_is_refused_in_a_sentence(text):
    with pytest.raises(InputError) as error:
        PANEL.chain([3, 4], [text])
    assert BAD[text] in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [[0], [13], [-1, 2], [12, 12], [1] * 5])
def test_shapes_beyond_the_limits_are_refused(shape):
    for ask in (lambda: PANEL.chain(shape, []), lambda: PANEL.broadcast([2], shape)):
        with pytest.raises(InputError, match="shape"):
            ask()


def test_limits_hold_for_results_and_chains():
    with pytest.raises(InputError, match="smaller sizes"):
        PANEL.broadcast([12, 1], [1, 12])
    with pytest.raises(InputError, match="at most"):
        PANEL.chain([2], ["flip(0)"] * 9)


@pytest.mark.parametrize(
    "text",
    [
        "x.transpose(0,1)",
        ".transpose(0,1)",
        " permute((1, 0))",
        "permute(1, 0)" + " " * 40,
    ],
)
def test_a_step_may_be_written_as_in_code(text):
    assert read_step(text).given in ((0, 1), (1, 0))


@pytest.mark.spec("AGE-122", "chosen shapes")
def test_a_saved_page_holds_two_steps_on_every_shape():
    held = [given for name, given in PANEL.exported() if name == "sandbox/chain"]
    for shape in SHAPES:
        for first in PANEL.chain(shape, [])["next"]:
            for second in PANEL.chain(shape, [first])["next"]:
                assert {"shape": shape, "steps": [first, second]} in held
    assert all(math.prod(given["shape"]) <= CELLS for given in held)
