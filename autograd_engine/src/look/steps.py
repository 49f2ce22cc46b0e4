"""The passes of Scalars written down: one step a node, forwards and backwards."""

import re
from dataclasses import asdict, dataclass, field
from typing import Literal

from ..scalar import Scalar, topological_order
from .nodes import NOT_YET, number
from .rules import scalar_rule


@dataclass(frozen=True, slots=True)
class Step:
    """What one step says and changes: texts of nodes, arrows that light up.

    `texts` maps the id of a text in the picture (`n3r1`: node 3, row 1) to its text.
    """

    node: int
    head: str
    lines: list[str]
    texts: dict[str, str] = field(default_factory=dict)
    arrows: list[str] = field(default_factory=list)
    done: bool = False  # the node is finished: it has passed its gradient on
    phase: Literal["forward", "backward", "update"] = "backward"

    def plain(self) -> dict:
        """The step as JSON has it."""
        return asdict(self)


def forward_steps(root: Scalar) -> list[Step]:
    """The expression computed slowly: each node after its inputs, value and rule.

    A node keeps its local gradients as it is made: `backward` only multiplies them.
    """
    nodes = topological_order(root)
    place = {node: i for i, node in enumerate(nodes)}
    inner = [node for node in reversed(nodes) if node.parents]
    steps = [
        Step(
            0,
            "Only the leaves have values",
            ["Each box is computed once, after all boxes that it is made from."],
            {f"n{place[node]}r0": NOT_YET for node in inner},
            phase="forward",
        )
    ]
    for node in inner:
        formula, _ = scalar_rule(node.op)
        lines = [f"rule: {formula}", f"value: {_with_numbers(node, formula)}"]
        for parent, local, rule in _local_rules(node):
            lines.append(
                f"local gradient by {_called(parent)}: {_equal(rule, number(local))}"
            )
        at = place[node]
        steps.append(
            Step(
                at,
                f"Compute {_called(node)}",
                lines,
                {f"n{at}r0": number(node.data)},
                [f"e{at}-{use}" for use in range(len(node.parents))],
                done=True,
                phase="forward",
            )
        )
    return steps


def _with_numbers(node: Scalar, formula: str) -> str:
    """The formula with the values of the inputs in it, and what it comes to."""
    if node.op == "dot":
        *weighted, bias = zip(node.parents, node.local_gradients, strict=True)
        pairs = [(parent.data, local) for parent, local in weighted]
        half = len(pairs) // 2  # of two nodes multiplied, both are among the inputs
        if pairs[half:] == [(x, w) for w, x in pairs[:half]]:
            pairs = pairs[:half]
        terms = [f"{_inside(w)} · {_inside(x)}" for w, x in pairs]
        text = " + ".join([*terms, _inside(bias[0].data)])
        if sum((w * x for w, x in pairs), 0.0) + bias[0].data != node.data:
            text = "w·x + b"  # numbers and nodes among the inputs: not to be told apart
    else:
        values = dict(zip("ab", node.parents, strict=False))
        text = re.sub(
            r"\b[ab]\b",
            lambda letter: _inside(values[letter[0]].data),
            formula.removeprefix("y = "),
        )
    return f"{text} = {number(node.data)}"


def _inside(value: float) -> str:
    """A number within a formula: one with a sign in brackets."""
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def _equal(rule: str, value: str) -> str:
    return rule if rule == value else f"{rule} = {value}"


def _local_rules(node: Scalar) -> list[tuple[Scalar, float, str]]:
    """Each input of `node`, its local gradient, and the rule that gave it."""
    _, derivatives = scalar_rule(node.op)
    out = []
    pairs = zip(node.parents, node.local_gradients, strict=True)
    for use, (parent, local) in enumerate(pairs):
        rule = derivatives[use] if use < len(derivatives) else "its partner in w·x"
        if node.op == "dot" and use == len(node.parents) - 1:
            rule = "1, the bias"
        out.append((parent, local, rule))
    return out


def backward_steps(root: Scalar) -> list[Step]:
    """Run `root.backward()` slowly: who is visited, its rule, what is added where.

    Leaves start from the gradient that they have. Afterwards every `grad` is what
    `root.backward()` would have left: the same sums in the same order.
    """
    nodes = topological_order(root)
    place = {node: i for i, node in enumerate(nodes)}
    coming = {node: 0 for node in nodes}  # how many parts are still to arrive
    for node in nodes:
        for parent in node.parents:
            coming[parent] += 1
    parts = dict(coming)
    for node in nodes:
        if node.parents:
            node.grad = 0.0
    root.grad += 1.0
    steps = [
        Step(
            0,
            "The forward pass is done",
            ["Every box has its value and its local gradients (on the arrows).",
             "No gradient is known yet. Zero would be a claim."],
        ),
        Step(
            0,
            f"Start at the result: its gradient is {number(root.grad)}",
            ["∂result/∂result = 1: all else follows by the chain rule."],
            {"n0r1": number(root.grad)},
        ),
    ]  # fmt: skip
    for node in nodes:
        if node.parents:
            steps.append(_visit(node, place, coming, parts))
    return steps


def _visit(node: Scalar, place: dict, coming: dict, parts: dict) -> Step:
    """Multiply by the local gradients and add to what each input has so far."""
    formula, _ = scalar_rule(node.op)
    number_of = place[node]
    d = node.grad
    lines = [f"rule: {formula}", f"incoming gradient: {number(d)}"]
    if parts[node] > 1:
        lines[1] += f", complete: {parts[node]} parts have arrived"
    texts, arrows = {}, []
    for use, (parent, local, rule) in enumerate(_local_rules(node)):
        before = parent.grad
        parent.grad += local * d
        coming[parent] -= 1
        lines.append(
            f"{_called(parent)}:  {number(before)} + {number(local)} · {number(d)} "
            f"= {number(parent.grad)}      local gradient: "
            + _equal(rule, number(local))
        )
        have, all_parts = parts[parent] - coming[parent], parts[parent]
        more = f" ({have}/{all_parts})" if have < all_parts else ""
        texts[f"n{place[parent]}r1"] = number(parent.grad) + more
        arrows.append(f"e{number_of}-{use}")
    head = f"Visit {_called(node)}"
    return Step(number_of, head, lines, texts, arrows, done=True)


def _called(node: Scalar) -> str:
    """Its name, or its operation and value."""
    if node.name:
        return node.name
    return f"[{node.op or 'leaf'}] of value {number(node.data)}"


def update_steps(
    root: Scalar, parameters: list[Scalar], rate: float, after: float
) -> list[Step]:
    """The rest of a training step: go down the slope, look again, forget.

    `after` is the loss with the new values. The parameters themselves stay.
    """
    nodes = topological_order(root)
    place = {node: i for i, node in enumerate(nodes)}
    lines, moved, zeros = [], {}, {}
    for p in parameters:
        new = number(p.data - rate * p.grad)
        lines.append(
            f"{p.name}:  {number(p.data)} − {rate:g} · {number(p.grad)} = {new}"
        )
        moved[f"n{place[p]}r0"] = new
        zeros[f"n{place[p]}r1"] = "0"
    return [
        Step(
            0,
            "Update: each parameter goes down its slope",
            lines,
            moved,
            phase="update",
        ),
        Step(
            0,
            f"The loss falls from {number(root.data)} to {number(after)}",
            ["The forward pass with the new values builds a new graph;",
             "the values of this picture are those of before."],
            phase="update",
        ),
        Step(
            0,
            "zero_grad: before the next backward",
            ["Leaves add up. Without zeroing, the next step would follow the sum",
             "of both gradients: examples/break_it/05_missing_zero_grad.py."],
            zeros,
            phase="update",
        ),
    ]  # fmt: skip
