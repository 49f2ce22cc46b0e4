# pattern: tests/parity.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/parity.py --from <sub-project>
"""The fixture `parity`: our component beside its reference, the largest error kept.

    @pytest.mark.parity("LSTM", "torch.nn.LSTM")  # component, reference
    def test_lstm_equals_torch(parity):
        ...
        parity.value(ours(x), theirs(x), atol=1e-12)
        parity.gradient(ours.grad, theirs.grad, atol=1e-11)

An error is |ours - theirs| / max(1, |theirs|), number by number. Both may be tensors of
any library, arrays, numbers, None, text (equal or not), or nested lists, tuples and
dicts of them. `pytest -m parity --parity-json PATH` writes one row a (component,
reference): the largest errors of all its tests.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest


ROOT = Path(__file__).resolve().parents[1]
ROWS: pytest.StashKey[dict] = pytest.StashKey()  # (component, reference) -> row
PAIR: pytest.StashKey[tuple] = pytest.StashKey()
COMPARED: pytest.StashKey[bool] = pytest.StashKey()


class Parity:
    """Compares, asserts and remembers, for one test."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def value(self, ours: Any, theirs: Any, *, atol: float) -> None:
        """What the component gives is what the reference gives."""
        self._compare("value", ours, theirs, atol)

    def gradient(self, ours: Any, theirs: Any, *, atol: float) -> None:
        """The same of its gradients."""
        self._compare("gradient", ours, theirs, atol)

    def _compare(self, kind: str, ours: Any, theirs: Any, atol: float) -> None:
        __tracebackhide__ = True
        component, reference = pair = self._item.stash[PAIR]
        self._item.stash[COMPARED] = True
        try:
            error, where = largest_error(ours, theirs)
        except ValueError as problem:
            pytest.fail(f"{component} beside {reference}: {kind}{problem}")
        if not error <= atol:
            pytest.fail(
                f"{component} beside {reference}: the largest error is {error:.3g} at "
                f"{kind}{where}, above {atol:g}"
            )
        row = self._item.config.stash[ROWS].setdefault(
            pair, {"value": None, "gradient": None, "atol": 0.0, "tests": []}
        )
        row[kind] = max(error, row[kind] or 0.0)
        row["atol"] = max(float(atol), row["atol"])
        if self._item.nodeid not in row["tests"]:
            row["tests"].append(self._item.nodeid)


def largest_error(ours: Any, theirs: Any) -> tuple[float, str]:
    """The largest error and where it is; ValueError where nothing can be compared."""
    found = [_error(path, a, b) for path, a, b in _leaves(ours, theirs, "")]
    if all(error is None for error, _ in found):
        raise ValueError(" has no number to compare")
    return max((f for f in found if f[0] is not None), key=lambda f: f[0])


def _leaves(ours: Any, theirs: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    groups = (Mapping, list, tuple)
    if not (isinstance(ours, groups) and isinstance(theirs, groups)):
        yield path, ours, theirs
        return
    mappings = isinstance(ours, Mapping), isinstance(theirs, Mapping)
    left = ours if mappings[0] else dict(enumerate(ours))
    right = theirs if mappings[1] else dict(enumerate(theirs))
    if left.keys() != right.keys() or len(set(mappings)) > 1:
        raise ValueError(f"{path} has {_list(left)}, the reference {_list(right)}")
    for key in left:
        yield from _leaves(left[key], right[key], f"{path}[{key!r}]")


def _error(path: str, ours: Any, theirs: Any) -> tuple[float | None, str]:
    """The largest error of one array; None if it has no numbers."""
    if any(x is None or isinstance(x, str | bytes) for x in (ours, theirs)):
        if type(ours) is not type(theirs) or ours != theirs:
            raise ValueError(
                f"{path} is {_short(ours)}, the reference {_short(theirs)}"
            )
        return (None if ours is None else 0.0), path
    a, b = _array(ours), _array(theirs)
    if a.shape != b.shape:
        raise ValueError(f"{path} has shape {a.shape}, the reference {b.shape}")
    if not a.size:
        return None, path
    same = (a == b) | ((a != a) & (b != b))  # infinite or NaN in both is the same
    with np.errstate(all="ignore"):
        error = np.where(same, 0.0, np.abs(a - b) / np.maximum(1.0, np.abs(b)))
    odd = ~same & ~(np.isfinite(a) & np.isfinite(b))
    error = np.where(odd, np.inf, error)
    index = np.unravel_index(int(error.argmax()), error.shape)
    return float(error[index]), path + (str([int(i) for i in index]) if index else "")


def _array(value: Any) -> np.ndarray:
    """The numbers of a tensor of any library, in float64 or complex128."""
    if not isinstance(value, np.ndarray | np.generic):
        for step in ("detach", "cpu"):
            if callable(method := getattr(value, step, None)):
                value = method()
        if "bfloat16" in str(getattr(value, "dtype", "")):
            value = value.float()  # numpy has none
        if callable(method := getattr(value, "numpy", None)):
            value = method()
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise ValueError(f" is of {type(value).__name__}, which has no numbers")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _list(parts: Mapping) -> str:
    return f"{len(parts)} parts ({_short(', '.join(map(str, parts)))})"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else f"a {type(value).__name__}"
    return "None" if value is None else text[:60]


@pytest.fixture
def parity(request: pytest.FixtureRequest) -> Parity:
    """Our component beside its reference; the test carries the mark `parity`."""
    if PAIR not in request.node.stash:
        pytest.fail('the fixture needs @pytest.mark.parity("component", "reference")')
    return Parity(request.node)


def pytest_addoption(parser):
    group = parser.getgroup("parity", "components beside their references")
    group.addoption("--parity-json", metavar="PATH", help="write the largest errors")


def pytest_configure(config):
    config.stash[ROWS] = {}
    config.addinivalue_line(
        "markers",
        "parity(component, reference): compares them by the fixture of that name",
    )


def pytest_collection_modifyitems(items):
    for item in items:
        marks = list(item.iter_markers("parity"))
        for mark in marks:
            good = [isinstance(a, str) and a.strip() == a != "" for a in mark.args]
            if good != [True, True] or mark.kwargs or len(marks) > 1:
                raise pytest.UsageError(
                    f"{item.nodeid}: one mark, of two names: "
                    '@pytest.mark.parity("LSTM", "torch.nn.LSTM")'
                )
            item.stash[PAIR] = mark.args


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    yield
    if PAIR in item.stash and COMPARED not in item.stash:
        pytest.fail("a test of parity calls parity.value or parity.gradient")


def pytest_sessionfinish(session):
    path = session.config.getoption("--parity-json")
    if path:
        rows = [
            {"component": component, "reference": reference, **row}
            for (component, reference), row in sorted(
                session.config.stash[ROWS].items()
            )
        ]
        content = {"project": ROOT.name, "rows": rows}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        Path(path).write_text(text + "\n", "utf-8")
