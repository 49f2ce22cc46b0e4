# pattern: utils/contracts.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/contracts.py --from <sub-project>
"""Shapes in signatures, checked when the function is called.

    @contract
    def mix(a: Float[Tensor, "batch width"], b: Float[Tensor, "batch width"]) -> ...

The language of the axes is described in `axes.py`; docs/CONTRACTS.md lists them all.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from jaxtyping import config as switch

from .axes import Fault, describe, has_tensor, make_check, spell
from .tracing import tracing


REGISTRY: dict[str, Callable] = {}
ABSENT = object()


class ContractError(TypeError):
    """A value does not fit the signature; says which, where and who fixed the axis."""


def disable_contracts() -> None:
    """Stop checking in this process, as `JAXTYPING_DISABLE=1` does from outside."""
    switch.update("jaxtyping_disable", True)


def contract(fn: Callable) -> Callable:
    """Check the annotations of `fn` at each call and list it in `REGISTRY`.

    The innermost decorator. A value that does not fit raises `ContractError`. Steps
    aside while `torch.compile` traces: no graph break and no false alarm. Not checked
    are defaults and what a generator yields.
    """
    signature = inspect.signature(fn)
    kinds = {p.kind for p in signature.parameters.values()}
    plain = kinds <= {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    }
    bind = not plain or "{" in str(signature)
    hints = _hints(signature)
    gives = None if inspect.isgeneratorfunction(fn) else make_check(hints["return"])
    checks = [
        (i, name, make_check(hints[name]))
        for i, name in enumerate(signature.parameters)
    ]
    checks = [entry for entry in checks if entry[2] is not None]

    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        __tracebackhide__ = True
        if tracing() or switch.jaxtyping_disable:
            return fn(*args, **kwargs)
        sizes: dict[str, Any] = {}
        passed, scope = _arguments(signature, args, kwargs) if bind else (kwargs, {})
        count = len(args) if plain else 0
        for index, name, check in checks:
            value = args[index] if index < count else passed.get(name, ABSENT)
            if value is not ABSENT and check(value, sizes, scope) is not None:
                raise ContractError(_explain(fn, signature, args, kwargs)) from None
        result = fn(*args, **kwargs)
        if gives is not None and gives(result, sizes, scope) is not None:
            raise ContractError(_explain(fn, signature, args, kwargs, result)) from None
        return result

    REGISTRY[f"{fn.__module__.split('.', 1)[-1]}.{fn.__qualname__}"] = wrapper
    return wrapper


def _hints(signature: inspect.Signature) -> dict[str, Any]:
    """The annotation of each parameter, for the bound value, and of the result."""
    hints = {"return": signature.return_annotation}
    for name, parameter in signature.parameters.items():
        hint = parameter.annotation
        if hint is not parameter.empty and parameter.kind is parameter.VAR_POSITIONAL:
            hint = tuple[hint, ...]
        elif hint is not parameter.empty and parameter.kind is parameter.VAR_KEYWORD:
            hint = dict[str, hint]
        hints[name] = hint
    return hints


def _arguments(
    signature: inspect.Signature, args: tuple, kwargs: dict
) -> tuple[dict, dict]:
    """What was passed, by name, and the names for axes in braces, defaults included."""
    bound = signature.bind(*args, **kwargs)
    passed = dict(bound.arguments)
    bound.apply_defaults()
    return passed, {"_given": bound.arguments}


def _explain(fn: Callable, signature: inspect.Signature, args, kwargs, *result) -> str:
    """The text of the error: repeats the checks, noting who fixed each axis."""
    passed, scope = _arguments(signature, args, kwargs)
    hints, sizes, owner, rows, wrong = _hints(signature), {}, {}, [], ""
    for name, value in (
        passed | dict.fromkeys(["return"][: len(result)], *result)
    ).items():
        check, fault = make_check(hints[name]), None
        if check is not None and not wrong:
            fault = check(value, sizes, scope)
            owner = dict.fromkeys(sizes, name) | owner
        if fault is not None or has_tensor(hints[name]):
            mark = "> " if fault is not None else "  "
            reason = (
                f"   <- {_reason(fault, sizes, owner)}" if fault is not None else ""
            )
            rows.append((mark, name, spell(hints[name]), describe(value) + reason))
            wrong = wrong or (name if fault is not None else "")
    first, second = (max(len(row[i]) for row in rows) for i in (1, 2))
    what = "returned a wrong value" if wrong == "return" else f"got a wrong `{wrong}`"
    lines = (f"  {mark}{a:<{first}}  {b:<{second}}  {c}" for mark, a, b, c in rows)
    return "\n".join([f"{fn.__qualname__} {what}", *lines])


def _reason(fault: Fault, sizes: dict[str, Any], owner: dict[str, str]) -> str:
    if not any(name in sizes for name in fault.names):
        return fault.text
    told = [f"`{owner[n]}` fixed {n} = {sizes[n]}" for n in fault.names if n in sizes]
    word = "because" if "should be" in fault.text else "but"
    return f"{fault.text}, {word} {' and '.join(told)}"
