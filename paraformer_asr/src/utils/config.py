# pattern: utils/config.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/config.py --from <sub-project>
"""YAML and `key.path=value` overrides -> frozen dataclasses, each mistake located.

A YAML file holds only what differs from the defaults in the dataclasses. `marks` maps a
key path to the place where it was written; `marks[""]` names the whole source.
"""

import copy
import dataclasses
import difflib
import json
import sys
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from .yaml12 import ConfigError, read_value, read_yaml


__all__ = ["ConfigError", "differences", "from_dict", "load_config", "to_dict"]
T = TypeVar("T")


def load_config(cls: type[T], path: str | Path, overrides: Sequence[str] = ()) -> T:
    """Read `path`, apply the overrides, build `cls`; raises ConfigError."""
    values, marks = read_yaml(path)
    _apply_overrides(values, marks, overrides)
    return _build(cls, values, "", marks)


def from_dict(
    cls: type[T], values: Any, source: str = "config", overrides: Sequence[str] = ()
) -> T:
    """Build `cls` from plain values, such as `to_dict` gives, with overrides set."""
    marks = {"": source}
    if overrides and isinstance(values, dict):
        values = copy.deepcopy(values)
        _apply_overrides(values, marks, overrides)
    return _build(cls, values, "", marks)


def to_dict(config: Any) -> Any:
    """The plain value of a dataclass: dict, list, str, int, float, bool, None only."""
    if dataclasses.is_dataclass(config):
        fields = dataclasses.fields(config)
        return {f.name: to_dict(getattr(config, f.name)) for f in fields}
    if isinstance(config, dict):
        return {key: to_dict(value) for key, value in config.items()}
    if isinstance(config, (tuple, list)):
        return [to_dict(value) for value in config]
    return config


def differences(old: Any, new: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """`(key path, old, new)` wherever two plain configurations differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(k, old.get(k), new.get(k)) for k in dict.fromkeys([*old, *new])]
        return [d for k, a, b in pairs for d in differences(a, b, _join(path, k))]
    return [] if old == new else [(path, old, new)]


def _apply_overrides(values: dict, marks: dict[str, str], items: Sequence[str]) -> None:
    """Set `key.path=value` items in `values`; each value is read as YAML."""
    for item in items:
        path, equals, text = item.partition("=")
        if not equals or not all(path.split(".")):
            raise ConfigError(f"{item!r}: write key=value, for example optim.lr=1e-3")
        source = f"{item!r} on the command line"
        value, inner = read_value(text, source, path)
        target, here = values, ""
        *parents, leaf = path.split(".")
        for key in parents:
            here = _join(here, key)
            if key not in target:
                target[key], marks[here] = {}, source
            target = target[key]
            if not isinstance(target, dict):
                raise ConfigError(f"{item!r}: {here} is a single value and has no keys")
        target[leaf] = "" if value is None and not text.strip() else value
        for old in [m for m in marks if m.startswith(f"{path}.")]:
            del marks[old]
        marks |= {path: source, **inner}


def _build(hint: Any, value: Any, path: str, marks: dict[str, str]) -> Any:
    """`value` as the annotated type `hint`; raises ConfigError that names `path`."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _build_dataclass(hint, value, path, marks)
    if origin is Literal:
        if any(type(value) is type(a) and value == a for a in args):
            return value
        raise _wrong(path, f"one of {', '.join(map(str, args))}", value, marks, args)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        (inner,) = [a for a in args if a is not type(None)]
        return _build(inner, value, path, marks)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise _wrong(path, "a list", value, marks)
        hints = [args[0]] * len(value) if args[1:] == (...,) else args
        if len(hints) != len(value):
            raise _wrong(path, f"a list of {len(hints)} values", value, marks)
        return tuple(_build(h, v, path, marks) for h, v in zip(hints, value))  # noqa: B905
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(path, "`key: value` pairs ({} for none)", value, marks)
        return {k: _build(args[1], v, _join(path, k), marks) for k, v in value.items()}
    if hint is float and type(value) in (int, float):
        if not abs(value) <= sys.float_info.max:  # NaN, infinity, an integer too large
            raise _wrong(path, "a finite number", value, marks)
        return float(value)
    if type(value) is hint:
        return value
    names = {int: "an integer", float: "a number", bool: "true or false", str: "text"}
    raise _wrong(path, names[hint], value, marks)


def _build_dataclass(cls: type, values: Any, path: str, marks: dict[str, str]) -> Any:
    if not isinstance(values, dict):
        raise _wrong(path or "the file", "`key: value` pairs", values, marks)
    hints = typing.get_type_hints(cls)
    for key in values:
        if key not in hints:
            here, close = _join(path, key), difflib.get_close_matches(key, hints, 1)
            guess = f"Did you mean {_join(path, close[0])}? " if close else ""
            raise ConfigError(
                f"{_at(here, marks)}: {here} is not a known key. {guess}"
                f"Known: {', '.join(sorted(hints))}"
            )
    built = {k: _build(hints[k], v, _join(path, k), marks) for k, v in values.items()}
    try:
        return cls(**built)
    except (ValueError, TypeError) as error:
        # A range check in __post_init__ begins its message with the field's name.
        here = _join(path, str(error).split(" ", 1)[0])
        raise ConfigError(f"{_at(here, marks)}: {_join(path, str(error))}") from None


def _wrong(
    path: str, expected: str, value: Any, marks: dict, choices=()
) -> ConfigError:
    text = isinstance(value, str)
    shown = json.dumps(value, ensure_ascii=False) if text else repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    close = difflib.get_close_matches(str(value), [str(c) for c in choices], 1)
    guess = f". Did you mean {close[0]}?" if close else ""
    return ConfigError(
        f"{_at(path, marks)}: {path} must be {expected}, got {shown}{guess}"
    )


def _at(path: str, marks: dict[str, str]) -> str:
    """Where `path`, or the nearest mapping around it, was written."""
    while path and path not in marks:
        path = path.rpartition(".")[0]
    return marks[path]


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
