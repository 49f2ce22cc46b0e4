"""Take the body out of one function; every other byte of the file stays.

Decorators, signature and docstring stay. What may be taken: a function of a module, or
a method of a class of a module, also a static method, a class method or a property.
What may not: a class, a function inside a function, a name that is defined twice, and
what has no body to learn from.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.projects import WorkspaceError


Function = ast.FunctionDef | ast.AsyncFunctionDef
RAISES = 'raise NotImplementedError("exercise: {}")'


def find_module(project: Path, dotted: str) -> tuple[Path, str]:
    """(file, name inside it) of a dotted path below `src`."""
    parts = dotted.split(".")
    for end in range(len(parts) - 1, 0, -1):
        path = project.joinpath("src", *parts[:end])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file() and all(map(str.isidentifier, parts)):
                return file, ".".join(parts[end:])
    raise WorkspaceError(
        f"{project.name} has no callable {dotted}; write the path below src, for "
        "example models.lenet.LeNet.forward"
    )


def strip(text: bytes, name: str, dotted: str) -> bytes:
    """The file without the body of the function `name`."""
    function = find_function(text, name, dotted)
    body = body_of(function)
    if not any(map(_does_something, body)):
        raise WorkspaceError(f"{dotted} has no body that could be removed")
    lines = text.splitlines(keepends=True)
    first, column = _start(function, body, lines)
    last, tail = _end(body, lines)
    head = b"".join(lines[:first]) + lines[first][:column]
    new = RAISES.format(dotted).encode() + tail
    stripped = head + new + b"".join(lines[last + 1 :])
    ast.parse(stripped)
    return stripped


def function_text(text: bytes, name: str, dotted: str) -> bytes:
    """The whole function as written, decorators and all."""
    first, last = _lines_of(find_function(text, name, dotted))
    return b"".join(text.splitlines(keepends=True)[first:last])


def put_function(text: bytes, new: bytes, name: str, dotted: str) -> bytes:
    """The file with another text of one function."""
    first, last = _lines_of(find_function(text, name, dotted))
    lines = text.splitlines(keepends=True)
    return b"".join([*lines[:first], new, *lines[last:]])


def _lines_of(function: Function) -> tuple[int, int]:
    starts = [function.lineno, *(d.lineno for d in function.decorator_list)]
    return min(starts) - 1, function.end_lineno


def find_function(text: bytes, name: str, dotted: str) -> Function:
    """The one function of that name; a sentence for what cannot be an exercise."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        where = f"line {getattr(error, 'lineno', '?')}"
        raise WorkspaceError(
            f"the file of {dotted} is not Python: {where}: {error.args[0]}"
        ) from None
    found = [node for path, node in definitions(tree) if path == name]
    functions = [node for node in found if isinstance(node, Function)]
    if len(found) > 1:
        lines = ", ".join(str(node.lineno) for node in found)
        raise WorkspaceError(f"{dotted} is defined more than once, in lines {lines}")
    if functions:
        return functions[0]
    if found:
        inside = [p for p, n in definitions(tree) if p.startswith(f"{name}.")]
        methods = ", ".join(p.rsplit(".", 1)[1] for p in inside) or "none"
        raise WorkspaceError(
            f"{dotted} is a class; name one of its methods, which are: {methods}"
        )
    last = name.rsplit(".", 1)[-1]
    nested = (n for n in ast.walk(tree) if isinstance(n, Function) and n.name == last)
    if where := next(nested, None):
        raise WorkspaceError(
            f"{dotted} is not at that place: line {where.lineno} defines {last}, "
            "but a function inside a function cannot be an exercise"
        )
    raise WorkspaceError(f"{dotted} is not defined in its module")


def definitions(
    node: ast.AST, path: str = ""
) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """(path, node) of classes and functions, not of those inside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield path + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield path + child.name, child
            yield from definitions(child, f"{path}{child.name}.")
        elif not isinstance(child, ast.expr):  # also inside `if` and `try`
            yield from definitions(child, path)


def body_of(function: Function) -> list[ast.stmt]:
    """The statements after the docstring."""
    has = ast.get_docstring(function, clean=False) is not None
    return function.body[1:] if has else function.body


def _does_something(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return False  # `...`
    missing = isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
    return not missing and not isinstance(node, ast.Pass)


def _start(
    function: Function, body: list[ast.stmt], lines: list[bytes]
) -> tuple[int, int]:
    """(line, column) where the body begins, counted from 0, with its first comments."""
    begin = min(
        [body[0].lineno, *(d.lineno for d in getattr(body[0], "decorator_list", []))]
    )
    first, column = begin - 1, body[0].col_offset
    if lines[first][:column].strip():  # in one line with the signature
        return first, column
    while lines[first - 1].strip().startswith(b"#"):
        first -= 1
    return first, column


def _end(body: list[ast.stmt], lines: list[bytes]) -> tuple[int, bytes]:
    """(last line counted from 0, its line ending), with the comments that follow."""
    last, column = body[-1].end_lineno - 1, body[-1].col_offset
    after = last + 1
    while after < len(lines) and lines[after].strip()[:1] in (b"", b"#"):
        comment = lines[after].lstrip()
        if comment and len(lines[after]) - len(comment) >= max(column, 1):
            last = after
        after += 1
    line = lines[last]
    return last, line[len(line.rstrip(b"\r\n")) :]
