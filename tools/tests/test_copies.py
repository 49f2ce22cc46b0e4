import pytest

from tests.fake import project, workspace, write
from tools import copies
from tools.projects import WorkspaceError


PATH = "utils/seed.py"
HEAD = copies.header(PATH) + "\n"
BODY = "def seed():\n    return 1\n"
LOCAL = "# local: begin\nimport {}\n# local: end\n"


def shared(root, **texts):
    for name, text in texts.items():
        project(root, name, {f"src/{PATH}": text})
    return root


@pytest.fixture
def root(tmp_path):
    return workspace(tmp_path)


def test_equal_copies_pass(root):
    shared(root, alpha=HEAD + BODY, beta=HEAD + BODY)
    assert copies.check(root) == []


@pytest.mark.spec("WSP-040", "compared byte for byte, except between `# local: begin`")
@pytest.mark.parametrize(
    "change",
    [("return 1", "return 2"), ("def seed()", "def seed(x=1)"), ("\n", "\r\n")],
    ids=["body", "signature", "line endings"],
)
def test_any_other_byte_is_a_drift(root, change):
    text = HEAD + LOCAL.format("torch") + BODY
    shared(root, alpha=text, beta=HEAD + LOCAL.format("numpy") + BODY)
    assert copies.check(root) == []
    file = root / "beta" / "src" / PATH
    file.write_bytes((HEAD + LOCAL.format("numpy") + BODY.replace(*change)).encode())
    assert "beta differs from alpha" in copies.check(root)[0]


@pytest.mark.spec("WSP-048", "in a comment of its kind")
@pytest.mark.parametrize("path", ["app/x.js", "app/x.css", "app/x.html", "x.toml"])
def test_every_kind_of_file_has_its_marker_in_its_own_comment(root, path):
    head = copies.header(path) + "\n"
    assert head.startswith(("// ", "/* ", "<!-- ", "# "))
    for name, text in [("alpha", head + "a\n"), ("beta", head + "b\n")]:
        project(root, name, {f"src/{path}": text})
    assert f"{path}: beta differs from alpha" in copies.check(root)[0]
    assert copies.sync(root, path, "alpha") == [root / "beta/src" / path]
    assert copies.check(root) == []
    write(root / "beta/src" / path, head.replace("the same", "not the same"))
    assert "looks like a pattern marker but is none" in copies.check(root)[0]


@pytest.mark.spec("WSP-041", "unified diff with the two commands that would heal it")
def test_the_drift_of_a_minority_is_a_diff_with_both_remedies(root):
    new = BODY.replace("return 1", "return 2")
    shared(root, alpha=HEAD + new, beta=HEAD + BODY, gamma=HEAD + BODY)
    (problem,) = copies.check(root)
    assert problem.splitlines() == [
        "utils/seed.py: alpha differs from beta, gamma",
        "    --- beta/src/utils/seed.py",
        "    +++ alpha/src/utils/seed.py",
        "    @@ -2,2 +2,2 @@",
        "     def seed():",
        "    -    return 1",
        "    +    return 2",
        "  keep beta's: python -m tools.copies sync utils/seed.py --from beta",
        "  keep alpha's: python -m tools.copies sync utils/seed.py --from alpha",
    ]


@pytest.mark.spec("WSP-042", "makes all copies equal and leaves their local regions")
def test_sync_keeps_local_regions(root):
    ours, theirs = LOCAL.format("torch"), LOCAL.format("numpy")
    shared(root, alpha=HEAD + ours + BODY + "# new\n", beta=HEAD + theirs + BODY)
    changed = copies.sync(root, PATH, "alpha")
    assert changed == [root / "beta" / "src" / PATH]
    assert changed[0].read_text() == HEAD + theirs + BODY + "# new\n"
    assert copies.check(root) == []
    assert copies.sync(root, PATH, "alpha") == []


@pytest.mark.spec("WSP-043", "refused when the numbers of local regions differ")
def test_sync_refuses_other_numbers_of_regions(root):
    old = HEAD + LOCAL.format("numpy") + BODY
    shared(root, alpha=HEAD + BODY + "# new\n", beta=HEAD + BODY, gamma=old)
    with pytest.raises(WorkspaceError, match="has 1 local regions and the source 0"):
        copies.sync(root, PATH, "alpha")
    assert (root / "beta" / "src" / PATH).read_text() == HEAD + BODY
    assert (root / "gamma" / "src" / PATH).read_text() == old


@pytest.mark.spec("WSP-044", "an error that shows the right line")
@pytest.mark.parametrize(
    "text",
    [
        "# pattern: utils/sed.py -- the same\n" + BODY,
        HEAD.replace("sync utils/seed.py", "sync utils/other.py") + BODY,
        "# Pattern: utils/seed.py\n" + BODY,
        "#pattern - utils/seed.py\n" + BODY,
        '"""Words."""\n' + HEAD + BODY,
    ],
    ids=["path", "command", "capital", "dash", "second line"],
)
def test_a_marker_that_is_nearly_right_is_no_silent_nothing(root, text):
    shared(root, alpha=text)
    (problem,) = copies.check(root)
    assert problem.startswith("alpha/src/utils/seed.py:") and HEAD.strip() in problem


@pytest.mark.parametrize(
    "text", ["# local: begin\n", "# local: end\n", "# local: begin\n" * 2]
)
def test_an_unbalanced_region_is_an_error(root, text):
    shared(root, alpha=HEAD + text)
    assert "# local:" in copies.check(root)[0]


@pytest.mark.spec("WSP-045", "A file without the marker at the path of a shared file")
def test_the_same_path_without_the_marker(root):
    shared(root, alpha=HEAD + BODY, beta=HEAD + BODY, gamma=BODY)
    (problem,) = copies.check(root)
    assert problem.startswith("gamma/src/utils/seed.py: the same path")
    assert "sync utils/seed.py --from alpha --to gamma" in problem


@pytest.mark.spec("WSP-046", "an error once another sub-project declares every package")
def test_a_single_copy(root):
    shared(root, alpha=HEAD + BODY)
    assert copies.check(root) == []
    project(root, "beta")
    assert "only alpha has this pattern" in copies.check(root)[0]


NEEDS = {
    "itself": ({}, "import torch\n"),
    "by another file": (
        {"src/utils/a.py": "from torch import nn\n"},
        "from .a import b\n",
    ),
    "by a package": ({"src/models/__init__.py": "import torch"}, "import src.models\n"),
    "inside a function": ({}, "def f():\n    import torch.nn as nn\n"),
}


@pytest.mark.spec("WSP-045", "does not declare a package that the shared file needs")
@pytest.mark.spec("WSP-046", "declares every package that it needs")
@pytest.mark.parametrize("how", NEEDS)
def test_a_sub_project_without_a_package_need_not_share_what_imports_it(root, how):
    more, text = NEEDS[how]
    files = {"requirements.txt": "torch==2\n", f"src/{PATH}": HEAD + text, **more}
    project(root, "alpha", files)
    project(root, "beta", {f"src/{PATH}": BODY})
    assert copies.check(root) == []
    write(root / "beta" / "requirements.txt", "torch>=2\n")
    assert [p.split(";")[0] for p in copies.check(root)] == [
        "utils/seed.py: only alpha has this pattern",
        "beta/src/utils/seed.py: the same path is a shared pattern in alpha, "
        "but this file has no marker",
    ]


def test_what_a_local_region_imports_is_not_needed(root):
    shared(root, alpha=HEAD + LOCAL.format("torch") + BODY)
    project(root, "beta")
    assert "only alpha has this pattern" in copies.check(root)[0]


@pytest.mark.spec("WSP-047", "gives a sub-project its first copy")
def test_sync_to_a_new_sub_project(root):
    shared(root, alpha=HEAD + BODY)
    project(root, "beta")
    copies.sync(root, PATH, "alpha", ["beta"])
    assert (root / "beta" / "src" / PATH).read_text() == HEAD + BODY


def test_patterns_outside_src_are_named_below_the_sub_project(root):
    text = copies.header("tests/conftest.py") + "\n"
    project(root, "alpha", {"tests/conftest.py": text})
    write(root / "tools" / "tests" / "conftest.py", text)
    assert list(copies.members(root)["tests/conftest.py"]) == ["alpha", "tools"]


@pytest.mark.parametrize("path, source", [("utils/x.py", "alpha"), (PATH, "beta")])
def test_sync_of_what_is_not_there(root, path, source):
    shared(root, alpha=HEAD + BODY)
    with pytest.raises(WorkspaceError, match="is not a shared pattern|has no"):
        copies.sync(root, path, source)
