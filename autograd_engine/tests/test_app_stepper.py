"""The stepper's panel: its grammar, and the passes it shows against the library's."""

import math
import re

import numpy as np
import pytest

from src.app.expression import read_expression
from src.app.levels import start_parameters
from src.app.page import plain
from src.app.playground_setup import Setup
from src.app.stepper import EXAMPLES, Stepper
from src.look.nodes import number
from src.look.stepper import XOR, name_parameters
from src.look.steps import forward_steps
from src.scalar import MLP, Scalar, dot, topological_order
from src.scalar.train import mean_log_loss
from src.utils.errors import InputError


PANEL = Stepper()


def last_texts(scene: dict, phase: str) -> dict[str, str]:
    """What the rows say after the last step of a phase."""
    shown = {}
    for step in scene["steps"]:
        if step["phase"] != "update" or phase == "update":
            shown.update(step["texts"])
    return shown


def compare(scene: dict, root: Scalar) -> None:
    """Values and gradients of all boxes are those of a root that ran `backward`."""
    root.backward()
    shown = last_texts(scene, "backward")
    order = topological_order(root)
    assert len(order) == len(scene["nodes"])
    for i, node in enumerate(order):
        value = scene["nodes"][i]["rows"][0][1]
        assert shown.get(f"n{i}r0", value) == number(node.data)
        assert shown[f"n{i}r1"] == number(node.grad)


@pytest.mark.spec("AGE-119", "ends at the values and gradients of the engine")
@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_ends_where_the_engine_does(text):
    compare(PANEL.expression(text), read_expression(text))


@pytest.mark.spec("AGE-119", "ends at the values and gradients of the engine")
@pytest.mark.parametrize("point", [-1, 2])
@pytest.mark.parametrize("fused", [True, False])
def test_a_network_ends_where_the_engine_does(point, fused):
    scene = PANEL.network(2, "tanh", point, seed=5, fused=fused)
    model = MLP(2, [2, 1], "tanh", seed=5, fused=fused)
    x, y = XOR if point < 0 else ([XOR[0][point]], [XOR[1][point]])
    mean_log_loss(model, x, y).backward()
    titles = [node["title"] for node in scene["nodes"]]
    backward, update = last_texts(scene, "backward"), last_texts(scene, "update")
    name_parameters(model)
    for leaf in model.parameters():
        at = titles.index(leaf.name)
        assert backward[f"n{at}r1"] == number(leaf.grad)
        assert update[f"n{at}r0"] == number(leaf.data - 0.5 * leaf.grad)
        assert update[f"n{at}r1"] == "0"
    assert len(set(titles) & {p.name for p in model.parameters()}) == 9


@pytest.mark.spec("AGE-119", "visits each node once forwards, after its inputs")
@pytest.mark.parametrize("point", [-1, 1])
def test_forwards_each_node_is_computed_once_after_its_inputs(point):
    scene = PANEL.network(3, "relu", point)
    parents = {i: node["parents"] for i, node in enumerate(scene["nodes"])}
    forward = [s for s in scene["steps"] if s["phase"] == "forward" and s["done"]]
    order = [step["node"] for step in forward]
    assert sorted(order) == [i for i, above in parents.items() if above]
    known = {i for i, above in parents.items() if not above}
    for node in order:
        assert known.issuperset(parents[node])
        known.add(node)


VALUE = re.compile(r"^value: (.*) = (\S+)$")


def computed(formula: str) -> float:
    """A formula as a step writes it, with the digits that it shows."""
    for sign, word in (("−", "-"), ("·", "*"), ("^", "**"), ("ln", "log")):
        formula = formula.replace(sign, word)
    formula = re.sub(r"(tanh|log) (\S+)", r"\1(\2)", formula)
    names = {"tanh": math.tanh, "e": math.e, "max": max, "inf": math.inf}
    names["log"] = lambda x: math.log(x) if x else -math.inf
    return eval(formula, {"__builtins__": {}}, names)


@pytest.mark.spec("AGE-119", "the rule with its numbers")
def test_the_formula_with_numbers_comes_to_the_value():
    scenes = [PANEL.expression(text) for text in EXAMPLES.values()]
    scenes += [PANEL.network(2, "tanh", point) for point in (-1, 1)]
    steps = [step for scene in scenes for step in scene["steps"]]
    lines = [line for s in steps if s["phase"] == "forward" for line in s["lines"]]
    pairs = [found.groups() for line in lines if (found := VALUE.match(line))]
    assert len(pairs) == sum(s["phase"] == "forward" and s["done"] for s in steps)
    for formula, shown in pairs:
        value, shown = computed(formula), float(shown.replace("−", "-"))
        close = math.isclose(value, shown, rel_tol=3e-3, abs_tol=1e-3)
        assert close or (value != value and shown != shown), formula


def test_where_numbers_and_nodes_are_mixed_the_sum_has_no_numbers():
    weights, x = [Scalar(2.0), Scalar(3.0)], [Scalar(5.0), 7.0]
    steps = forward_steps(dot(weights, x, Scalar(1.0)))
    assert steps[-1].lines[1] == "value: w·x + b = 32"


@pytest.mark.spec("AGE-119", "what waits says how many parts have arrived")
def test_a_node_used_twice_says_how_many_parts_have_arrived():
    steps = PANEL.expression("a = 3\nb = a + a\nb + b")["steps"]
    texts = [text for step in steps for text in step["texts"].values()]
    assert "1 (1/2)" not in texts  # both parts come from one node
    steps = PANEL.expression("a = 3\nb = a * 2\nb * exp(b)")["steps"]
    assert any(text.endswith("(1/2)") for s in steps for text in s["texts"].values())


@pytest.mark.spec("AGE-118", "its own grammar, never run as Python")
def test_the_grammar_gives_what_python_gives_for_numbers():
    text = "a = 2.5; b = -3\nc = a * b + 4e-1\n-(c - a)**2 / +b + sigmoid(a) * 2 ** b"
    a, b = 2.5, -3.0
    c = a * b + 0.4
    expected = -((c - a) ** 2) / b + 1 / (1 + math.exp(-a)) * 2**b
    assert math.isclose(read_expression(text).data, expected, rel_tol=1e-12)
    names = {
        node.name for node in topological_order(read_expression(text)) if node.name
    }
    assert names == {"a", "b", "c"}


BAD = {
    "": (1, 1, "type one"),
    "a = 2; a ^ 2": (1, 8, "a**b"),
    "a = 2\n  a.tanh()": (2, 3, "tanh(x)"),
    "a = 2, b = 3; a": (1, 1, "parted by ;"),
    "a = 1; a += 2": (1, 8, "given once"),
    "a = 1\n__import__('os')": (2, 1, "there is no __import__"),
    "a = 1\nlambda: a": (2, 1, "only names, numbers"),
    "a = 1; tanh(a, a)": (1, 8, "takes one number"),
    "a = 1\na = 2": (2, 1, "has a value already"),
    "é = 2; é * ü": (1, 12, "ü has no value"),
    "a = 1; (((a": (1, 10, "never closed"),
    "a = 1; [a][0]": (1, 8, "only names, numbers"),
    "a = True": (1, 5, "only names, numbers"),
    "a = '1'": (1, 5, "only names, numbers"),
    "a = 1j": (1, 5, "only names, numbers"),
    "2 + 3": (1, 1, "constant"),
    "a = 1\na * 2\na": (2, 1, "this result is lost"),
    "exp = 2; exp": (1, 1, "is a function"),
    "a = 1" + "0" * 400: (1, 5, "too large"),
    "a = 1; " + "-" * 300 + "a": (1, None, "levels deep"),
    "a = 1; a" + " * a" * 70: (1, None, "more than 60"),
    "a = 1\n" + "a*a + " * 99 + "a": (2, None, "600 characters"),
    "(" * 500: (1, None, "cannot be read"),
    "a = 2; a\0": (1, 1, "cannot be read"),
    "a_very_long_name = 2": (1, 1, "12 letters"),
    "a = 1; a if a else a": (1, 8, "only names, numbers"),
    "for i in a: i": (1, 1, "only names, numbers"),
    "a == 2": (1, 1, "no gradient"),
}


@pytest.mark.spec("AGE-118", "one sentence with its line and column")
@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_bad_expression_is_refused_with_its_place(text):
    line, column, words = BAD[text]
    with pytest.raises(InputError) as error:
        PANEL.expression(text)
    said = str(error.value)
    place = re.match(r"line (\d+), column (\d+): ", said)
    assert place and int(place[1]) == line and words in said
    assert column in (None, int(place[2]))
    assert "\n" not in said and len(said) < 220


@pytest.mark.spec("AGE-118", "the network of the playground")
def test_the_network_of_the_playground_is_taken_with_its_weights():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s) for s in ((2, 3), (3,), (3, 2), (2,), (2, 1), (1,))]
    values = [array.tolist() for array in arrays]
    scene = PANEL.given("sigmoid", values, [[0.25, -1.5]], [1], 0.1)
    titles = [node["title"] for node in scene["nodes"]]
    for i in range(3):
        shown = scene["nodes"][titles.index(f"hidden1{i} w1")]["rows"][0][1]
        assert shown == number(arrays[0][1, i])
    h = np.array([0.25, -1.5])
    for weight, bias in zip(arrays[:-2:2], arrays[1:-2:2], strict=True):
        h = 1 / (1 + np.exp(-(h @ weight + bias)))
    loss = np.log1p(np.exp(-(h @ arrays[-2] + arrays[-1])[0]))
    assert last_texts(scene, "backward")["n0r0"] == number(float(loss))


@pytest.mark.parametrize(
    "given",
    [
        {"parameters": [[[1.0]], [0.0]]},
        {"parameters": [[[1.0], [2.0]], [0.0], [[1.0]]]},
        {"parameters": [[["x"], [2.0]], [0.0]]},
        {"parameters": [[[math.nan], [2.0]], [0.0]]},
        {"parameters": []},
        {"x": [[1.0, 2.0, 3.0]]},
        {"x": []},
        {"y": [2]},
        {"rate": math.inf},
        {"x": [[1.0, 2.0]] * 99, "y": [0] * 99},
        {"x": [[1.0, 2.0]] * 999, "y": [0] * 999},
    ],
)
def test_what_is_no_network_is_refused(given):
    good = {"parameters": [[[1.0], [2.0]], [0.0]], "x": [[0.0, 1.0]], "y": [1]}
    PANEL.given(activation="tanh", rate=0.1, **good)
    with pytest.raises(InputError):
        PANEL.given(**{"activation": "tanh", "rate": 0.1, **good, **given})


@pytest.mark.parametrize(
    "bad", [(0, 1, 0), (5, 1, 0), (2, 4, 0), (2, -2, 0), (2, 1, -1)]
)
def test_choices_outside_the_limits_are_refused(bad):
    with pytest.raises(InputError, match="choose"):
        PANEL.network(bad[0], "tanh", bad[1], bad[2])


def test_the_network_with_which_the_playground_begins_can_be_followed():
    parameters = start_parameters(Setup().hidden, Setup().activation, 0)
    given = [array.tolist() for array in parameters]
    scene = PANEL.given("tanh", given, [[0.1, 0.2], [0.3, 0.4]], [0, 1], 0.03)
    assert len(scene["nodes"]) == 178


def test_no_box_is_too_narrow_for_what_it_will_say():
    scene = plain(PANEL.network(3, "tanh", -1))
    boxes = scene["picture"]["boxes"]
    for step in scene["steps"]:
        for name, text in step["texts"].items():
            box = boxes[int(re.match(r"n(\d+)r", name)[1])]
            assert box["text"] + 6.0 * len(text) < box["x"] + box["width"] + 6
