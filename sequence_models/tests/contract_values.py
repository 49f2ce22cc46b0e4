# pattern: tests/contract_values.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/contract_values.py --from <sub-project>
"""Right and wrong arguments for the sections of docs/CONTRACTS.md."""

import ast
import builtins
import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator
from types import NoneType
from typing import Any, get_args, get_origin

# local: begin
import torch

# local: end
from src.utils.axes import fields_of, has_tensor, is_tensor, spell
from tests.contract_docs import Entry, namespace


# local: begin
DEFAULT = {
    "Float": torch.randn,
    "Int": lambda shape: torch.randint(0, 2, shape),
    "UInt": lambda shape: torch.randint(0, 2, shape, dtype=torch.uint8),
    "UInt8": lambda shape: torch.randint(0, 256, shape, dtype=torch.uint8),
    "Int64": lambda shape: torch.randint(0, 2, shape),
    "Bool": lambda shape: torch.rand(shape) < 0.5,
}
FILLS = {
    "integers": lambda low, high: lambda shape: torch.randint(low, high, shape),
    "uniform": lambda low, high: lambda shape: torch.rand(shape) * (high - low) + low,
    "torch": torch,
}
EXACT = {
    "UInt8": torch.uint8,
    "Int64": torch.int64,
    "Float32": torch.float32,
    "Float64": torch.float64,
}
DTYPES = (torch.int64, torch.float32, torch.bool)
seed = torch.manual_seed


def of_kind(tensor, hint: Any):
    """As the annotation asks for: a fill has its kind, which may name its bits too."""
    return tensor.to(EXACT.get(hint.dtype.__name__, tensor.dtype))


def cast(tensor, dtype):
    return tensor.to(dtype)


def lengthen(tensor, axis: int):
    """The same with one entry more along the axis."""
    return torch.cat([tensor, tensor.narrow(axis, 0, 1)], axis)


# local: end


def possible_sizes(entry: Entry, count: int = 40) -> list[dict[str, Any]]:
    """Up to `count` assignments of sizes that fulfil the rule, the smallest first."""
    draw, found = random.Random(0), []
    spaces = {name: entry.ranges.get(name, range(1, 9)) for name in _axes(entry)}
    rule = compile(entry.rule, entry.where, "eval")
    for attempt in range(5000):
        sizes: dict[str, Any] = {}
        for name, space in spaces.items():
            size = space[0] if attempt == 0 else draw.choice(space)
            many = name == "..." or name.startswith("*")
            sizes[name] = tuple(draw.choices(range(1, 4), k=size % 3)) if many else size
        if eval(rule, namespace(entry.name) | sizes) and sizes not in found:
            found.append(sizes)
        if len(found) == count:
            break
    assert found, f"{entry.where}: no sizes fulfil {entry.rule}"
    return sorted(
        found, key=lambda sizes: sum(v for v in sizes.values() if isinstance(v, int))
    )


def callable_of(entry: Entry, sizes: dict[str, Any]) -> Callable:
    """The real function, or the method of what `build` makes."""
    scope = namespace(entry.name)
    attribute = entry.name.rpartition(".")[2]
    if not entry.build:
        return scope[attribute]
    built = eval(entry.build, FILLS | scope | sizes)
    return getattr(built.eval() if hasattr(built, "eval") else built, attribute)


def arguments_for(entry: Entry, sizes: dict[str, Any]) -> dict[str, Any]:
    """A value for each tensor argument and for all that `given` names."""
    hints, scope = entry.arguments(), FILLS | namespace(entry.name) | sizes
    values = {
        name: make(hint, sizes)
        for name, hint in hints.items()
        if name not in entry.given
    }
    for name, source in entry.given.items():
        value = eval(source, scope)
        fills = re.match(r"(integers|uniform)\(", source)
        values[name] = make(hints[name], sizes, value) if fills else value
    return values


def check_results(entry: Entry, sizes: dict[str, Any], missing: Iterable[str]) -> None:
    """Call with arguments of these sizes; AssertionError if a result is not as told."""
    seed(0)
    values = arguments_for(entry, sizes)
    values |= dict.fromkeys(missing)
    out = callable_of(entry, sizes)(**values)
    known = dict(sizes)
    for row, hint in entry.results().items():
        problem = misfit(hint, eval(row, {"returns": out}), known)
        assert problem is None, (
            f"{entry.where}: {entry.name}, {row}: {problem}; {sizes}"
        )


def check_refusals(entry: Entry, name: str) -> None:
    """Call with each wrong argument; AssertionError if no ContractError names it."""
    seed(0)
    sizes = random.Random(0).choice(possible_sizes(entry))
    values = arguments_for(entry, sizes)
    call = callable_of(entry, sizes)
    for what, argument, wrong in wrong_values(entry, values):
        told = "nothing"
        try:
            call(**values | {argument: wrong})
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
        wanted = f"ContractError: {name} got a wrong `{argument}`\n"
        text = (
            f"{entry.where}: {name} with a wrong `{argument}` ({what}, {sizes}): {told}"
        )
        assert told.startswith(wanted), text


def optional_arguments(entry: Entry) -> list[str]:
    """Tensor arguments that may be None, unless `given` says what they are."""
    hints = entry.arguments().items()
    return [n for n, h in hints if NoneType in get_args(h) and n not in entry.given]


def make(hint: Any, sizes: dict[str, Any], fill: Callable | None = None) -> Any:
    """A value of the annotation; two items for a list or a dict."""
    parts = [part for part in get_args(hint) if part not in (NoneType, Ellipsis)]
    origin = get_origin(hint)
    if is_tensor(hint):
        fill = fill or DEFAULT.get(hint.dtype.__name__, DEFAULT["Float"])
        return of_kind(fill(tuple(shape_of(hint.dim_str, sizes))), hint)
    if origin is dict:
        return {key: make(parts[1], sizes, fill) for key in ("first", "second")}
    if origin is tuple and Ellipsis not in get_args(hint):
        return tuple(make(part, sizes, fill) for part in parts)
    if origin in (tuple, list):
        return origin(make(parts[0], sizes, fill) for _ in range(2))
    return make(next(filter(has_tensor, parts)), sizes, fill)


def shape_of(axes: str, sizes: dict[str, Any]) -> list[Any]:
    """The sizes that the document's arithmetic gives; a name not yet met stays."""
    shape: list[Any] = []
    for token in axes.split():
        if token == "..." or token.startswith("*"):
            shape += sizes.get(token, ["*"])
        elif token.isidentifier():
            shape.append(sizes.get(token, token))
        else:
            shape.append(eval(token, dict(sizes)))
    return shape


def misfit(hint: Any, value: Any, sizes: dict[str, Any]) -> str | None:
    """How a result differs from the document's arithmetic; binds names not yet met."""
    parts = [part for part in get_args(hint) if part not in (NoneType, Ellipsis)]
    if is_tensor(hint):
        wanted, shape = shape_of(hint.dim_str, sizes), list(value.shape)
        if "*" in wanted:  # any number of axes, which no argument fixed
            place, many = wanted.index("*"), len(shape) - len(wanted) + 1
            wanted[place : place + 1] = shape[place : place + many]
        met = dict(zip(wanted, shape, strict=False))
        sizes.update({name: met[name] for name in met if isinstance(name, str)})
        wanted = [sizes.get(size, size) for size in wanted]
        return None if shape == wanted else f"shape {shape}, the document says {wanted}"
    if fields := fields_of(hint):
        pairs = zip(fields.values(), value, strict=True)
        return next((m for p, v in pairs if (m := misfit(p, v, sizes))), None)
    if value is None or not parts:
        return None
    if get_origin(hint) is dict:
        parts, value = parts[1:], list(value.values())
    if get_origin(hint) in (list, tuple, dict):
        pairs = zip(itertools.cycle(parts), value, strict=False)
        return next((m for p, v in pairs if (m := misfit(p, v, sizes))), None)
    return misfit(next(filter(has_tensor, parts)), value, sizes)


def wrong_values(
    entry: Entry, values: dict[str, Any]
) -> Iterator[tuple[str, str, Any]]:
    """Yield (what, argument, value) that the contract alone must refuse.

    An axis is known, so that one entry more is wrong, if the constructor fixed it, an
    earlier axis has its name, or it is an expression.
    """
    known = set(_names(entry.build)) if entry.build else set()
    for name, hint in entry.arguments().items():
        parts = [hint, *get_args(hint)]
        tensor = next((part for part in parts if is_tensor(part)), None)
        value = values[name]
        if tensor is None or value is None:
            continue
        listed = isinstance(value, (list, tuple))
        one = value[-1] if listed else value
        for what, wrong in _spoil(tensor, one, known):
            yield what, name, type(value)([*value[:-1], wrong]) if listed else wrong
        known |= set(tensor.dim_str.split())


def _spoil(hint: Any, value: Any, known: set[str]) -> Iterator[tuple[str, Any]]:
    tokens = hint.dim_str.split()
    fixed = [token for token in tokens if token[0] not in ".*"]
    any_shape = hint.dtype[hint.array_type, "..."]
    for dtype in DTYPES:
        if not isinstance(cast(value, dtype), any_shape):
            yield f"dtype {dtype}", cast(value, dtype)
            break
    if len(fixed) == len(tokens):
        yield "one axis more", value[None]
    if fixed:
        few = value
        while few.ndim >= len(fixed):
            few = few[0]
        yield "one axis fewer", few
    seen = set(known)
    for place, token in enumerate(tokens if len(fixed) == len(tokens) else []):
        if token in seen or not token.isidentifier():
            yield f"axis {token}", lengthen(value, place)
        seen.add(token)


def _names(source: str) -> list[str]:
    return [
        n.id for n in ast.walk(ast.parse(source.strip())) if isinstance(n, ast.Name)
    ]


def _axes(entry: Entry) -> dict[str, None]:
    """Every name that needs a size, in order of appearance."""
    cells = " ".join(
        re.findall(r'"([^"]*)"', " ".join(map(spell, entry.arguments().values())))
    )
    taken = vars(builtins).keys() | namespace(entry.name).keys() | FILLS.keys()
    names: dict[str, None] = {}
    for token in cells.split():
        many = token == "..." or token.startswith("*")
        names |= dict.fromkeys([token] if many else _names(token))
    for source in (entry.build, entry.rule, *entry.given.values()):
        names |= dict.fromkeys(name for name in _names(source) if name not in taken)
    return names
