# pattern: utils/axes.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/axes.py --from <sub-project>
"""Does a value fit an annotation? The matching behind `contracts.py`.

`jaxtyping` gives the language of the annotations, `beartype` judges what is no tensor.
Axes are matched here and not by them: an annotation is parsed once, so that a check
costs a microsecond, every item of a list is looked at, and a fault names what decided.

An axis is a name, a number, an expression of earlier names without spaces (`2*height`),
a value of an argument in braces (`{self.width}`), `_` (any size), and `...` or `*name`
for any number of axes.
"""

import re
from collections.abc import Callable
from inspect import Parameter
from types import CodeType, NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from beartype import BeartypeConf
from beartype.door import is_bearable
from jaxtyping import AbstractArray


TOWER = BeartypeConf(
    is_pep484_tower=True
)  # an int is a float, as type checkers have it


class Fault(NamedTuple):
    text: str
    names: tuple[str, ...] = ()  # the axes that decided what the size should be


def make_check(hint: Any) -> Callable | None:
    """A function (value, sizes, scope) -> fault or None; None if anything is allowed.

    `sizes` has the axes met so far and grows; `scope["_given"]` the arguments by name.
    """
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Parameter.empty or hint is Any:
        return None
    if isinstance(hint, str):
        raise TypeError(f"contracts need real annotations, not the string {hint!r}")
    if is_tensor(hint):
        return _tensor_check(hint)
    if not has_tensor(hint):
        return _plain_check(hint)
    if fields := fields_of(hint):
        return _fields_check(hint, [make_check(part) for part in fields.values()])
    if origin in (Union, UnionType):
        return _union_check(hint, [(make_check(part), part) for part in parts])
    if origin is tuple and Ellipsis not in parts:
        return _items_check(hint, tuple, [make_check(part) for part in parts])
    if origin in (tuple, list, dict):
        return _items_check(hint, origin, make_check(parts[origin is dict]))
    raise TypeError(f"contracts cannot check the tensors inside {spell(hint)}")


def is_tensor(hint: Any) -> bool:
    """Whether the annotation is one tensor, as in `Float[Tensor, "batch classes"]`."""
    return isinstance(hint, type) and issubclass(hint, AbstractArray)


def has_tensor(hint: Any) -> bool:
    """Whether there is a tensor anywhere inside the annotation."""
    inside = () if get_origin(hint) is Callable else get_args(hint)
    return is_tensor(hint) or any(map(has_tensor, (*inside, *fields_of(hint).values())))


def fields_of(hint: Any) -> dict[str, Any]:
    """The annotations of a NamedTuple; empty for all else."""
    named = isinstance(hint, type) and issubclass(hint, tuple)
    return getattr(hint, "__annotations__", {}) if named else {}


def spell(hint: Any) -> str:
    """The annotation as it is written in the source."""
    if is_tensor(hint):
        return f'{hint.dtype.__name__}[{hint.array_type.__name__}, "{hint.dim_str}"]'
    if hint is Ellipsis or hint is NoneType:
        return "..." if hint is Ellipsis else "None"
    origin, parts = get_origin(hint), [spell(part) for part in get_args(hint)]
    if origin in (Union, UnionType):
        return " | ".join(parts)
    if isinstance(origin, type) and parts:
        return f"{origin.__name__}[{', '.join(parts)}]"
    return (
        hint.__name__ if isinstance(hint, type) else str(hint).removeprefix("typing.")
    )


def describe(value: Any) -> str:
    """Type and shape of a value, and never what is inside a tensor."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{_dtype(value)}{list(value.shape)}"
    if isinstance(value, (tuple, list)):
        inside = ", ".join(describe(item) for item in value[:4])
        return f"{type(value).__name__}({inside}{', ...' if len(value) > 4 else ''})"
    if value is None or isinstance(value, (bool, int, float, str)):
        return f"{value!r:.40}"
    return type(value).__name__


def _plain_check(hint: Any) -> Callable:
    is_bearable(None, hint, conf=TOWER)  # an annotation beartype cannot read fails here

    def check(value, sizes, scope):
        if type(value) is hint or is_bearable(value, hint, conf=TOWER):
            return None
        return Fault(f"is not {spell(hint)}")

    return check


def _union_check(hint: Any, candidates: list) -> Callable:
    tensors = [check for check, part in candidates if has_tensor(part)]

    def check(value, sizes, scope):
        for candidate, _ in candidates:
            trial = dict(sizes)
            if candidate(value, trial, scope) is None:
                sizes.update(trial)
                return None
        likely = hasattr(value, "shape") or isinstance(value, (tuple, list, dict))
        if len(tensors) == 1 and likely:
            return tensors[0](value, dict(sizes), scope)
        return Fault(f"is not {spell(hint)}")

    return check


def _items_check(hint: Any, kind: type, each: Any) -> Callable:
    def check(value, sizes, scope):
        if not isinstance(value, kind):
            return Fault(f"is not {spell(hint)}")
        if isinstance(each, list) and len(value) != len(each):
            return Fault(f"has {len(value)} items, not {len(each)}")
        items = value.items() if kind is dict else enumerate(value)
        for place, (key, item) in enumerate(items):
            one = each[place] if isinstance(each, list) else each
            fault = None if one is None else one(item, sizes, scope)
            if fault is not None:
                return Fault(f"item {key!r}: {fault.text}", fault.names)
        return None

    return check


def _fields_check(hint: type, each: list) -> Callable:
    def check(value, sizes, scope):
        if not isinstance(value, hint):
            return Fault(f"is not {spell(hint)}")
        for name, one, item in zip(value._fields, each, value, strict=True):
            fault = None if one is None else one(item, sizes, scope)
            if fault is not None:
                return Fault(f"{name}: {fault.text}", fault.names)
        return None

    return check


def _tensor_check(hint: Any) -> Callable:
    kind = object if hint.array_type is Any else hint.array_type
    any_shape = hint.dtype[hint.array_type, "..."]
    tokens = hint.dim_str.split()
    axes = [_axis(token) for token in tokens]
    many = next((i for i, token in enumerate(tokens) if token[0] in ".*"), None)
    good: set = set()  # dtypes found to fit: asking jaxtyping costs 18 microseconds

    def check(value, sizes, scope):
        if not isinstance(value, kind):
            return Fault(f"is not a {kind.__name__}")
        if value.dtype not in good:
            if not isinstance(value, any_shape):
                return Fault(f"dtype is {_dtype(value)}, not {hint.dtype.__name__}")
            good.add(value.dtype)
        shape, fault = value.shape, None
        rest = len(shape) - len(axes)
        if many is not None and rest >= -1:
            end = many + rest + 1
            shape = (*shape[:many], tuple(shape[many:end]), *shape[end:])
        elif rest != 0:
            least = "" if many is None else "at least "
            return Fault(
                f"rank is {len(shape)}, not {least}{len(axes) - (many is not None)}"
            )
        for axis, size in zip(axes, shape, strict=True):
            if axis.__class__ is str:
                if sizes.setdefault(axis, size) != size:
                    return Fault(f"axis {axis} is {_size(size)}", (axis,))
            elif axis is not None and (fault := _judge(axis, size, sizes, scope)):
                return fault
        return None

    return check


class _Expression(NamedTuple):
    text: str
    code: CodeType


def _axis(token: str) -> str | _Expression | None:
    """A name is bound, an expression is evaluated, None fits any size."""
    if token == "..." or token.startswith("_"):
        return None
    if token.removeprefix("*").isidentifier():
        return token
    source = re.sub(r"\{(\w+)([^}]*)\}", r"(_given['\1']\2)", token)
    try:
        return _Expression(token, compile(source, token, "eval"))
    except SyntaxError:
        raise ValueError(f"contracts cannot read the axis {token!r}") from None


def _judge(axis: _Expression, size: int, sizes: dict, scope: dict) -> Fault | None:
    try:
        wanted = eval(axis.code, scope, sizes)
    except NameError as error:
        return Fault(f"axis {axis.text} needs {error.name}, which nothing fixed")
    if wanted == size:
        return None
    return Fault(f"axis {axis.text} is {size}, should be {wanted}", axis.code.co_names)


def _dtype(value: Any) -> str:
    return str(value.dtype).rpartition(".")[2]


def _size(size: Any) -> str:
    return str(list(size)) if isinstance(size, tuple) else str(size)
