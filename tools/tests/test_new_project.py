import ast
import os
import subprocess
import sys

import pytest

from tests.fake import project, write
from tests.spec import check_spec
from tools import copies, independence, new_project, readme_check, sizes
from tools.copies import members
from tools.projects import ROOT, WorkspaceError, find_projects


MEMBERS = members(ROOT)
OWNERS = sorted(MEMBERS["training/trainer.py"])


@pytest.fixture
def root(tmp_path):
    """A workspace that borrows the sub-projects of this one."""
    (tmp_path / "tools").mkdir()
    for path in find_projects(ROOT):
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A new sub-project that is alone in its workspace."""
    root = tmp_path_factory.mktemp("made")
    (root / "tools").mkdir()
    (root / OWNERS[-1]).symlink_to(ROOT / OWNERS[-1])
    folder, prefix = new_project.make(root, "my_demo", OWNERS[-1])
    assert (folder, prefix) == (root / "my_demo", "MYD")
    (root / OWNERS[-1]).unlink()
    return folder


@pytest.mark.spec("WSP-200", "passes the checks of the workspace as it is made")
def test_it_passes_the_checks(made):
    assert check_spec(made) == []
    assert independence.check(made.parent) == sizes.check(made.parent)[1] == []
    stale = readme_check.check(made.parent)  # of the workspace there is only this one
    assert stale == ["README.md is missing"]
    for words in (["check"], ["format", "--check"]):
        command = ["ruff", *words, "--config", ROOT / "ruff.toml", made]
        done = subprocess.run(
            [sys.executable, "-m", *map(str, command)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.spec("WSP-200", "its tests pass")
def test_its_own_tests_pass(made):
    own = ["models", "toy_spirals", "task", "resume", "contracts"]
    files = [*(f"tests/test_{name}.py" for name in own), "tests/smoke_train.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=made,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.spec("WSP-201", "From each sub-project that has the shared trainer")
@pytest.mark.parametrize("owner", OWNERS)
def test_patterns_are_those_of_the_owner(root, owner):
    folder, prefix = new_project.make(root, "demo", owner)
    assert prefix == "DEM"
    for file in folder.rglob("*.py"):
        text = file.read_text()
        ast.parse(text)
        assert "__NAME__" not in text and "__ID__" not in text
        if text.startswith("# pattern:"):
            theirs = MEMBERS[copies.pattern_path(folder, file)][owner].read_text()
            shared = copies.split_local(text)[0]
            assert shared == copies.split_local(theirs)[0]


@pytest.mark.spec("WSP-201", "stay the same in both")
def test_the_copies_agree(root):
    new_project.make(root, "demo", OWNERS[0])
    for path in find_projects(ROOT):
        if path.name != OWNERS[0]:
            (root / path.name).unlink()
    assert [one for one in copies.check(root) if "demo" in one] == []


@pytest.mark.spec("WSP-202", "without the shared trainer, or that is not there")
def test_an_owner_that_cannot_be(root):
    for name in (p.name for p in find_projects(ROOT) if p.name not in OWNERS):
        with pytest.raises(WorkspaceError, match=f"one of: {', '.join(OWNERS)}"):
            new_project.make(root, "demo", name)
    with pytest.raises(WorkspaceError, match="did you mean"):
        new_project.make(root, "demo", OWNERS[0] + "x")
    assert not (root / "demo").exists()


@pytest.mark.spec("WSP-203", "A name that cannot be a package, or that is taken")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("My", "cannot be a package"),
        ("a-b", "cannot be a package"),
        ("1st", "cannot be a package"),
        ("", "cannot be a package"),
        ("../x", "cannot be a package"),
        ("class", "cannot be a package"),
        ("json", "is the name of a module"),
        ("torch", "is the name of a module"),
        ("src", "is the name of a module"),
        ("data", "data is the name of a folder"),
        ("tools", "is there already"),
        (OWNERS[0], "is there already"),
    ],
)
def test_a_name_that_cannot_be(root, name, words):
    before = sorted(root.iterdir())
    with pytest.raises(WorkspaceError, match=words):
        new_project.make(root, name, OWNERS[0])
    assert sorted(root.iterdir()) == before


@pytest.mark.spec("WSP-204", "three letters of the name that no other specification")
def test_the_prefix_is_free(tmp_path):
    taken = "- **DEM-001** One.\n- **DEO-001** Two.\n"
    project(tmp_path, "alpha", {"docs/SPEC.md": taken})
    assert new_project.free_prefix(tmp_path, "demo") == "DEX"
    assert new_project.free_prefix(tmp_path, "de") == "DEX"
    assert new_project.free_prefix(tmp_path, "my_net2") == "MYN"
    every = "".join(f"- **AX{c}-001** x\n" for c in "YZ")
    write(tmp_path / "alpha/docs/SPEC.md", every + "- **AYZ-001** x\n- **XYZ-001** x\n")
    with pytest.raises(WorkspaceError, match="every prefix of a is taken"):
        new_project.free_prefix(tmp_path, "a")


@pytest.mark.spec("WSP-205", "appears whole or not at all")
@pytest.mark.parametrize(
    "fault, code, words",
    [
        (OSError(28, "No space left on device"), 2, "cannot be made (No space left"),
        (KeyboardInterrupt(), 130, "stopped; nothing was made"),
    ],
)
def test_whole_or_not_at_all(root, monkeypatch, capsys, fault, code, words):
    plain, calls = new_project._write, []

    def write_some(path, text):
        calls.append(path)
        if len(calls) == 50:
            raise fault
        plain(path, text)

    monkeypatch.setattr(new_project, "_write", write_some)
    monkeypatch.setattr(new_project, "ROOT", root)
    before = sorted(root.iterdir())
    assert new_project.main(["demo", "--from", OWNERS[0]]) == code
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1
    assert sorted(root.iterdir()) == before


@pytest.mark.spec("WSP-206", "other local regions than their template is named")
def test_a_pattern_that_changed(root, monkeypatch, tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    two = "# local: begin\n# local: end\n" * 2
    write(folder / "regions/src/utils/checkpoint.py.in", two)
    monkeypatch.setattr(new_project, "TEMPLATES", folder)
    with pytest.raises(WorkspaceError, match="has 1 local regions and its template 2"):
        new_project.make(root, "demo", OWNERS[0])
    write(folder / "regions/src/utils/checkpoint.py.in", "")
    write(folder / "regions/src/utils/gone.py.in", two)
    with pytest.raises(WorkspaceError, match="has 1 local regions|gone.py is gone"):
        new_project.make(root, "demo", OWNERS[0])
    assert not (root / "demo").exists()


@pytest.mark.spec("WSP-207", "says what to type next")
def test_the_command(root, monkeypatch, capsys):
    monkeypatch.setattr(new_project, "ROOT", root)
    assert new_project.main(["demo", "--from", OWNERS[0]]) == 0
    assert "python3 tools/workspace.py test demo\n" in capsys.readouterr().out
    assert new_project.main(["demo", "--from", OWNERS[0]]) == 2
    assert capsys.readouterr().err == "demo is there already; choose another name\n"
