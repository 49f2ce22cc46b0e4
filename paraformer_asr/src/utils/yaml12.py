# pattern: utils/yaml12.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/yaml12.py --from <sub-project>
"""YAML 1.2 -> plain values, each key with the place where it was written.

`1e-3` is a number, `no` and `on` are text, `010` is ten, and 12:30 is no number. Tags,
aliases and repeated keys are refused. `marks` maps a key path to its place.
"""

import difflib
import re
from pathlib import Path
from typing import Any

import yaml

from .errors import InputError


class ConfigError(InputError):
    """A configuration that cannot be used; the text begins with `file:line:column`."""


def read_yaml(path: str | Path) -> tuple[dict, dict[str, str]]:
    """The mapping in a YAML file and its marks; `marks[""]` is the file itself."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file{_nearby(Path(path))}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    values, marks = read_value(text, str(path))
    if values is None:
        raise ConfigError(f"{path}: the file is empty; configs/ has examples")
    if not isinstance(values, dict):
        raise ConfigError(f"{path}:1:1: the file must hold `key: value` lines")
    return values, {"": str(path), **marks}


def read_value(text: str, source: str, path: str = "") -> tuple[Any, dict[str, str]]:
    """The value in a YAML text, None if there is none, and the marks below `path`."""
    marks: dict[str, str] = {}
    try:
        node = yaml.compose(text, Loader=_Yaml12Loader)
        return _plain(node, path, source, marks, set()) if node else None, marks
    except yaml.MarkedYAMLError as error:
        at = f"{source}:{_place(error.problem_mark)}" if error.problem_mark else source
        hint = "; indent with spaces" if "'\\t'" in str(error.problem) else ""
        raise ConfigError(f"{at}: not valid YAML: {error.problem}{hint}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        what = f"the character #x{error.character:02x} is not text"
        raise ConfigError(f"{source}:{place}: not valid YAML: {what}") from None
    except RecursionError:
        raise ConfigError(f"{source}: not valid YAML: nested too deeply") from None


class _Yaml12Loader(yaml.SafeLoader):
    """No `yes` for true, no octal `010`, no base-60 `12:30`, no dates."""

    yaml_implicit_resolvers = {}


_TAG = "tag:yaml.org,2002:"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
for _name, _pattern, _first in [
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", _FLOAT + r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
]:
    _pattern = re.compile(f"^(?:{_pattern})$")
    _Yaml12Loader.add_implicit_resolver(_TAG + _name, _pattern, _first)
_SCALARS = {
    _TAG + "str": str,
    _TAG + "bool": lambda text: {"true": True, "false": False}[text.lower()],
    _TAG + "null": lambda _: None,
    _TAG + "int": int,
    _TAG + "float": lambda text: float(re.sub(r"\.([a-z])", r"\1", text.lower())),
}


def _plain(
    node: yaml.Node, path: str, source: str, marks: dict[str, str], seen: set[int]
) -> Any:
    """The plain value of a YAML node; fills `marks`."""
    if id(node) in seen:
        _refuse(node, "aliases (*name) are not used here; write the value out")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
        values: dict = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str) or not key:
                _refuse(key_node, "a key must be a word")
            here = f"{path}.{key}" if path else key
            at = f"{source}:{_place(key_node.start_mark)}"
            if key in values:
                raise ConfigError(f"{at}: {here} is set twice")
            values[key] = _plain(value_node, here, source, marks, seen)
            marks[here] = at
        return values
    if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
        return [_plain(child, path, source, marks, seen) for child in node.value]
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALARS:
        _refuse(node, f"the tag {node.tag} is not used here; write plain values")
    try:
        return _SCALARS[node.tag](node.value)
    except (ValueError, KeyError):
        kind = node.tag.removeprefix(_TAG)
        _refuse(node, f"{node.value[:40]!r} cannot be read as {kind}")


def _refuse(node: yaml.Node, problem: str) -> None:
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _place(mark: yaml.Mark) -> str:
    return f"{mark.line + 1}:{mark.column + 1}"


def _nearby(path: Path) -> str:
    names = [p.name for p in sorted(path.parent.glob("*.yaml"))]
    close = difflib.get_close_matches(path.name, names, 1)
    if close:
        return f". Did you mean {path.parent / close[0]}?"
    return f". {path.parent}/ has: {', '.join(names)}" if names else ""
