"""Torch's own samples of its operations, driven through the engine: value and gradient.

    python -m tests.conformance              # all, and write docs/CONFORMANCE.md
    python -m tests.conformance add einsum   # some, and show each sample that differs

conformance_probes.py asks more of each sample; its answers are in the page as well.

A sample is right if shape, dtype, values and all gradients are torch's; refused if the
engine raises NotImplementedError or TypeError; failed if it raises anything else; wrong
if it answers something else. An answer that torch refuses is not looked for.
"""

import functools
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

import src as ag
from src import functional as F
from tests.conformance_form import describe, flatten
from tests.conformance_table import table
from tests.conformance_tiers import RANDOM, REORDERED, TIERS, TOLERANCES


warnings.filterwarnings("ignore", module="torch")
TOLERANCE = 1e-9
PROBED = 6  # samples of one operation that conformance_probes.py is about


class Verdict(NamedTuple):
    """What became of one sample."""

    operation: str
    kind: str  # right, refused, failed, wrong
    note: str


def engine_operation(name: str) -> Callable | None:
    """The engine's operation of torch's `name`: a function, or a method of Tensor."""
    if name in REORDERED:
        return REORDERED[name]
    if name.startswith("nn.functional."):
        return getattr(F, name.removeprefix("nn.functional."), None)
    found: Any = ag
    for part in name.split("."):
        found = getattr(found, part, None)
    places = (found, getattr(ag.Tensor, name, None), getattr(F, name, None))
    return next((place for place in places if callable(place)), None)


@functools.cache
def samples_of(name: str) -> list[tuple[Any, Any]]:
    """Each OpInfo of `name` with each of its samples in float64."""
    return list(_samples(name))


def some_samples_of(name: str, most: int) -> list[tuple[Any, Any]]:
    """`most` of the samples, spread over the list."""
    samples = samples_of(name)
    step = max(len(samples) / most, 1)
    return [samples[int(i * step)] for i in range(min(most, len(samples)))]


def _samples(name: str) -> Iterator[tuple[Any, Any]]:
    from torch.testing._internal.common_methods_invocations import op_db

    for info in op_db:
        if info.name == name and torch.float64 in info.dtypes:
            torch.manual_seed(0)
            grads = info.supports_autograd
            for sample in info.sample_inputs("cpu", torch.float64, requires_grad=grads):
                yield info, sample


def judge(name: str, samples: list | None = None) -> list[Verdict]:
    """A verdict for every sample of an operation that the engine has."""
    operation = engine_operation(name)
    samples = samples_of(name) if samples is None else samples
    return [judge_sample(name, operation, i, s) for i, s in samples]


def judge_sample(name: str, operation: Callable, info: Any, sample: Any) -> Verdict:
    arguments = (sample.input, sample.args, sample.kwargs)
    try:
        expected = info.op(sample.input, *sample.args, **sample.kwargs)
    except Exception as error:
        return Verdict(name, "right", f"torch refuses: {error}")
    told = describe(arguments)
    try:
        pairs: dict[int, tuple[torch.Tensor, ag.Tensor]] = {}
        first, args, kwargs = convert(arguments, pairs)
        answer = operation(first, *args, **kwargs)
        drawn = is_drawn(name, sample)
        note = compare(expected, answer, pairs, drawn, tolerance_of(name))
    except (NotImplementedError, TypeError) as error:
        return Verdict(name, "refused", f"{told}: {type(error).__name__}: {error}")
    except Exception as error:
        return Verdict(name, "failed", f"{told}: {type(error).__name__}: {error}")
    return Verdict(name, "wrong" if note else "right", f"{told}: {note}")


def is_drawn(name: str, sample: Any) -> bool:
    return name in RANDOM or bool(sample.kwargs.get("dropout_p"))


def tolerance_of(name: str) -> float:
    return TOLERANCES.get(name, TOLERANCE)


def convert(value: Any, pairs: dict) -> Any:
    """The arguments of a sample with the engine's tensors in place of torch's."""
    if isinstance(value, torch.Tensor):
        if id(value) not in pairs:
            array = value.detach().numpy()
            copy = np.lib.stride_tricks.as_strided(
                array.copy() if array.flags.c_contiguous else array, writeable=True
            )
            tensor = ag.Tensor(copy)
            tensor.requires_grad_(value.requires_grad)
            pairs[id(value)] = (value, tensor)
        return pairs[id(value)][1]
    if isinstance(value, torch.dtype):
        return getattr(ag, str(value).removeprefix("torch."))
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, (list, tuple)):
        return type(value)(convert(v, pairs) for v in value)
    if isinstance(value, dict):
        return {k: convert(v, pairs) for k, v in value.items() if k != "device"}
    return value


def compare(
    expected: Any, answer: Any, pairs: dict, drawn: bool, close: float = TOLERANCE
) -> str:
    """What differs, in a sentence; of `drawn` random numbers only the form counts."""
    theirs, ours = flatten(expected), flatten(answer)
    if len(theirs) != len(ours):
        return f"{len(ours)} results instead of {len(theirs)}"
    for i, (a, b) in enumerate(zip(theirs, ours, strict=True)):
        note = difference(a, b, drawn, close)
        if note:
            return f"result {i}: {note}"
    return "" if drawn else compare_gradients(theirs, ours, pairs, close)


def compare_gradients(theirs: list, ours: list, pairs: dict, close: float) -> str:
    """Gradients of a random weighting of all results, for each input that wants one."""
    leaves = [(a, b) for a, b in pairs.values() if a.requires_grad]
    roots = [
        (a, b)
        for a, b in zip(theirs, ours, strict=True)
        if isinstance(a, torch.Tensor) and a.requires_grad
    ]
    wrongly = [b for a, b in zip(theirs, ours, strict=True) if needs(b) != needs(a)]
    if wrongly and leaves:
        return f"requires_grad is {needs(wrongly[0])}"
    if not roots or not leaves:
        return ""
    generator = np.random.default_rng(0)
    weights = [generator.normal(size=tuple(a.shape)) for a, _ in roots]
    their_grads = torch.autograd.grad(
        [a for a, _ in roots],
        [a for a, _ in leaves],
        [torch.from_numpy(np.asarray(w)) for w in weights],
        allow_unused=True,
    )
    our_grads = ag.grad(
        [b for _, b in roots],
        [b for _, b in leaves],
        [ag.Tensor(np.asarray(w)) for w in weights],
        allow_unused=True,
    )
    for i, (a, b) in enumerate(zip(their_grads, our_grads, strict=True)):
        a = torch.zeros_like(leaves[i][0]) if a is None else a
        b = ag.Tensor(np.zeros(tuple(a.shape))) if b is None else b
        note = difference(a, b, False, close)
        if note:
            return f"gradient of tensor {i}: {note}"
    return ""


def needs(value: Any) -> bool:
    return getattr(value, "requires_grad", False)


def difference(theirs: Any, ours: Any, only_form: bool, close: float) -> str:
    """How two results differ in shape, dtype or values."""
    if not isinstance(theirs, torch.Tensor):
        same = theirs == ours or only_form
        return "" if same else f"{ours!r} instead of {theirs!r}"
    if not isinstance(ours, ag.Tensor):
        return f"{type(ours).__name__} instead of a tensor"
    if tuple(theirs.shape) != ours.shape:
        return f"shape {ours.shape} instead of {tuple(theirs.shape)}"
    a, b = theirs.detach().numpy(), ours.data
    if a.dtype != b.dtype:
        return f"dtype {b.dtype} instead of {a.dtype}"
    # A few samples bring float32 weights along.
    close = 1e-5 if a.dtype == np.float32 else close
    if only_form or np.allclose(b, a, rtol=close, atol=close, equal_nan=True):
        return ""
    return f"values {str(b.ravel()[:4])} instead of {str(a.ravel()[:4])}"


def run(names: list[str]) -> dict[str, list[Verdict] | None]:
    return {n: None if engine_operation(n) is None else judge(n) for n in names}


def main(arguments: list[str]) -> int:
    names = arguments or [n for tier in TIERS.values() for n in tier]
    verdicts = run(names)
    for name, found in verdicts.items():
        count = Counter(v.kind for v in found or [])
        print(f"{name:40s} {'absent' if found is None else dict(count)}")
        for verdict in found or []:
            if verdict.kind != "right" and arguments:
                print(f"    {verdict.kind}: {verdict.note}")
    if not arguments:
        from pathlib import Path

        from tests.conformance_ask import ask_all

        page = Path(__file__).resolve().parents[1] / "docs" / "CONFORMANCE.md"
        page.write_text(table(verdicts, TOLERANCE, ask_all(names, PROBED), PROBED))
        print(f"wrote {page}")
    return int(
        any(v.kind == "wrong" for found in verdicts.values() for v in found or [])
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
