"""`src` works without torch and without the extras, and a new package is installed."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "src").rglob("*.py"))
ABSENT = ("torch", "numba", "cupy", "sklearn", "scipy", "micrograd", "pandas")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

IMPORT_ALL = f"""
import importlib, sys
for name in {ABSENT}:
    sys.modules[name] = None
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, type(error.__cause__ or error).__name__, error, sep="|")
print("all")
"""


def imported(path: Path) -> set[str]:
    """The packages that a module imports at its top or anywhere below."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            value = getattr(node.args[0], "value", None)
            if name in ("import_module", "__import__") and isinstance(value, str):
                found.add(value.split(".")[0])
    return found


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.spec("AGE-068", "No module of `src` imports torch")
@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_names_torch_or_a_reference(path):
    assert not imported(path) & {"torch", "sklearn", "scipy", "micrograd"}


@pytest.mark.spec("AGE-068", "works without the extras")
def test_everything_but_the_compiled_backends_is_imported_without_the_extras():
    command = [sys.executable, "-c", IMPORT_ALL, *map(module, FILES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    *failed, last = done.stdout.splitlines()
    assert last == "all", done.stderr
    needs_extra = {module(p) for p in FILES if imported(p) & {"numba", "cupy"}}
    for line in failed:
        name, kind, said = line.split("|", 2)
        assert name in needs_extra, line
        assert re.search(r"pip install \w+|ModuleNotFound", f"{said} {kind}"), line


def test_each_package_is_installed():
    named = set(PROJECT["tool"]["setuptools"]["packages"])
    found = {module(p).replace("src", "autograd_engine", 1) for p in FILES if
             p.name == "__init__.py"}  # fmt: skip
    assert found <= named, f"add {found - named} to pyproject.toml"
    assert named <= found, f"pip install fails: there is no {named - found}"
    without = {p.parent for p in FILES} - {
        p.parent for p in FILES if p.name == "__init__.py"
    }
    assert not without, f"{without} has no __init__.py and would not be installed"


INSTALLED = """
import pkgutil, importlib, sys
sys.modules["src"] = None
import autograd_engine as ag
for module in pkgutil.walk_packages(ag.__path__, "autograd_engine."):
    importlib.import_module(module.name)
print(ag.Tensor.__module__, ag.tensor([1.0]).shape)
"""


@pytest.mark.spec("AGE-068", "as `import autograd_engine`")
def test_it_is_imported_by_its_own_name(tmp_path):
    (tmp_path / "autograd_engine").symlink_to(ROOT / "src")
    command = [sys.executable, "-B", "-c", INSTALLED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "autograd_engine.engine.tensor (1,)\n", done.stderr


def test_the_page_of_operations_names_every_file():
    page = ast.get_docstring(ast.parse((ROOT / "src/ops/__init__.py").read_bytes()))
    files = {p.stem for p in (ROOT / "src/ops").glob("*.py")} - {"__init__"}
    assert not files - set(re.findall(r"\w+", page)), "say under which theme it belongs"


def test_each_package_has_a_layer():
    layers = PROJECT["tool"]["workspace"]["layers"]
    places = {p.relative_to(ROOT / "src").parts[0].removesuffix(".py") for p in FILES}
    assert places - {"__init__"} <= set(layers)
