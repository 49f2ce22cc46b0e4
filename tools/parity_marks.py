"""The marks `parity` of the tests, read from their files without running anything."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.projects import WorkspaceError


KINDS = ("test_*.py", "smoke_*.py", "integration_*.py")
Marks = dict[tuple[str, str], str]  # (component, reference) -> file:line


def marks(root: Path, project: Path) -> Marks:
    """The (component, reference) of all marks in the tests, read, not run."""
    found: Marks = {}
    for file in _test_files(project):
        text = file.read_text(encoding="utf-8")
        if "mark.parity" not in text:
            continue
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            place = f"{file.relative_to(root)}:{error.lineno}"
            raise WorkspaceError(f"{place}: {error.msg}") from None
        for call in _marks_in(tree):
            place = f"{file.relative_to(root)}:{call.lineno}"
            names = [a.value for a in call.args if isinstance(a, ast.Constant)]
            if len(names) != 2 or len(call.args) != 2:
                raise WorkspaceError(
                    f"{place}: a mark of parity takes two names that can be read "
                    'without running: @pytest.mark.parity("LSTM", "torch.nn.LSTM")'
                )
            found.setdefault((names[0], names[1]), place)
    return found


def _test_files(project: Path) -> list[Path]:
    return sorted(path for kind in KINDS for path in project.glob(f"tests/{kind}"))


def _marks_in(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if node.func.attr == "parity" and isinstance(owner, ast.Attribute):
                if owner.attr == "mark":
                    yield node
