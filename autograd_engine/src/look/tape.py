"""A tape of the memory: which operation's array lives from when until when.

    from src.look.tape import Tape
    with Tape() as tape:
        loss = model(x)
        tape.note("backward")
        loss.backward()
    print(tape.table())

Each array that an operation, a rule or a sum of gradients makes is watched by a weak
reference, so that it ends on the tape when Python frees it, whoever held it. Arrays
that were there before (inputs, parameters) and what is made and dropped within one rule
are not on the tape. The time is the number of arrays made so far.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine import backward, graph
from ..engine.function import Function
from ..engine.tensor import Tensor


@dataclass(slots=True, eq=False)
class Span:
    """The life of one array: made by `maker`, kept for the backward of `holders`."""

    maker: str
    bytes: int
    born: int
    phase: str
    died: int | None = None  # None: it is still there at the end
    holders: list[str] = field(default_factory=list)


class Tape:
    """Records while it is entered; one at a time, in one thread."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.totals: list[tuple[int, int]] = []  # (time, bytes alive), at every change
        self.notes: list[tuple[int, str]] = [(0, "forward")]
        self.time = self.now = self.peak = 0
        self._alive: dict[int, tuple[Span, Any]] = {}
        self._patches: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> "Tape":
        if getattr(Function, "_taped", False):
            raise RuntimeError("a Tape is running already; one at a time")
        Function._taped = True
        apply = Function.__dict__["apply"].__func__

        def watched(cls: type, *args: Any) -> Any:
            return self._apply(apply, cls, *args)

        self._patch(Function, "apply", classmethod(watched))
        rule = backward.differentiate
        self._patch(backward, "differentiate", self._after_rule(rule))
        self._patch(backward, "_accumulate", self._after_leaf(backward._accumulate))
        self._patch(graph.Sums, "add", self._after_sum(graph.Sums.add))
        return self

    def __exit__(self, *_: Any) -> None:
        while self._patches:
            owner, name, value = self._patches.pop()
            setattr(owner, name, value)
        del Function._taped
        self._alive.clear()

    def note(self, text: str) -> None:
        """Name what comes next, such as "backward"; pictures draw a line here."""
        self.notes.append((self.time, text))

    def table(self, limit: int = 15) -> str:
        """The largest arrays, their life and what kept them, and the peak."""
        lines = [f"{'bytes':>10}  {'from':>5} {'until':>5}  made by -> kept for"]
        for span in sorted(self.spans, key=lambda s: -s.bytes)[:limit]:
            end = "end" if span.died is None else str(span.died)
            kept = ", ".join(dict.fromkeys(span.holders)) or "nothing"
            lines.append(
                f"{span.bytes:>10}  {span.born:>5} {end:>5}  {span.maker} -> {kept}"
            )
        if len(self.spans) > limit:
            lines.append(f"... and {len(self.spans) - limit} smaller arrays")
        lines.append(f"peak {self.peak} bytes, {self.now} at the end")
        return "\n".join(lines)

    def _patch(self, owner: Any, name: str, value: Any) -> None:
        self._patches.append((owner, name, owner.__dict__[name]))
        setattr(owner, name, value)

    def _apply(self, apply: Callable, cls: type, *args: Any) -> Any:
        known = {id(_owner(a.data)) for a in args if isinstance(a, Tensor)}
        result = apply(cls, *args)
        tensors = result if isinstance(result, tuple) else (result,)
        for tensor in tensors:
            self._watch(tensor.data, cls.__name__, known)
        node = tensors[0].grad_fn
        if type(node) is cls:
            self._held(node, cls.__name__, known)
        return result

    def _held(self, node: Function, name: str, known: set[int]) -> None:
        """What the operation keeps: tensors, its result, arrays as attributes."""
        arrays = [
            s.array if s.tensor is None else s.tensor.data
            for s in node._saved or ()
            if s is not None
        ]
        for value in vars(node).values():
            if isinstance(value, np.ndarray):
                self._watch(value, f"{name} (work space)", known)
                arrays.append(value)
        for array in arrays:
            span, _ = self._alive.get(id(_owner(array)), (None, None))
            if span is not None:
                span.holders.append(name)

    def _after_rule(self, rule: Callable) -> Callable:
        def differentiate(node: Function, given: list, create_graph: bool) -> tuple:
            results = rule(node, given, create_graph)
            for result in results:
                array = result.data if isinstance(result, Tensor) else result
                if isinstance(array, np.ndarray):
                    self._watch(array, f"gradient from {type(node).__name__}", set())
            return results

        return differentiate

    def _after_leaf(self, accumulate: Callable) -> Callable:
        def _accumulate(leaf: Tensor, *args: Any) -> None:
            accumulate(leaf, *args)
            self._watch(leaf.grad.data, "gradient of a leaf", set())

        return _accumulate

    def _after_sum(self, add: Callable) -> Callable:
        def summed(
            sums: graph.Sums, node: Any, output: int, gradient: Tensor, fresh: bool
        ) -> None:
            add(sums, node, output, gradient, fresh)
            held = sums.grads[node][output][0]
            self._watch(held.data, "sum of gradients", set())

        return summed

    def _watch(self, array: np.ndarray, maker: str, known: set[int]) -> None:
        """Begin a span, unless the memory was there before."""
        owner = _owner(array)
        key = id(owner)
        if key in self._alive or key in known or owner.nbytes == 0:
            return
        self.time += 1
        span = Span(maker, owner.nbytes, self.time, self.notes[-1][1])
        self._alive[key] = span, weakref.ref(owner, lambda _: self._end(key))
        self.spans.append(span)
        self._count(span.bytes)

    def _end(self, key: int) -> None:
        span, _ = self._alive.pop(key, (None, None))
        if span is not None:
            span.died = self.time
            self._count(-span.bytes)

    def _count(self, change: int) -> None:
        self.now += change
        self.peak = max(self.peak, self.now)
        self.totals.append((self.time, self.now))


def _owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
