import os
import sys

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


def test_a_place_where_no_environment_can_be_made(root):
    write(root / ".venv", "in the way")
    done = call(root, "setup")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"python -m venv {root / '.venv'} failed: " in done.stderr.splitlines()[-1]


@pytest.mark.spec("WSP-011", "the version of Python are the same")
@pytest.mark.spec("WSP-012", "A set-up that was cut short is done again")
@pytest.mark.parametrize("fault", ["no stamp", "other Python", "no Python"])
def test_an_environment_is_made_again(root, monkeypatch, fault):
    project(root, "alpha")
    stamp = make_ready(root)
    calls = []
    monkeypatch.setattr(environment, "_make", lambda venv: calls.append("make"))
    monkeypatch.setattr(environment, "_pip", lambda *args: calls.append("pip"))
    requirements = environment.all_requirements(root)
    environment.prepare(root / ".venv", requirements)
    assert calls == []
    if fault == "no stamp":
        stamp.unlink()
    elif fault == "other Python":
        stamp.write_text(stamp.read_text().replace("Python 3.", "Python 2."))
    else:
        (root / ".venv/bin/python").unlink()
    environment.prepare(root / ".venv", requirements)
    assert calls == ["make", "pip"]
    assert stamp.read_text() == environment.stamp_of(requirements)


@pytest.mark.spec("WSP-012", "A set-up that was cut short is done again")
def test_new_requirements_are_installed_into_the_old_environment(root, monkeypatch):
    alpha = project(root, "alpha")
    make_ready(root)
    calls = []
    monkeypatch.setattr(environment, "_make", lambda venv: calls.append("make"))
    monkeypatch.setattr(environment, "_pip", lambda *args: calls.append("pip"))
    (alpha / "requirements.txt").write_text("numpy\n")
    requirements = environment.all_requirements(root)
    environment.prepare(root / ".venv", requirements)
    assert calls == ["pip"]

    def fail(*args):
        raise WorkspaceError("no network")

    (alpha / "requirements.txt").write_text("numpy\npillow\n")
    with monkeypatch.context() as patch, pytest.raises(WorkspaceError):
        patch.setattr(environment, "_pip", fail)
        environment.prepare(root / ".venv", requirements)
    (alpha / "requirements.txt").write_text("numpy\n")
    environment.prepare(root / ".venv", requirements)
    assert calls == ["pip", "pip"]


@pytest.mark.spec("WSP-015", "renews a `.venv` that is there")
def test_an_environment_that_is_old_is_renewed(root, monkeypatch):
    project(root, "alpha", {"requirements.txt": "no-such-package>=1\n"})
    asked = []
    monkeypatch.setattr(environment, "prepare", lambda *given: asked.append(given))
    environment.ready_python(root)
    assert asked == [(root / ".venv", environment.all_requirements(root))]


@pytest.mark.spec("WSP-015", "the tools that only look say to run `setup`")
def test_without_an_environment_the_sentence_names_what_is_missing(root):
    project(root, "alpha", {"requirements.txt": "no-such-package>=1\n"})
    with pytest.raises(WorkspaceError) as error:
        environment.existing_python(root)
    assert str(error.value) == (
        "the environment is not ready (missing: no-such-package); "
        "type: python3 tools/workspace.py setup"
    )


@pytest.mark.spec("WSP-015", "the tools that only look say to run `setup`")
@pytest.mark.parametrize("name, ready", [("pytest", True), ("no-such-package", False)])
def test_an_old_environment_is_asked_what_it_lacks(root, monkeypatch, name, ready):
    python = write(
        root / ".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    project(root, "alpha", {"requirements.txt": f"{name}>=8\n"})
    monkeypatch.setattr(sys, "executable", "/no/python")
    if ready:
        assert environment.existing_python(root) == python
        return
    with pytest.raises(WorkspaceError, match="not ready .missing: no-such-package"):
        environment.existing_python(root)


@pytest.mark.spec("WSP-015", "renews a `.venv` that is there")
def test_an_old_environment_is_renewed_whatever_it_has(root, monkeypatch):
    write(root / ".venv/bin/python", "")
    project(root, "alpha", {"requirements.txt": "pytest>=8\n"})
    monkeypatch.setattr(environment, "prepare", lambda *given: given)
    assert environment.ready_python(root)[0] == root / ".venv"


@pytest.mark.spec("WSP-015", "takes any Python that has every requirement")
def test_check_uses_a_python_that_has_everything(root, monkeypatch):
    project(root, "alpha", {"requirements.txt": "pytest>=8\n"})
    monkeypatch.setattr(environment, "prepare", None)
    assert environment.ready_python(root).exists()
