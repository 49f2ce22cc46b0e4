import pytest

from tests.fake import HOLDS, call, make_ready, project, workspace, write
from tools import sizes


@pytest.fixture
def root(tmp_path):
    return workspace(tmp_path)


@pytest.mark.spec("WSP-063", "One failed check does not hide the others")
def test_every_failed_check_is_shown(root):
    project(
        root,
        "alpha",
        {
            "src/utils/a.py": "import os\nfrom ..models import b\nx = {1:2}\n",
            "src/utils/b.py": "# pattern: utils/c.py\n",
            "README.md": "[x](y.md)\n",
            "tests/test_spec.py": HOLDS.replace("pass", "assert 0, 'red'"),
            "src/models/long.py": "x = 1\n" * 251,
            "tests/benchmarks/benchmark_step.py": "",
        },
    )
    make_ready(root)
    done = call(root, "check")
    assert done.returncode == 1
    lines = [line.split() for line in done.stdout.splitlines() if line[:1] in "oF"]
    assert [line[0] for line in lines] == ["FAILED"] * 8
    for words in (
        "looks like a pattern marker",
        "utils may not import from models",
        "F401",
        "alpha/src/utils/a.py",
        "y.md leads nowhere",
        "AssertionError: red",
        "long.py has 251 lines",
        "tests/benchmarks/benchmark_step.py has no row in",
    ):
        assert words in done.stdout
    assert done.stdout.splitlines()[-1] == "0 checks passed, 8 failed"


def test_a_check_that_cannot_start_is_a_failed_one(root):
    project(root, "alpha", {"pyproject.toml": "[tool.workspace]\nlayers = 3\n"})
    make_ready(root)
    done = call(root, "check")
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert "tool.workspace.layers must be a list of words" in done.stdout
    assert done.stdout.splitlines()[-1] == "7 checks passed, 1 failed"


def test_fix_repairs_what_ruff_can(root):
    path = project(root, "alpha") / "src" / "a.py"
    write(path, "import os\nx = {1:2}\n")
    make_ready(root)
    assert call(root, "check").returncode == 1
    done = call(root, "check", "--fix")
    assert done.returncode == 0, done.stdout
    assert path.read_text() == "x = {1: 2}\n"


@pytest.mark.parametrize("name", ["test_spec.py", "test_contracts.py"])
def test_a_sub_project_without_its_documents_tests(root, name):
    (project(root, "alpha") / "tests" / name).unlink()
    make_ready(root)
    assert f"alpha has no tests/{name}" in call(root, "check").stdout


@pytest.mark.spec("WSP-062", "fails the check; long functions are shown")
def test_sizes(root):
    long = "def f():\n" + "    x = 1\n" * 99
    files = {"src/a.py": long, "src/b.py": "x = 1\n" * 250}
    project(root, "alpha", files | {"tests/test_long.py": "x = 1\n" * 999})
    table, problems = sizes.check(root)
    assert problems == []
    assert "\n100 lines: alpha/src/a.py:1 f\n" in table  # above those of tools
    write(root / "alpha/src/b.py", "x = 1\n" * 251)
    (problem,) = sizes.check(root)[1]
    assert problem.startswith("alpha/src/b.py has 251 lines, the budget is 250")


@pytest.mark.spec(
    "WSP-062", "A product file of more than 250 lines, Python, JavaScript or CSS"
)
@pytest.mark.parametrize("name", ["page.js", "page.css"])
def test_sizes_of_pages(root, name):
    project(root, "alpha", {f"src/app/page/{name}": "x\n" * 251})
    (problem,) = sizes.check(root)[1]
    assert problem.startswith(f"alpha/src/app/page/{name} has 251 lines")
