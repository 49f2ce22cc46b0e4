import os

import pytest
from tests.fake import call, make_ready, project, wheel, workspace, write

from tools import environment
from tools.projects import WorkspaceError


@pytest.fixture
def root(tmp_path):
    return workspace(tmp_path)


@pytest.fixture
def offline(tmp_path):
    """Environment variables with which pip finds only the wheels of a folder."""
    folder = tmp_path / "wheels"
    wheel(folder, "torch", "2.13.0")
    wheel(folder, "thing", "1.0", needs="torch>=2")
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": folder.as_uri(),
        "PIP_EXTRA_INDEX_URL": "",
    }


@pytest.mark.spec("WSP-010", "installed first and alone")
def test_torch_comes_first_and_alone(root):
    project(root, "alpha", {"requirements.txt": "numpy>=2\ntorch==2.13.0  # why\n"})
    project(root, "beta", {"requirements-dev.txt": "monai\n"})
    steps = environment.pip_steps(environment.all_requirements(root))
    assert steps[0] == ("torch==2.13.0", ["torch==2.13.0"])
    assert [label for label, _ in steps[1:]] == [
        "alpha/requirements.txt",
        "beta/requirements.txt",
        "beta/requirements-dev.txt",
    ]


@pytest.mark.spec("WSP-014", "different versions of torch are refused by name")
def test_two_versions_of_torch(root):
    project(root, "alpha", {"requirements.txt": "torch==2.13.0\n"})
    project(root, "beta", {"requirements.txt": "torch==2.12.0\n"})
    with pytest.raises(WorkspaceError, match="torch==2.12.0 and torch==2.13.0"):
        environment.pip_steps(environment.all_requirements(root))


@pytest.mark.spec("WSP-011", "A second call re-uses the environment as long as")
@pytest.mark.spec("WSP-012", "A set-up that was cut short is done again")
@pytest.mark.spec("WSP-013", "one sentence says what could not be installed and where")
def test_the_life_of_an_environment(root, offline):
    needs = write(root / "alpha/requirements.txt", "thing==1.0\ntorch==2.13.0\n")
    project(root, "alpha", {"requirements.txt": needs.read_text()})
    first = call(root, "setup", **offline)
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == f"ready: {root / '.venv/bin/python'}"
    assert [line for line in first.stderr.splitlines() if line.startswith("[")][1:] == [
        "[2/3] installing torch==2.13.0",
        "[3/3] installing alpha/requirements.txt",
    ]
    again = call(root, "setup", **offline)
    assert (again.returncode, again.stderr) == (0, "")

    needs.write_text("thing==1.0\ntorch==2.13.0\nabsent==9\n")
    failed = call(root, "setup", **offline)
    assert failed.returncode == 2 and "Traceback" not in failed.stderr
    assert "pip could not install alpha/requirements.txt: ERROR:" in failed.stderr
    assert "absent==9" in failed.stderr and ".venv/pip.log" in failed.stderr

    needs.write_text("thing==1.0\ntorch==2.13.0\n")
    (root / ".venv" / environment.STAMP).unlink()
    (root / ".venv" / "bin" / "pip").unlink()
    repaired = call(root, "setup", **offline)
    assert repaired.returncode == 0 and "[1/3] making .venv" in repaired.stderr
    assert (root / ".venv" / "bin" / "pip").exists()


def test_a_new_python_makes_a_new_environment(root, monkeypatch):
    project(root, "alpha")
    stamp = make_ready(root)
    requirements = environment.all_requirements(root)
    assert environment.prepare(root / ".venv", requirements)
    stamp.write_text(stamp.read_text().replace("Python 3.", "Python 2."))
    monkeypatch.setattr(environment, "_make", lambda venv: pytest.exit("made anew"))
    with pytest.raises(pytest.exit.Exception, match="made anew"):
        environment.prepare(root / ".venv", requirements)


@pytest.mark.spec("WSP-015", "`check` without an environment says to run `setup`")
def test_check_without_an_environment(root):
    project(root, "alpha", {"requirements.txt": "no-such-package>=1\n"})
    done = call(root, "check")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        "the environment is not ready (missing: no-such-package); "
        "type: python3 tools/workspace.py setup\n"
    )


def test_check_uses_a_python_that_has_everything(root):
    project(root, "alpha", {"requirements.txt": "pytest>=8\n"})
    assert environment.existing_python(root).exists()
