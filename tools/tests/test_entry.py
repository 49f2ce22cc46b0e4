"""`python -m tools`: every tool is listed, exists and explains itself."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tools.__main__ import ALONE, MODULES, TOOLS, help_text
from tools.processes import environment
from tools.projects import ROOT
from tools.tests import fake


def type_words(*words, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "tools", *words],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.mark.spec("WSP-230", "lists every tool with what it is for")
def test_help_lists_every_tool():
    said = type_words("--help")
    assert (said.returncode, said.stdout) == (0, help_text() + "\n")
    assert all(f"  {name} " in said.stdout for name in TOOLS)


@pytest.mark.spec("WSP-230", "in other folders by the path of this one")
def test_the_entry_is_found_from_elsewhere(tmp_path):
    words = [sys.executable, ROOT / "tools"]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert (said.stdout, said.stderr) == (help_text() + "\n", "")


@pytest.mark.spec("WSP-231", "a name that is nearly right is guessed")
def test_an_unknown_tool_is_named_with_the_nearest():
    said = type_words("compar")
    assert said.returncode == 2 and not said.stdout
    assert said.stderr.startswith("compar is not here; did you mean compare?")


@pytest.mark.spec("WSP-232", "Each tool tells with `--help` how it is typed")
@pytest.mark.parametrize("name", TOOLS)
def test_each_tool_explains_itself(name):
    module = f"tools.{MODULES.get(name, name)}"
    assert find_spec(module), f"there is no {module}"
    said = type_words(name, "--help")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("usage: ") and not said.stderr


@pytest.mark.spec("WSP-232", "those that need Python alone before it")
def test_what_needs_no_packages_runs_before_setup(tmp_path):
    root = fake.workspace(tmp_path)
    fake.project(root, "alpha", {"requirements.txt": "no-such-package>=1\n"})
    said = type_words("report", "--help", cwd=root)
    assert said.returncode == 2 and "the environment is not ready" in said.stderr
    for name in ALONE:
        said = type_words(name, "--help", cwd=root)
        assert said.stdout.startswith("usage: "), said.stderr


@pytest.mark.parametrize("name", sorted(ALONE))
def test_what_needs_no_packages_imports_none(name):
    words = [sys.executable, "-S", "-c", f"import tools.{name}"]
    assert subprocess.run(words, cwd=ROOT).returncode == 0
