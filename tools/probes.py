"""Probes in the byte code of chosen callables, and the same callables without a body.

The text of a file stays while it has probes, so that tests which read it see no
difference; every process that a test starts has them too.
"""

import ast
import builtins
import functools
import gc
import importlib._bootstrap_external as compiled
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

from tools.stripping import RAISES, body_of, definitions


PROBE = "__saw__({!r})"
PRELUDE = """
import builtins, os
if not hasattr(builtins, "__saw__"):
    builtins.__dict__.setdefault("__seen__", set())
    file = os.open({!r}, os.O_WRONLY | os.O_APPEND)
    def saw(name, seen=builtins.__seen__, write=os.write, file=file):
        if name not in seen:
            seen.add(name)
            write(file, (name + chr(10)).encode())
    saw._dynamo_marked_constant = True  # torch.compile calls it while it traces
    builtins.__saw__ = saw
    del saw, file
del builtins, os
"""


class Place(NamedTuple):
    """Where a callable stands, and the text of the file without its body."""

    file: str
    name: str
    stripped: str
    ids: tuple[str, ...] = ()  # that it lists

    def bytes(self) -> bytes:
        """The file without the body."""
        return self.stripped.encode("utf-8", "surrogateescape")


FIRST = Place("src/__init__.py", "", "")  # what every process imports first


def place_probes(tree: Path, places: Mapping[str, Place], seen: Path) -> None:
    """Byte code with probes beside the sources; Python does not compare the two."""
    first = tree / FIRST.file
    for file in {first, *(tree / place.file for place in places.values())}:
        code = ast.parse(file.read_bytes())
        here = {
            place.name: dotted
            for dotted, place in places.items()
            if tree / place.file == file
        }
        for name, node in list(definitions(code)):
            if name in here:
                probe = ast.parse(PROBE.format(here[name])).body
                body = body_of(node)
                for part in ast.walk(probe[0]):
                    ast.copy_location(part, body[0])
                node.body[len(node.body) - len(body) :] = [*probe, *body]
        if file == first:
            has = ast.get_docstring(code) is not None
            code.body[has:has] = ast.parse(PRELUDE.format(str(seen))).body
        data = compiled._code_to_hash_pyc(_compile(code, file), b"unlooked", False)
        target = Path(importlib.util.cache_from_source(str(file)))
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)


def drop_compiled(file: Path) -> None:
    """Let the next process compile what the file says."""
    for path in file.parent.glob(f"__pycache__/{file.stem}.*"):
        path.unlink()


class Bodies:
    """The functions of this process that are exercises, whatever decorates them."""

    def __init__(self, tree: Path, places: Mapping[str, Place]) -> None:
        self.functions: dict[str, list[FunctionType]] = {path: [] for path in places}
        self.plain: dict[str, CodeType] = {}
        self.stripped: dict[str, CodeType] = {}
        keys = {}
        for path, place in places.items():
            file = tree / place.file
            plain = _find(_compile(file.read_bytes(), file), place.name)
            text = place.stripped
            if plain.co_freevars:  # `super()` holds a cell; the new code needs it too
                asked = RAISES.format(path)
                text = text.replace(asked, f"{asked}; __class__")
            text = text.encode("utf-8", "surrogateescape")
            self.plain[path] = plain
            self.stripped[path] = _find(_compile(text, file), place.name)
            keys[str(file), place.name] = path
        for one in gc.get_objects():
            if type(one) is FunctionType:
                key = (one.__code__.co_filename, one.__code__.co_qualname)
                if path := keys.get(key):
                    self.functions[path].append(one)

    def take_out(self, removed: str = "") -> None:
        """Let all run without probes, and one without its body."""
        for path, functions in self.functions.items():
            new = (self.stripped if path == removed else self.plain)[path]
            for one in functions:
                one.__code__ = new


def _compile(text: bytes | ast.Module, file: Path) -> CodeType:
    return compile(text, str(file), "exec", dont_inherit=True)


def _find(module: CodeType, name: str) -> CodeType:
    todo = [module]
    for code in todo:
        if code.co_qualname == name:
            return code
        todo += [part for part in code.co_consts if isinstance(part, CodeType)]
    raise AssertionError(f"{name} is in the file, `strip` has found it")


class Seen:
    """What the probes of this process and of its children have seen since `take`."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_RDONLY)
        self.here = builtins.__dict__.setdefault("__seen__", set())
        _watch_caches(self.here)

    def take(self) -> set[str]:
        """All since the last call; begin anew."""
        found = set(self.here) | set(os.read(self.file, 1 << 24).decode().split())
        self.here.clear()
        return found

    def add(self, names: set[str]) -> None:
        """Seen as if called now."""
        self.here |= names


def _watch_caches(seen: set[str]) -> None:
    """A hit of a cache counts as a call of all that its misses have called."""
    real = functools.lru_cache

    def lru_cache(maxsize=128, typed=False):
        if callable(maxsize):
            return watched(maxsize, 128, typed)
        return lambda function: watched(function, maxsize, typed)

    def watched(function, maxsize, typed):
        behind: set[str] = set()

        def noting(*args, **kwargs):
            before = set(seen)
            seen.clear()
            try:
                return function(*args, **kwargs)
            finally:
                behind.update(seen)
                seen.update(before)

        inner = real(maxsize, typed)(noting)

        @functools.wraps(function)
        def outer(*args, **kwargs):
            try:
                return inner(*args, **kwargs)
            finally:
                seen.update(behind)

        for name in ("cache_info", "cache_clear", "cache_parameters"):
            setattr(outer, name, getattr(inner, name))
        return outer

    functools.lru_cache = lru_cache
    functools.cache = lambda function: lru_cache(maxsize=None)(function)
