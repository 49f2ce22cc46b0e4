"""The pictures of graphs: what they say, and that nothing overlaps."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import src as ag
from src.look.graph import draw, example, main
from src.look.layout import crossings, lay_out
from src.look.nodes import NOT_KEPT, NOT_YET, number, rows_of, shape
from src.look.read_graph import read_graph
from src.look.retain import gradients
from src.look.rules import RULES, scalar_rule
from src.scalar import Scalar
from src.strided import tensor as strided_tensor


SVG = "{http://www.w3.org/2000/svg}"


def texts(path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return [e.text for e in root.iter(f"{SVG}text")]


def rows(node) -> dict[str, str]:
    return dict(node.rows)


@pytest.mark.spec("AGE-090", "a gradient that was not computed says so and is never 0")
@pytest.mark.parametrize("level", [1, 2, 3])
def test_before_backward_no_gradient_is_shown_as_zero(level, tmp_path):
    root, names = example(level)
    draw(root, tmp_path / "g.svg", names=names)
    found = [dict(n.rows)["grad"] for n in read_graph(root, names) if "grad" in rows(n)]
    assert set(found) == {NOT_YET}
    assert texts(tmp_path / "g.svg").count(NOT_YET) == len(found)


@pytest.mark.spec("AGE-090", "of all three engines")
@pytest.mark.parametrize("level", [1, 2, 3])
def test_after_backward_every_node_has_its_gradient(level, tmp_path):
    root, names = example(level)
    draw(root, tmp_path / "g.svg", names=names, backward=True)
    assert NOT_YET not in texts(tmp_path / "g.svg")
    titles = ElementTree.parse(tmp_path / "g.svg").getroot().iter(f"{SVG}title")
    assert all(title.text for title in titles)


def test_the_gradients_of_inner_nodes_are_those_of_torch():
    import torch

    leaves = {}
    for level in (2, 3):
        root, names = example(level)
        known = gradients(root)
        nodes = read_graph(root, names, known)
        hidden = next(n for n in nodes if n.title == "tanh")
        leaves[level] = rows(hidden)["grad"]
        assert names["W"].grad is not None
    x = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    w = torch.tensor([[0.5, -1.0], [0.25, 0.5]], dtype=torch.float64)
    h = (x @ w + torch.tensor([0.1, -0.2])).tanh().requires_grad_()
    (h * h).mean().backward()
    expected = rows_of("grad", h.grad.numpy())[0][1]
    assert leaves == {2: expected, 3: expected}


def test_retaining_leaves_the_graph_as_it_was():
    root, names = example(3)
    first = gradients(root)
    hooks = root.grad_fn.hooks
    assert not any(hooks.values())
    second = gradients(root)
    assert len(first) == len(second) == 5
    again, other = example(3)
    again.backward()
    np.testing.assert_allclose(names["W"].grad.data, 2 * other["W"].grad.data)


def test_a_leaf_that_kept_an_earlier_gradient_shows_it():
    a = Scalar(2.0, "a")
    (a * 3).backward()
    nodes = read_graph(a * a)
    assert [rows(n)["grad"] for n in nodes] == [NOT_YET, "3"]


def test_level_3_shows_values_that_the_backward_keeps_and_says_where_none_is():
    root, names = example(3)
    shown = {n.title: rows(n)["value"] for n in read_graph(root, names)}
    assert shown["MatMul"] == shown["add"] == NOT_KEPT
    assert shown["tanh"] == "[0.09967, −0.9757]"
    root.backward()
    assert "nothing: freed" in str(read_graph(root, names))


@pytest.mark.spec("AGE-090", "with its text escaped")
def test_names_are_text_and_not_markup(tmp_path):
    evil = Scalar(1.0, '</text><script>alert("&")</script>')
    draw(evil * 2, tmp_path / "g.svg", caption="a < b & c")
    assert evil.name in texts(tmp_path / "g.svg")
    assert "<script" not in (tmp_path / "g.svg").read_text("utf-8")


def test_each_operation_of_scalars_has_a_rule():
    a, b = Scalar(2.0, "a"), Scalar(3.0, "b")
    results = [a + b, a - b, a * b, a / b, a**b, -a, a + 4, a - 4, 4 - a, a * 4, a / 4,
               4 / a, a**4, 4**a, a.exp(), a.log(), a.tanh(), a.sigmoid(), a.relu(),
               a.softplus()]  # fmt: skip
    for y in results:
        formula, derivatives = scalar_rule(y.op)
        assert len(derivatives) == len(y.parents), y.op
        assert "k" not in formula, y.op
    assert len(results) == len(RULES)


def test_the_numbers_of_the_rules_are_the_local_gradients():
    a, b = 2.0, 3.0
    formulas = {"b·a^(b−1)": 12.0, "−a/b²": -2 / 9, "1/b": 1 / 3}
    x, y = Scalar(a), Scalar(b)
    for node in (x**y, x / y):
        for text, local in zip(scalar_rule(node.op)[1], node.local_gradients,
                               strict=True):  # fmt: skip
            if text in formulas:
                assert local == pytest.approx(formulas[text])


def test_too_large_and_unknown_things_are_refused():
    total = Scalar(0.0)
    for _ in range(500):
        total = total + Scalar(1.0)
    with pytest.raises(ValueError, match="1001 nodes; beyond 400"):
        draw(total, "never.svg")
    with pytest.raises(TypeError, match="not of float"):
        read_graph(3.0)


def test_text_of_values():
    assert number(-0.00012345) == "−0.0001234"
    assert rows_of("v", np.arange(100.0)) == [("v", "0 … 99")]
    assert rows_of("v", np.zeros((0, 3))) == [("v", "0 elements")]
    assert rows_of("v", np.array(True)) == [("v", "True")]
    assert shape((), "float32") == "number float32"
    x = ag.tensor(np.ones((2, 3)), requires_grad=True)
    assert rows(read_graph(x)[0])["shape"] == "2×3 float64"


graphs = st.integers(2, 24).flatmap(
    lambda n: st.tuples(
        *[
            st.lists(st.integers(i + 1, n - 1), max_size=3) if i < n - 1 else
            st.just([])
            for i in range(n)
        ]
    )
)  # fmt: skip


@pytest.mark.spec("AGE-090", "no two boxes overlap")
@given(graphs)
def test_boxes_of_a_layer_do_not_overlap_and_edges_point_right(parents):
    sizes = [30.0 + 7 * (i % 3) for i in range(len(parents))]
    layout = lay_out(parents, sizes)
    for layer in set(layout.layers):
        row = sorted(
            (h - s / 2, h + s / 2)
            for h, s, where in zip(layout.heights, sizes, layout.layers, strict=True)
            if where == layer
        )
        for (_, end), (start, _) in zip(row, row[1:], strict=False):
            assert end <= start + 1e-6
    assert len(layout.routes) == sum(map(len, parents))
    for source, target, use, way in layout.routes:
        assert parents[target][use] == source
        between = range(layout.layers[source] + 1, layout.layers[target])
        assert [layer for layer, _ in way] == list(between)


def test_a_tree_has_no_crossings():
    parents = [[1, 2], [3, 4], [5, 6], [], [], [], []]
    shuffled = [[2, 1], [5, 3], [4, 6], [], [], [], []]
    for each in (parents, shuffled):
        layout = lay_out(each, [40.0] * 7)
        ends = sorted(
            (layout.heights[s], layout.heights[t]) for s, t, *_ in layout.routes
            if layout.layers[t] == 1
        )  # fmt: skip
        assert [t for _, t in ends] == sorted(t for _, t in ends)
    crossed = [[0, 1], [2, 3]], [([], [3]), ([], [2]), ([], []), ([], [])]
    assert crossings(*crossed) == 1


def test_a_graph_out_of_order_is_refused():
    with pytest.raises(ValueError, match="node 0 is used by 1"):
        lay_out([[], [0]], [1.0, 1.0])


def test_the_examples_are_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("src.look.graph.__file__", str(tmp_path / "a" / "b" / "g.py"))
    main()
    assert len(capsys.readouterr().out.split()) == 3
    assert len(list((tmp_path / "docs" / "pictures").iterdir())) == 3


def test_a_result_with_axes_of_size_one_starts_from_a_gradient_of_its_shape():
    w = strided_tensor([[2.0, 3.0]], requires_grad=True)
    root = (w * w).sum(1, keepdim=True)
    known = gradients(root)
    assert known[id(root)].shape == (1, 1)
    np.testing.assert_array_equal(known[id(w)], [[4.0, 6.0]])
    np.testing.assert_array_equal(w.grad.numpy(), [[4.0, 6.0]])
