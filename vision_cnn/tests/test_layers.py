"""Data flows one way: a package of src imports only from packages on its left."""

import ast
from pathlib import Path

import pytest


SRC = Path(__file__).parents[1] / "src"
ORDER = (
    "utils", "data", "models", "losses", "metrics", "training", "explain", "inference",
    "app",
)  # fmt: skip


def imported(path: Path) -> set[str]:
    """Packages beside its own that a module takes from when it is imported."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {
        (node.module or node.names[0].name).split(".")[0]
        for node in body
        if isinstance(node, ast.ImportFrom) and node.level == 2
    }


@pytest.mark.parametrize("package", ORDER)
def test_a_package_imports_only_from_its_left(package):
    left = set(ORDER[: ORDER.index(package)])
    for path in (SRC / package).glob("*.py"):
        assert imported(path) <= left, path


def test_every_package_has_a_place():
    assert {path.parent.name for path in SRC.glob("*/*.py")} == set(ORDER)
