import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fake import QUICK, project, workspace, write
from tools import parity, results
from tools.parity_marks import marks
from tools.projects import WorkspaceError


PLUGIN = Path(__file__).with_name("parity.py").read_text("utf-8")
CONFTEST = """from tests import parity


def pytest_addoption(parser, pluginmanager):
    pluginmanager.register(parity)
"""
README = "# Work space\n\n<!-- parity: begin -->\n<!-- parity: end -->\n\nThe end.\n"
LSTM = """import pytest


@pytest.mark.parity("LSTM", "torch.nn.LSTM")
def test_lstm(parity):
    parity.value(1.0, 1.0 + 3.1e-12, atol=1e-9)
    parity.gradient([1.0, 2.0], [1.0, 2.0], atol=0)
"""
NORM = """import pytest


@pytest.mark.parametrize(
    "a", [pytest.param(1.5, marks=pytest.mark.parity("a | norm", "numpy"))]
)
def test_norm(parity, a):
    parity.value(a, 1.0, atol=1)


def test_that_is_not_marked():
    assert False
"""


@pytest.fixture
def root(tmp_path):
    """Two sub-projects with one comparison each."""
    here = workspace(tmp_path)
    write(here / "README.md", README)
    for name, test in (("alpha", LSTM), ("beta", NORM)):
        files = {"tests/conftest.py": CONFTEST, "tests/parity.py": PLUGIN}
        project(here, name, files | {"tests/test_a.py": test})
    project(here, "gamma")  # compares nothing
    return here


def run(root: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tools.parity", *arguments],
        cwd=root,
        env=os.environ | QUICK,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def fill(root: Path, **changes) -> None:
    """Results as if they had been measured, with their tables."""
    row = {"component": "LSTM", "reference": "torch.nn.LSTM", "value": 3e-12}
    row |= {"project": "alpha", "gradient": 0.0, "atol": 1e-9, "machine": 1}
    norm = {"component": "a | norm", "reference": "numpy", "value": 0.5}
    norm = row | norm | {"project": "beta", "gradient": None}
    machine = {"cpu": "Abacus", "features": [], "cores": 1, "system": "Linux"}
    machines = [machine | {"python": "3.11.7"}]
    rows = [row | changes, norm]
    results.write(root, "parity", {"machines": machines, "rows": rows})
    parity.readme_tables.update(root, "parity", parity.tables(root))


@pytest.mark.spec("WSP-150", "runs the marked tests of each sub-project in its folder")
def test_measured_rows_and_the_table(root):
    code, out, err = run(root)
    assert code == 0, out + err
    content = json.loads((root / "tools/results/parity.json").read_text("utf-8"))
    assert content["rows"] == [
        {
            "project": "alpha",
            "component": "LSTM",
            "reference": "torch.nn.LSTM",
            "value": 4e-12,
            "gradient": 0.0,
            "atol": 1e-9,
            "machine": 1,
        },
        {
            "project": "beta",
            "component": "a | norm",
            "reference": "numpy",
            "value": 0.5,
            "gradient": None,
            "atol": 1.0,
            "machine": 1,
        },
    ]
    assert content["machines"] == [results.this_machine()]
    readme = (root / "README.md").read_text("utf-8")
    for line in (
        "| sub-project | comparisons | below 1e-9 | largest error in value |",
        "| alpha | 1 | 1 | 4e-12 (LSTM) | 0 |",
        "| beta | 1 | 0 | 5e-01 (a \\| norm) |  |",
        "| LSTM | `torch.nn.LSTM` | 4e-12 | 0 |",
        "| a \\| norm | numpy | 5e-01 |  |",
        results.machine_text(results.this_machine()) + ".",
    ):
        assert line in readme
    assert readme.startswith("# Work space\n\n<!-- parity: begin -->\n")
    assert readme.endswith("\n<!-- parity: end -->\n\nThe end.\n")
    assert parity.check(root) == []


@pytest.mark.spec("WSP-151", "`parity P` measures P alone; the other rows stay")
def test_one_sub_project(root):
    fill(root, value=0.25)
    content = results.read(root, "parity")
    gone = content["rows"][0] | {"project": "gone"}  # a sub-project that is removed
    results.write(root, "parity", content | {"rows": [*content["rows"], gone]})
    write(root / "beta/tests/test_a.py", NORM.replace("1.5", "1.3"))
    code, out, err = run(root, "beta")
    assert code == 0, out + err
    rows = results.read(root, "parity")["rows"]
    assert [(r["value"], r["machine"]) for r in rows] == [(0.25, 1), (0.3, 2)]


@pytest.mark.spec("WSP-152", "A test that fails, or is marked and compares nothing")
@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("1e-9", "1e-12", "the tests of parity of alpha ended with code 1"),
        (
            "    parity.value",
            "    pytest.skip()\n    parity.value",
            "LSTM beside torch.",
        ),
        ("    parity.value", "    return\n    parity.value", "ended with code 1"),
    ],
)
def test_nothing_is_written_then(root, old, new, sentence):
    write(root / "alpha/tests/test_a.py", LSTM.replace(old, new))
    fill(root)
    before = (root / "README.md").read_text("utf-8")
    code, _, err = run(root, "alpha")
    assert code == 2 and sentence in err and "nothing was written" in err
    assert "Traceback" not in err
    assert (root / "README.md").read_text("utf-8") == before
    assert results.read(root, "parity")["rows"][0]["machine"] == 1


@pytest.mark.spec("WSP-153", "a comparison that is in the tests and not in the results")
def test_check_compares_the_marks_with_the_results(root):
    fill(root)
    assert parity.check(root) == []
    write(root / "beta/tests/test_a.py", LSTM.replace("LSTM", "GRU"))
    assert parity.check(root) == [
        "beta/tests/test_a.py:4: GRU beside torch.nn.GRU is not in "
        "tools/results/parity.json; type: python -m tools parity beta",
        "tools/results/parity.json: no test of beta compares a | norm beside numpy any "
        "more; type: python -m tools parity",
    ]


def test_check_is_an_option_too(root):
    fill(root)
    told = "README.md, the results and the tests agree\n"
    assert run(root, "--check") == (0, told, "")
    write(root / "README.md", README)
    code, out, _ = run(root, "--check")
    assert code == 1 and out.startswith("README.md:4: the table `parity` is not that")
    assert run(root, "--table")[0] == 0
    assert parity.check(root) == []


def test_a_sub_project_shows_its_own_rows(root):
    fill(root)
    write(root / "beta/README.md", README)
    assert len(parity.check(root)) == 1
    assert run(root, "--table")[0] == 0
    told = "\n1 comparisons with an independent implementation: that of a library, or"
    table = (
        "| component | reference | error in value | in gradient |\n|---|---|---|---|\n"
    )
    row = "| a \\| norm | numpy | 5e-01 |  |\n"
    found = (root / "beta/README.md").read_text("utf-8")
    assert f"begin -->\n{told}" in found and f"\n\n{table}{row}\n<!--" in found
    assert "`python -m tools parity` on: Abacus; 1 core, Linux; python 3.11.7." in found


def test_names_and_check_exclude_each_other(root):
    code, _, err = run(root, "alpha", "--check")
    assert code == 2 and "for all sub-projects at once" in err


@pytest.mark.spec("WSP-002", "An unknown name ends in one sentence")
def test_an_unknown_sub_project(root):
    code, _, err = run(root, "alfa")
    said = "alfa is not here; did you mean alpha? known: alpha, beta, gamma\n"
    assert (code, err) == (2, said)


@pytest.mark.spec("WSP-154", "whose names cannot be read without running")
@pytest.mark.parametrize(
    "words",
    ['"LSTM"', '"LSTM", "torch", NAME', '"LSTM", NAME', "*NAMES", 'f"{NAME}", "torch"'],
)
def test_marks_are_literal(root, words):
    test = LSTM.replace('"LSTM", "torch.nn.LSTM"', words)
    write(root / "alpha/tests/test_a.py", test)
    with pytest.raises(
        WorkspaceError, match=r"^alpha/tests/test_a.py:4: a mark of par"
    ):
        marks(root, root / "alpha")


def test_marks_of_tests_only(root):
    write(root / "alpha/tests/integration_a.py", LSTM.replace("LSTM", "RNN"))
    write(root / "alpha/tests/helper.py", LSTM.replace("LSTM", "GRU"))
    text = "def test_a(mark):\n    mark.parity('a', 'b').other.parity('c', 'd')\n"
    write(root / "alpha/tests/test_b.py", text + "# pytest.mark.parity\n")
    assert marks(root, root / "alpha") == {
        ("LSTM", "torch.nn.LSTM"): "alpha/tests/test_a.py:4",
        ("RNN", "torch.nn.RNN"): "alpha/tests/integration_a.py:4",
    }


def test_a_mark_in_a_helper_is_refused(root):
    helper = 'import pytest\n\nMARK = pytest.mark.parity("GRU", "numpy")\n'
    write(root / "alpha/tests/helper.py", helper)
    test = "from tests.helper import MARK\n\n\n@MARK\ndef test_gru(parity):\n"
    test = LSTM + test + "    parity.value(1.0, 1.0, atol=0)\n"
    write(root / "alpha/tests/test_a.py", test)
    code, _, err = run(root, "alpha")
    assert code == 2 and "GRU beside numpy has no mark there" in err


def test_a_workspace_without_comparisons_has_nothing_to_check(tmp_path):
    root = workspace(tmp_path)
    project(root, "alpha")
    assert parity.check(root) == []
