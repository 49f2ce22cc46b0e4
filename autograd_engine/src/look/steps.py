"""The backward pass of Scalars written down: one step a node, in topological order."""

from dataclasses import asdict, dataclass, field

from ..scalar import Scalar, topological_order
from .nodes import number
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

    def plain(self) -> dict:
        """The step as JSON has it."""
        return asdict(self)


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
    formula, derivatives = scalar_rule(node.op)
    number_of = place[node]
    d = node.grad
    lines = [f"rule: {formula}", f"incoming gradient: {number(d)}"]
    if parts[node] > 1:
        lines[1] += f", complete: {parts[node]} parts have arrived"
    texts, arrows = {}, []
    pairs = zip(node.parents, node.local_gradients, strict=True)
    for use, (parent, local) in enumerate(pairs):
        before = parent.grad
        parent.grad += local * d
        coming[parent] -= 1
        rule = derivatives[use] if use < len(derivatives) else "its partner in w·x"
        if node.op == "dot" and use == len(node.parents) - 1:
            rule = "1, the bias"
        lines.append(
            f"{_called(parent)}:  {number(before)} + {number(local)} · {number(d)} "
            f"= {number(parent.grad)}      local gradient: {rule}"
            + ("" if rule == number(local) else f" = {number(local)}")
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
        Step(0, "Update: each parameter goes down its slope", lines, moved),
        Step(
            0,
            f"The loss falls from {number(root.data)} to {number(after)}",
            ["The forward pass with the new values builds a new graph;",
             "the values of this picture are those of before."],
        ),
        Step(
            0,
            "zero_grad: before the next backward",
            ["Leaves add up. Without zeroing, the next step would follow the sum",
             "of both gradients: examples/break_it/05_missing_zero_grad.py."],
            zeros,
        ),
    ]  # fmt: skip
