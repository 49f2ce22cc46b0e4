"""tools.report: settings, groups, evidence, and the command."""

import json
import math

import pytest

from tools import report, report_evidence, results
from tools.report_data import plain, read_all, settings_of
from tools.report_evidence import evidence
from tools.tests.fake import project, write
from tools.tests.made_up_runs import make_run


MACHINE = {"cpu": "Abacus", "features": [], "cores": 1, "system": "x", "python": "3"}


@pytest.fixture
def root(tmp_path):
    project(tmp_path, "alpha")
    return tmp_path


def described(root):
    read = read_all([root])
    common, rows = settings_of([run for run, _, _ in read])
    return common, {one[1]["name"]: row for one, row in zip(read, rows, strict=True)}


@pytest.mark.spec("WSP-146", "the most common of its sub-project")
def test_a_run_tells_only_what_differs_from_most(root):
    for name in ("a", "b"):
        make_run(root / "alpha/runs", name)
    make_run(root / "alpha/runs", "c", {"optim": {"lr": 0.5}, "new": [1]})
    common, rows = described(root)
    assert common["alpha"]["optim.lr"] == [0.1, 2]
    assert "new" not in common["alpha"]  # most have none
    assert rows["a"]["own"] == {} and rows["a"]["missing"] == []
    assert rows["c"]["own"] == {"optim.lr": 0.5, "new": [1]}


def test_a_run_without_what_most_have_says_so(root):
    for name in ("a", "b"):
        make_run(root / "alpha/runs", name, {"new": 1})
    make_run(root / "alpha/runs", "c")
    common, rows = described(root)
    assert common["alpha"]["new"] == [1, 2]
    assert [rows[name]["missing"] for name in "abc"] == [[], [], ["new"]]


def test_a_tie_for_the_most_common_does_not_depend_on_the_order(root):
    for name, rate in [("a", 0.2), ("b", 0.5), ("c", 0.2), ("d", 0.5)]:
        make_run(root / "alpha/runs", name, {"optim": {"lr": rate}})
    assert described(root)[0]["alpha"]["optim.lr"] == [0.2, 2]


@pytest.mark.spec("WSP-147", "differ in the seed alone")
def test_groups_have_equal_settings_and_any_seed(root):
    make_run(root / "alpha/runs", "a", {"seed": 0})
    make_run(root / "alpha/runs", "b", {"seed": 1})
    make_run(root / "alpha/runs", "c", {"seed": 2, "optim": {"lr": 0.5}})
    project(root, "beta")
    make_run(root / "beta/runs", "d", {"seed": 1})
    for name in ("e", "f"):  # nothing is known of their settings
        (make_run(root / "alpha/runs", name) / "config.yaml").unlink()
    rows = described(root)[1]
    groups = {name: row["group"] for name, row in rows.items()}
    assert groups["a"] == groups["b"]
    assert len(set(groups.values())) == 5
    assert [rows[name]["known"] for name in "ae"] == [True, False]


def test_values_that_json_does_not_know_become_text():
    given = {1: [math.nan, (math.inf, 2, None)], "a": {2}, "b": True}
    assert plain(given) == {"1": ["nan", ["inf", 2, None]], "a": "{2}", "b": True}


@pytest.mark.spec("WSP-148", "says which command writes it")
def test_what_was_not_measured_says_how_to(root):
    found = evidence(root)
    alpha, tools = found["coverage"]
    assert (alpha["project"], tools["project"]) == ("alpha", "tools")
    assert "`python -m tools report --spec`" in alpha["missing"]
    assert "`python -m tools parity`" in found["parity"]["missing"]
    assert "`python -m tools benchmark`" in found["benchmarks"]["missing"]


@pytest.mark.spec("WSP-148", "from the files that hold them")
def test_sentences_parity_and_benchmarks_come_from_their_files(root):
    sentence = {"id": "A-1", "state": "verified", "tests": 2, "text": "Adds."}
    content = {"project": "alpha", "verified": 1, "requirements": [sentence]}
    write(root / "runs/spec/alpha.json", json.dumps(content))
    row = {"project": "alpha", "component": "sum", "machine": 1, "value": math.nan}
    (root / "tools").mkdir()
    for name in ("parity", "benchmarks"):
        results.write(root, name, {"machines": [MACHINE], "rows": [row]})
    assert b'"value":"nan"' in report.build([root], root)[0]
    found = evidence(root)
    assert found["coverage"][0] == {
        "project": "alpha",
        "source": "runs/spec/alpha.json",
        "sentences": [sentence],
    }
    for name in ("parity", "benchmarks"):
        assert found[name]["source"] == f"tools/results/{name}.json"
        (shown,) = found[name]["rows"]
        assert plain(shown) == plain(row)
        assert found[name]["machines"] == [results.machine_text(MACHINE)]


@pytest.mark.parametrize("text", ["{", "[]", '{"requirements": [{}]}', '{"rows": 1}'])
def test_damaged_evidence_is_a_sentence(root, text):
    write(root / "runs/spec/alpha.json", text)
    for name in ("parity", "benchmarks"):
        write(results.path_of(root, name), text)
    found = evidence(root)
    assert "runs/spec/alpha.json cannot be read" in found["coverage"][0]["missing"]
    for name in ("parity", "benchmarks"):
        assert f"tools/results/{name}.json cannot be read" in found[name]["missing"]


@pytest.mark.spec("WSP-148", "`--spec` runs the tests")
def test_spec_runs_pytest_in_each_folder_and_keeps_what_a_crash_did_not_write(
    root, monkeypatch, capsys
):
    calls = []

    def run(words, cwd, **_):
        calls.append((words[1:5], cwd.name))
        if cwd.name == "alpha":
            write(words[-1], "{}")
        return 1

    write(root / "runs/spec/tools.json", "old")
    monkeypatch.setattr(report_evidence, "run", run)
    report_evidence.record_coverage(root)
    command = ["-m", "pytest", "-q", "--spec-json"]
    assert calls == [(command, "alpha"), (command, "tools")]
    assert (root / "runs/spec/alpha.json").read_text() == "{}"
    assert (root / "runs/spec/tools.json").read_text() == "old"
    names = sorted(path.name for path in (root / "runs/spec").iterdir())
    assert names == ["alpha.json", "tools.json"]
    assert "tools: pytest ended with 1" in capsys.readouterr().err


@pytest.mark.spec("WSP-142", "written whole or not at all")
def test_the_command_writes_the_page_and_says_where(root, capsys):
    make_run(root / "alpha/runs", "a")
    out = root / "new" / "page.html"
    assert report.main([str(root / "alpha/runs"), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{out}  1 run of 1 sub-project, ")
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]


@pytest.mark.spec("WSP-142", "written whole or not at all")
def test_a_page_that_cannot_take_the_place_of_the_old_leaves_it(
    root, monkeypatch, capsys
):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    make_run(root / "alpha/runs", "a")
    old = write(root / "page" / "page.html", "old")
    monkeypatch.setattr("os.replace", refuse)
    assert report.main([str(root / "alpha/runs"), "--out", str(old)]) == 2
    assert "page.html cannot be written (Operation" in capsys.readouterr().err
    assert [path.read_text() for path in old.parent.iterdir()] == ["old"]


def test_ctrl_c_ends_with_a_word(root, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    make_run(root / "alpha/runs", "a")
    monkeypatch.setattr(report, "build", stop)
    assert report.main([str(root / "alpha/runs")]) == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.spec("WSP-145", "refused in one sentence")
@pytest.mark.parametrize("place, why", [("nowhere", "is no folder"), ("", "no run")])
def test_a_place_without_runs_is_refused(root, capsys, place, why):
    assert report.main([str(root / place), "--out", str(root / "page.html")]) == 2
    said = capsys.readouterr()
    assert why in said.err and "vision_cnn" not in said.out
    assert len(said.err.splitlines()) == 1 and not (root / "page.html").exists()


def test_a_page_that_cannot_be_written_is_one_sentence(root, capsys):
    make_run(root / "alpha/runs", "a")
    out = root / "alpha" / "README.md" / "page.html"
    assert report.main([str(root / "alpha/runs"), "--out", str(out)]) == 2
    assert "choose another with --out" in capsys.readouterr().err
