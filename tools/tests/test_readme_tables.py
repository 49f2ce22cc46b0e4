import pytest

from tests.fake import project, workspace, write
from tools import benchmark, parity, results
from tools.machine import Cpu, Limits
from tools.projects import WorkspaceError
from tools.readme_tables import by_project, markdown, replace, stale, update


BEGIN, END = "<!-- parity: begin -->", "<!-- parity: end -->"


@pytest.fixture
def root(tmp_path):
    here = workspace(tmp_path)
    project(here, "alpha")
    return here


@pytest.mark.spec("WSP-170", "stands between two lines, and no other text changes")
@pytest.mark.parametrize("inside", ["", "old\n", "old\n\n| a |\n"])
def test_a_table_is_replaced(inside):
    text = f"# A\r\n\n{BEGIN}\n{inside}  {END}\nthe end, without a line break"
    new = replace(text, "parity", "| b |")
    assert new == f"# A\r\n\n{BEGIN}\n| b |\n  {END}\nthe end, without a line break"
    assert replace(new, "parity", "| b |") == new
    assert replace(new, "parity", "").splitlines()[2:4] == [BEGIN, f"  {END}"]


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "none"),
        (BEGIN, "1 of them"),
        (END, "1 of them"),
        (f"{END}\n{BEGIN}\n", "2 of them"),
        (f"{BEGIN}\n{BEGIN}\n{END}\n", "3 of them"),
        (f"- {BEGIN}\n{END}\n", "1 of them"),
    ],
)
def test_a_pair_of_markers_is_needed(text, told):
    with pytest.raises(WorkspaceError) as found:
        replace(text, "parity", "| b |")
    sentence = f"needs one line {BEGIN} and below it one line {END}, and has {told}; "
    assert str(found.value).startswith(sentence)


def test_cells_of_markdown():
    text = markdown(["a", "b"], [["x|y", 1]])
    assert text == "| a | b |\n|---|---|\n| x\\|y | 1 |"


@pytest.mark.spec(
    "WSP-171", "the README of the root must have, and of a sub-project may"
)
def test_readmes_of_the_root_and_of_sub_projects(root):
    def tables(folder):
        return f"| {folder.name} |"

    project(root, "beta")
    write(root / "alpha/README.md", f"# alpha\n{BEGIN}\n{END}\n")
    missing = f"README.md needs one line {BEGIN} and below it one line {END}, and has"
    with pytest.raises(WorkspaceError, match=missing):
        update(root, "parity", tables)
    assert stale(root, "parity", tables)[0].startswith(missing)
    assert (root / "alpha/README.md").read_text() == f"# alpha\n{BEGIN}\n{END}\n"
    write(root / "README.md", f"{BEGIN}\n{END}\n")
    problem = "the table `parity` is not that of the results; type: python -m tools "
    assert stale(root, "parity", tables) == [
        f"README.md:2: {problem}parity --table",
        f"alpha/README.md:3: {problem}parity --table",
    ]
    assert update(root, "parity", tables) == [
        root / "README.md",
        root / "alpha/README.md",
    ]
    assert (root / "README.md").read_text() == f"{BEGIN}\n| work space |\n{END}\n"
    assert (root / "alpha/README.md").read_text().splitlines()[2] == "| alpha |"
    assert (root / "beta/README.md").read_text() == "# beta\n"
    assert update(root, "parity", tables) == stale(root, "parity", tables) == []


def test_without_results_no_table_is_asked_for(root):
    assert stale(root, "parity", lambda folder: "") == []


@pytest.mark.parametrize("tool, name", [(parity, "parity"), (benchmark, "benchmarks")])
@pytest.mark.parametrize(
    "text", ["{", "[]", '{"rows": []}', '{"rows": 3, "machines": 1}']
)
def test_results_that_cannot_be_read(root, tool, name, text):
    write(root / f"tools/results/{name}.json", text)
    with pytest.raises(
        WorkspaceError, match=f"^tools/results/{name}.json cannot be read"
    ):
        tool.check(root)


@pytest.mark.spec("WSP-172", "each machine once, and none that no row names")
def test_machines_are_numbered_by_the_rows_that_stay(root):
    def order(row):
        return (row["name"],)

    def put(content, names, machine, old=""):
        rows = [{"name": name} for name in names]
        return results.replaced(
            content, rows, machine, lambda r: r["name"] in old, order
        )

    empty = {"machines": [], "rows": []}
    one = put(empty, "bd", {"cpu": "one"})
    two = put(one, "ac", {"cpu": "two"})
    assert two["machines"] == [{"cpu": "two"}, {"cpu": "one"}]
    assert [(r["name"], r["machine"]) for r in two["rows"]] == [
        ("a", 1),
        ("b", 2),
        ("c", 1),
        ("d", 2),
    ]
    three = put(two, "bd", {"cpu": "two"}, old="bd")
    assert three["machines"] == [{"cpu": "two"}]
    results.write(root, "parity", three)
    assert results.read(root, "parity") == three
    text = results.path_of(root, "parity").read_text("utf-8")
    assert '\n  {"name": "a", "machine": 1},\n  {"name": "b", "machine": 1},\n' in text


def test_the_machine_in_one_line():
    machine = {"cpu": "Abacus", "features": ["avx2"], "cores": 1, "system": "Linux x"}
    machine |= {"python": "3.11.7", "numpy": "2.0"}
    text = "Abacus, avx2; 1 core, Linux x; python 3.11.7, numpy 2.0"
    assert results.machine_text(machine) == text
    assert set(machine) <= set(results.this_machine()) | {"numpy", "torch"}


@pytest.mark.spec("WSP-172", "those that a container leaves us")
def test_the_machine_is_what_a_container_leaves_of_it(monkeypatch):
    cpu = Cpu(model="Arm part 0xd40", features=("asimd", "sve"), logical=64)
    monkeypatch.setattr(results, "read_cpu", lambda: cpu)
    monkeypatch.setattr(results, "read_limits", lambda: Limits(cpus=1.5))
    said = results.machine_text(results.this_machine())
    assert said.startswith("Arm part 0xd40, asimd, sve; 1 core, ")


@pytest.mark.spec("WSP-171", "a long one is folded behind its counts")
@pytest.mark.parametrize("count, is_folded", [(12, False), (13, True)])
def test_a_long_table_of_a_sub_project_is_folded(tmp_path, count, is_folded):
    rows = [{"project": "alpha"}] * count
    table = by_project(
        tmp_path,
        rows,
        lambda some: f"{len(some)} rows.",
        ["sub-project"],
        lambda name, some: [[f"{name}: {len(some)}"]],
        lambda some: "all of them",
    )(tmp_path / "alpha")
    assert table.startswith(f"\n{count} rows.\n\n") and "all of them" in table
    assert ("<details>" in table) == (f"| alpha: {count} |" in table) == is_folded
