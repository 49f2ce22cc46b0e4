# pattern: utils/config.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/config.py --from <sub-project>
"""YAML and `key.path=value` overrides -> frozen dataclasses, each mistake located.

A YAML file holds only what differs from the defaults in the dataclasses. Scalars follow
YAML 1.2: `1e-3` is a number, `no` and `on` are text, `010` is ten. `marks` maps a key
path to the place where it was written; `marks[""]` names the whole source.
"""

import copy
import dataclasses
import difflib
import math
import re
import types
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from .errors import InputError


T = TypeVar("T")


class ConfigError(InputError):
    """A configuration that cannot be used; the text begins with `file:line:column`."""


def load_config(cls: type[T], path: str | Path, overrides: list[str] = ()) -> T:
    """Read `path`, apply the overrides, build `cls`; raises ConfigError."""
    values, marks = read_yaml(path)
    apply_overrides(values, marks, overrides)
    return _build(cls, values, "", marks)


def from_dict(cls: type[T], values: Any, source: str = "config") -> T:
    """Build the dataclass `cls` from plain values, such as `to_dict` gives."""
    return _build(cls, values, "", {"": source})


def read_overrides(values: dict, overrides: list[str]) -> dict:
    """A copy of the plain configuration `values` with `key.path=value` items set."""
    values = copy.deepcopy(values)
    apply_overrides(values, {"": "config"}, overrides)
    return values


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


def read_yaml(path: str | Path) -> tuple[dict, dict[str, str]]:
    """The mapping in a YAML file, and the marks of its keys."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file{_nearby(Path(path))}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    marks = {"": str(path)}
    try:
        node = yaml.compose(text, Loader=_Yaml12Loader)
        values = _plain(node, "", marks, set()) if node else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise ConfigError(f"{at}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}:1: the file must hold `key: value` lines")
    if not values:
        raise ConfigError(f"{path}: the file is empty; configs/ has examples")
    return values, marks


def apply_overrides(values: dict, marks: dict[str, str], overrides: list[str]) -> None:
    """Set `key.path=value` items in `values`; each value is read as YAML."""
    for item in overrides:
        path, equals, text = item.partition("=")
        if not equals or not all(path.split(".")):
            raise ConfigError(f"{item!r}: write key=value, for example optim.lr=1e-3")
        try:
            node = yaml.compose(text, Loader=_Yaml12Loader)
            value = _plain(node, path, dict(marks), set()) if node else ""
        except yaml.YAMLError:
            raise ConfigError(f"{item!r}: {text!r} is not a YAML value") from None
        target = values
        *parents, leaf = path.split(".")
        for key in parents:
            target = target.setdefault(key, {})
            if not isinstance(target, dict):
                raise ConfigError(f"{item!r}: {key} is a single value and has no keys")
        target[leaf] = value
        marks[path] = f"{item!r} on the command line"


class _Yaml12Loader(yaml.SafeLoader):
    """No `yes` for true, no octal `010`, no base-60 `12:30`, no dates."""

    yaml_implicit_resolvers = {}


_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan"
for _tag, _pattern, _first in [
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
]:
    _Yaml12Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )
_Yaml12Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
_Yaml12Loader.add_constructor(
    "tag:yaml.org,2002:float",
    lambda _, node: float(re.sub(r"\.(inf|nan)", r"\1", node.value)),
)


def _plain(node: yaml.Node, path: str, marks: dict[str, str], seen: set[int]) -> Any:
    """The plain value of a YAML node; repeated keys and aliases are refused."""
    if id(node) in seen:
        raise yaml.MarkedYAMLError(
            problem="aliases (*name) are not used here; write the value out",
            problem_mark=node.start_mark,
        )
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        values: dict = {}
        for key_node, value_node in node.value:
            here, mark = _join(path, key_node.value), key_node.start_mark
            at = f"{marks['']}:{mark.line + 1}:{mark.column + 1}"
            if key_node.value in values:
                raise ConfigError(f"{at}: {here} is set twice")
            values[key_node.value] = _plain(value_node, here, marks, seen)
            marks[here] = at
        return values
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, path, marks, seen) for child in node.value]
    return _Yaml12Loader("").construct_object(node)


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
            raise _wrong(path, "`key: value` pairs", value, marks)
        return {k: _build(args[1], v, _join(path, k), marks) for k, v in value.items()}
    if hint is float and type(value) in (int, float) and not math.isnan(value):
        return float(value)
    if type(value) is hint and value == value:
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
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
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


def _nearby(path: Path) -> str:
    names = [p.name for p in sorted(path.parent.glob("*.yaml"))]
    close = difflib.get_close_matches(path.name, names, 1)
    if close:
        return f". Did you mean {path.parent / close[0]}?"
    return f". {path.parent}/ has: {', '.join(names)}" if names else ""
