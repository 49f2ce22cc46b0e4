"""Expressions that a visitor types, read by a grammar of our own and built of Scalars.

    a = 2; b = -3          a leaf with its value; lines or semicolons part them
    d = a * b + 5.5        an inner node with a name; numbers are constants
    d * tanh(d) + a**2     the last line is the result

Python's parser gives the tree; only what is listed here is taken from it, and nothing
of it is run.
"""

import ast
import operator
from typing import NoReturn

from ..scalar import Scalar
from ..utils.errors import InputError


OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
FUNCTIONS = ("exp", "log", "tanh", "sigmoid", "relu", "softplus")
LENGTH, NODES, DEPTH, NAME = 600, 60, 60, 12
"""Most characters, boxes of the graph, brackets within brackets, letters of a name."""

HINTS = {
    ast.BitXor: "a power is a**b",
    ast.Compare: "comparisons have no gradient",
    ast.Tuple: "assignments are parted by ; or a new line: a = 2; b = 3",
    ast.Attribute: f"functions come first, as in tanh(x): {', '.join(FUNCTIONS)}",
    ast.AugAssign: "a name is given once: write b = a + 1",
}


def read_expression(text: str) -> Scalar:
    """The result of the last line; InputError says line, column and what is allowed."""
    if len(text) > LENGTH:
        line, column = _place(text, LENGTH)
        _refuse(line, column, f"the text ends at {LENGTH} characters; shorten it")
    reader = _Reader()
    statements = [
        (number, line, statement)
        for number, line in enumerate(text.splitlines(), 1)
        for statement in _statements(number, line)
    ]
    if not statements:
        _refuse(1, 1, "there is no expression; type one, such as a = 2; a * a")
    value = None
    for at, (number, line, statement) in enumerate(statements, 1):
        reader.number, reader.line = number, line
        value = reader.statement(statement, last=at == len(statements))
    if not isinstance(value, Scalar):
        reader.refuse(statement, "the result is a constant; name a value: a = 2")
    return value


class _Reader:
    """The names so far, and the line that is being read."""

    def __init__(self) -> None:
        self.names: dict[str, Scalar] = {}
        self.made = 0
        self.number, self.line = 1, ""

    def statement(self, node: ast.stmt, last: bool) -> Scalar | float:
        if isinstance(node, ast.Expr):
            if not last:
                self.refuse(node, "this result is lost; give it a name: d = ...")
            return self.value(node.value)
        if not isinstance(node, ast.Assign):
            self.refuse(node)
        target = node.targets[0]
        if len(node.targets) > 1 or not isinstance(target, ast.Name):
            self.refuse(target, "one name a value: write a = 2; b = 3")
        self.new_name(target)
        value = self.value(node.value)
        if not isinstance(value, Scalar):
            value = self.count(target, Scalar(value))
        value.name = value.name or target.id
        self.names[target.id] = value
        return value

    def new_name(self, node: ast.Name) -> None:
        if node.id in FUNCTIONS:
            self.refuse(node, f"{node.id} is a function; choose another name")
        if node.id in self.names:
            self.refuse(node, f"{node.id} has a value already; choose another name")
        if len(node.id) > NAME:
            self.refuse(node, f"a name has at most {NAME} letters")

    def value(self, node: ast.expr, depth: int = 0) -> Scalar | float:
        """The node of an expression; a float where no name is in it."""
        if depth > DEPTH:
            self.refuse(node, f"more than {DEPTH} levels deep; name the parts")
        match node:
            case ast.Constant(value=int() | float() as number) if number is not True:
                return self.constant(node, number)
            case ast.Name(id=name):
                if name not in self.names:
                    self.refuse(node, f"{name} has no value; write {name} = 1 before")
                return self.names[name]
            case ast.UnaryOp(op=ast.UAdd(), operand=inner):
                return self.value(inner, depth + 1)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self.count(node, -self.value(inner, depth + 1))
            case ast.BinOp(op=op) if type(op) in OPERATIONS:
                left = self.value(node.left, depth + 1)
                right = self.value(node.right, depth + 1)
                if not isinstance(left, Scalar) and not isinstance(right, Scalar):
                    return OPERATIONS[type(op)](Scalar(left), right).data
                return self.count(node, OPERATIONS[type(op)](left, right))
            case ast.BinOp(op=op):
                self.refuse(node, HINTS.get(type(op), ""))
            case ast.Call():
                return self.call(node, depth)
        self.refuse(node)

    def call(self, node: ast.Call, depth: int) -> Scalar | float:
        """A function of one number; its rule is the method of a Scalar."""
        if not isinstance(node.func, ast.Name):
            self.refuse(node.func, HINTS[ast.Attribute])
        name = node.func.id
        if name not in FUNCTIONS:
            self.refuse(node, f"there is no {name[:20]}, but {', '.join(FUNCTIONS)}")
        if len(node.args) != 1 or node.keywords:
            self.refuse(node, f"{name} takes one number")
        inner = self.value(node.args[0], depth + 1)
        if not isinstance(inner, Scalar):
            return getattr(Scalar(inner), name)().data
        return self.count(node, getattr(inner, name)())

    def constant(self, node: ast.Constant, number: float) -> float:
        try:
            return float(number)
        except OverflowError:
            self.refuse(node, "too large for a number")

    def count(self, node: ast.AST, value: Scalar | float) -> Scalar | float:
        self.made += isinstance(value, Scalar)
        if self.made > NODES:
            self.refuse(node, f"more than {NODES} boxes cannot be followed; shorten it")
        return value

    def refuse(self, node: ast.AST, why: str = "") -> NoReturn:
        """InputError with the place of `node`; ast counts columns in bytes."""
        before = self.line.encode()[: node.col_offset].decode(errors="ignore")
        why = (
            why
            or HINTS.get(type(node))
            or (f"only names, numbers, + - * / ** and {', '.join(FUNCTIONS)} are known")
        )
        shown = ast.get_source_segment(self.line, node) or ""
        _refuse(self.number, len(before) + 1, why, shown)


def _statements(number: int, line: str) -> list[ast.stmt]:
    """The statements of one line; leading blanks count for columns only."""
    inner = line.lstrip()
    try:
        found = ast.parse(inner).body
    except SyntaxError as error:
        column = len(line) - len(inner) + (error.offset or 1)
        why = HINTS[ast.Tuple] if "==" in error.msg else error.msg
        _refuse(number, column, f"this cannot be read: {why}")
    except (ValueError, MemoryError, RecursionError):
        _refuse(number, 1, "this cannot be read; write it with fewer brackets")
    for statement in found:
        for node in ast.walk(statement):
            if hasattr(node, "col_offset"):
                node.col_offset += len(line) - len(inner)
                node.end_col_offset += len(line) - len(inner)
    return found


def _place(text: str, at: int) -> tuple[int, int]:
    lines = text[:at].splitlines() or [""]
    return len(lines), len(lines[-1]) + 1


def _refuse(line: int, column: int, why: str, shown: str = "") -> NoReturn:
    shown = f"`{shown[:24]}{'…' if len(shown) > 24 else ''}`: " if shown else ""
    raise InputError(f"line {line}, column {column}: {shown}{why}")
