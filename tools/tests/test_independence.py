import pytest

from tests.fake import project, workspace
from tools.independence import BOOTSTRAP, check


@pytest.fixture
def root(tmp_path):
    root = workspace(tmp_path)
    project(root, "beta")
    return root


def problems(root, path, code, **files):
    project(root, "alpha", {path: code, **files})
    return check(root)


@pytest.mark.spec("WSP-050", "also through `importlib`, `__import__` and `runpy`")
@pytest.mark.parametrize(
    "code",
    [
        "import beta.src",
        "from beta import src",
        "import tools.copies",
        "import importlib\n\nimportlib.import_module('beta.src')",
        "from importlib import import_module\n\nimport_module('tools')",
        "__import__('beta')",
        "import runpy\n\nrunpy.run_module('beta.src')",
        "import runpy\n\nrunpy.run_path('../beta/src/__init__.py')",
        "import runpy\n\nrunpy.run_path('../elsewhere.py')",
        "def f():\n    from tools import copies",
    ],
)
@pytest.mark.parametrize("path", ["src/utils/a.py", "tests/test_a.py"])
def test_an_import_from_outside(root, path, code):
    (problem,) = problems(root, path, code)
    assert problem.startswith(f"alpha/{path}:")
    assert "not part of this sub-project" in problem


@pytest.mark.spec("WSP-051", "relative and never leave the package")
@pytest.mark.parametrize(
    "path, code, words",
    [
        ("src/data/a.py", "from src.utils import seed", "must be relative"),
        ("src/data/a.py", "import src.utils.seed", "must be relative"),
        ("src/data/a.py", "from ...scripts import x", "leaves the package src"),
        ("src/a.py", "from ..beta import x", "leaves the package src"),
        ("tests/test_a.py", "from .other import x", "relative imports are for src"),
    ],
)
def test_how_own_modules_are_imported(root, path, code, words):
    (problem,) = problems(root, path, code)
    assert words in problem


@pytest.mark.parametrize(
    "path, code",
    [
        ("src/data/a.py", "from ..utils import seed\nfrom . import b\nimport json"),
        ("src/data/__init__.py", "from .a import x\nfrom ..utils.seed import y"),
        ("scripts/a.py", f"{BOOTSTRAP}\nfrom src.data import a"),
        ("tests/test_a.py", "from src.data import a\nimport test_spec"),
    ],
)
def test_right_imports_pass(root, path, code):
    assert problems(root, path, code) == []


@pytest.mark.spec("WSP-052", "that the sub-project does not declare is found")
@pytest.mark.parametrize(
    "path, code, name",
    [
        ("src/utils/a.py", "import numpy", "numpy is not in requirements.txt"),
        ("src/utils/a.py", "import yaml", "pyyaml is not in requirements.txt"),
        ("src/utils/a.py", "import pytest", "pytest is not in requirements.txt"),
        ("src/a.py", "from PIL import Image", "pillow is not in requirements.txt"),
        ("tests/test_a.py", "import scipy", "scipy is not in requirements.txt or req"),
        ("tests/test_a.py", "pytest.importorskip('skimage')", "scikit-image is not in"),
    ],
)
def test_an_undeclared_package(root, path, code, name):
    (problem,) = problems(root, path, code, **{"requirements-dev.txt": "pytest>=8\n"})
    assert name in problem


@pytest.mark.parametrize(
    "path, code",
    [
        ("src/utils/a.py", "import yaml\nimport PIL.Image\nimport torch.nn"),
        ("tests/test_a.py", "import yaml\nimport pytest\nimport skimage"),
    ],
)
def test_declared_packages_pass(root, path, code):
    core = "torch==2.13.0\nPyYAML>=6  # configs\npillow>=10\n"
    dev = "-r requirements.txt\npytest\nscikit_image>=0.2\n"
    files = {"requirements.txt": core, "requirements-dev.txt": dev}
    assert problems(root, path, code, **files) == []


EXTRA = '[project]\n[project.optional-dependencies]\nonnx = ["onnx>=1"]\n'


@pytest.mark.spec("WSP-053", "may be imported only inside a function")
def test_an_extra(root):
    files = {"pyproject.toml": EXTRA}
    lazy = "def export():\n    import onnx"
    assert problems(root, "src/utils/a.py", lazy, **files) == []
    early = f"{BOOTSTRAP}\nimport onnx"
    (problem,) = problems(root, "scripts/a.py", early, **files)
    assert "import it inside the function" in problem


@pytest.mark.spec("WSP-053", "by a module of `src` that is itself imported only inside")
@pytest.mark.parametrize(
    "path, code",
    [
        ("src/utils/a.py", "from .fast import x"),
        ("src/utils/a.py", "from . import fast"),
        ("src/models/a.py", "from ..utils import fast as f"),
        ("src/utils/__init__.py", "from .fast import x"),
        ("scripts/a.py", "{}from src.utils.fast import x"),
    ],
)
def test_a_module_that_needs_an_extra(root, path, code):
    files = {"pyproject.toml": EXTRA, "src/utils/fast.py": "import onnx"}
    code = code.format(f"{BOOTSTRAP}\n")
    (problem,) = problems(root, path, code, **files)
    assert "fast.py needs an extra: import it inside a function" in problem
    lazy = code.replace("from ", "def f():\n    from ")
    assert problems(root, path, lazy, **files) == []
    assert (
        problems(root, "tests/test_a.py", "from src.utils import fast", **files) == []
    )
    beside = "import onnx\nfrom . import fast"
    assert problems(root, "src/utils/faster.py", beside, **files) == []


@pytest.mark.spec("WSP-054", "imports only from layers to the left of its own")
@pytest.mark.parametrize(
    "path, code",
    [
        ("src/utils/a.py", "from ..data import b"),
        ("src/models/a.py", "from ..training.trainer import Trainer"),
        ("src/losses/a.py", "from ..metrics import iou"),
        ("src/metrics/a.py", "from .. import losses"),
        ("src/utils/deep/a.py", "from ...models import b"),
        ("src/utils/a.py", "def f():\n    from ..models import b"),
    ],
)
def test_an_import_from_the_right(root, path, code):
    (problem,) = problems(root, path, code)
    assert "may not import from" in problem and "utils -> data" in problem


def test_a_command_inside_src_may_use_every_layer(root):
    lazy = "def main():\n    from ..models import b\n"
    code = lazy + "if __name__ == '__main__':\n    main()\n"
    assert problems(root, "src/utils/a.py", code) == []


def test_a_sub_project_may_have_its_own_layers(root):
    layers = '[tool.workspace]\nlayers = ["engine", "nn"]\n'
    files = {"pyproject.toml": layers, "src/nn/a.py": "from ..engine import x"}
    assert problems(root, "src/engine/a.py", "import json", **files) == []
    (problem,) = problems(root, "src/engine/a.py", "from ..nn import a", **files)
    assert "engine -> nn" in problem
    found = problems(root, "src/other/a.py", "import json", **files)
    assert any("src/other is in no layer" in problem for problem in found)


@pytest.mark.spec("WSP-055", "Symlinks, and `from __future__ import` in `src`")
def test_symlinks_and_future_imports(root):
    (problem,) = problems(root, "src/a.py", "from __future__ import annotations")
    assert "no __future__ import in src" in problem
    (root / "alpha" / "src" / "a.py").unlink()
    (root / "alpha" / "link").symlink_to("src")
    (problem,) = check(root)
    assert problem.startswith("alpha/link: is a symlink")


def test_what_runs_and_pip_leave_behind_is_no_code(root):
    files = {"runs/a/x.py": "import beta", "build/lib/x.py": "from . import y"}
    project(root, "alpha", files)
    (root / "alpha" / "runs" / "latest").symlink_to("a")
    assert check(root) == []


def test_code_that_cannot_be_read(root):
    (problem,) = problems(root, "src/a.py", "def (")
    assert "cannot be read as Python" in problem


def test_a_script_without_the_path_bootstrap(root):
    (problem,) = problems(root, "scripts/a.py", "from src.data import a")
    assert "has no path bootstrap" in problem
