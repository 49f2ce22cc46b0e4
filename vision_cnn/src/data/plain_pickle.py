"""The pickles of CIFAR as plain values, read without executing anything.

A pickle is a program for a stack machine (the comments of Python's pickletools); its
REDUCE calls whatever function it names. This machine has the instructions that dicts,
lists, texts, numbers and uint8 arrays need, in protocols 2 to 5. A name is never looked
up but compared with those that arrays are made of; anything else is refused.
"""

import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..utils.errors import InputError
from .names import show


class Name(NamedTuple):
    """A function or class that a pickle names: a text here, never an object."""

    text: str


class Array:
    """uint8 values; empty until its BUILD has come."""

    values: np.ndarray | None = None


BYTE_TYPE = object()
"""Stands for numpy's dtype("u1"), the only one."""
RECONSTRUCT = {f"numpy.{core}.multiarray _reconstruct" for core in ("core", "_core")}
FROM_BUFFER = {f"numpy.{core}.numeric _frombuffer" for core in ("core", "_core")}
NAMES = {"numpy ndarray", "numpy dtype", "_codecs encode", *RECONSTRUCT, *FROM_BUFFER}
FAULTS = (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)


def read_pickle(data: bytes, name: object) -> Any:
    """What the pickle holds; texts of Python 2 are read as Latin-1.

    Raises InputError, where `name` is the file, for what is damaged or no plain data.
    """
    machine = _Machine()
    try:
        for opcode, arg, _ in pickletools.genops(data):
            machine.step(opcode.name, arg)
        (value,) = machine.stack
    except _Refused as error:
        raise InputError(
            f"{show(name)}: {show(error)}: refused. Nothing of it ran; get the file "
            "from someone you trust"
        ) from None
    except FAULTS as error:
        text = str(error) or type(error).__name__
        raise InputError(
            f"{show(name)}: is not a whole pickle of arrays and texts ({text:.80}); "
            "download it again"
        ) from None
    return _finish(value)


def _finish(value: Any) -> Any:
    """Arrays out of their shells, where CIFAR has them: in the outermost dict."""
    if type(value) is not dict:
        return value
    return {
        key: item.values if isinstance(item, Array) else item
        for key, item in value.items()
    }


class _Refused(Exception):
    """What is no data, as words that follow the file's name."""


class _Machine:
    def __init__(self):
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, opcode: str, arg: Any) -> None:
        if opcode in PUSHED:
            self.stack.append(arg)
        elif opcode in CONSTANTS:
            self.stack.append(CONSTANTS[opcode]())
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self.memo[arg] = self.stack[-1]
        elif opcode == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif opcode in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[arg])
        elif opcode in STEPS:
            STEPS[opcode](self, arg)
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            raise _Refused(
                f"uses the pickle instruction {opcode}, which CIFAR does not"
            )

    def pop(self, count: int) -> list[Any]:
        taken = self.stack[len(self.stack) - count :]
        if len(self.stack) - count < max(self.marks[-1:], default=0):
            raise ValueError("its stack runs empty")
        del self.stack[len(self.stack) - count :]
        return taken

    def pop_marked(self, _: Any = None) -> list[Any]:
        at = self.marks.pop()
        taken = self.stack[at:]
        del self.stack[at:]
        return taken

    def tuple_of(self, count: int) -> None:
        self.stack.append(tuple(self.pop(count)))

    def marked_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.pop_marked()))

    def append(self, items: list[Any]) -> None:
        _of(list, self.stack[-1]).extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = _of(dict, self.stack[-1])
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_text(key)] = value

    def global_name(self, text: str) -> None:
        if text not in NAMES:
            name = text.replace(" ", ".")
            raise _Refused(f"holds {name}, which is not data")
        self.stack.append(Name(text))

    def stacked_name(self, _: Any) -> None:
        module, name = self.pop(2)
        self.global_name(f"{_of(str, module)} {_of(str, name)}")

    def reduce(self, _: Any) -> None:
        function, args = self.pop(2)
        text = _of(Name, function).text
        args = _of(tuple, args)
        if text == "numpy dtype" and args[0] in ("u1", "|u1"):
            made = BYTE_TYPE
        elif text in RECONSTRUCT and args[0] == Name("numpy ndarray"):
            made = Array()
        elif text in FROM_BUFFER:
            raw, kind, shape, order = args
            made = _fill(Array(), raw, kind, shape, order == "F")
        elif text == "_codecs encode" and args[1] in ("latin1", "latin-1"):
            made = _of(str, args[0]).encode("latin-1")
        else:
            called = text.replace(" ", ".")
            raise _Refused(f"calls {called} for what is no array of bytes")
        self.stack.append(made)

    def build(self, _: Any) -> None:
        target, state = self.pop(2)
        if target is not BYTE_TYPE:
            _, shape, kind, fortran, raw = _of(tuple, state)
            _fill(_of(Array, target), raw, kind, shape, bool(fortran))
        self.stack.append(target)


def _fill(array: Array, raw: Any, kind: Any, shape: Any, fortran: bool) -> Array:
    if kind is not BYTE_TYPE:
        raise ValueError("it has an array that is not of bytes")
    raw = raw.encode("latin-1") if isinstance(raw, str) else bytes(raw)
    shape = tuple(_of(int, size) for size in _of(tuple, shape))
    values = np.frombuffer(raw, np.uint8)
    array.values = values.reshape(shape, order="F" if fortran else "C")
    return array


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{type(value).__name__} where {kind.__name__} is expected")
    return value


def _text(key: Any) -> str:
    """Keys that Python 2 wrote come back as bytes where somebody kept them so."""
    return key.decode("latin-1") if isinstance(key, bytes) else _of(str, key)


PUSHED = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
PUSHED |= {"BINSTRING", "SHORT_BINSTRING", "BINUNICODE", "SHORT_BINUNICODE"}
PUSHED |= {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "TUPLE": _Machine.marked_tuple,
    "APPEND": lambda machine, _: machine.append(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.append(machine.pop_marked()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_marked()),
    "GLOBAL": _Machine.global_name,
    "STACK_GLOBAL": _Machine.stacked_name,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}
