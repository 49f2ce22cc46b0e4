import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fake import project, workspace, write
from tools import benchmark, results


README = "# Work space\n\n<!-- benchmark: begin -->\n<!-- benchmark: end -->\n"
FAST = """import json
import os
import sys
from pathlib import Path


names = {"component": "a step", "rival": "torch"}
rows = [
    names | {"ratio": 0.123456, "quantity": "CPU time"},
    names | {"ratio": 1234.5, "quantity": "memory"},
]
content = {"device": {"threads": 2}, "rows": rows}
passed = {"OPENBLAS_CORETYPE", "OTHER"} & {*os.environ}
print("measured in", Path.cwd().name, sorted(passed))
Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(content))
"""
SLOW = FAST.replace("a step", "slow").replace("0.123456", "1.0")


@pytest.fixture
def root(tmp_path):
    here = workspace(tmp_path)
    write(here / "README.md", README)
    project(here, "alpha", {"tests/benchmarks/benchmark_slow.py": SLOW})
    project(here, "beta", {"tests/benchmarks/benchmark_fast.py": FAST})
    write(here / "beta/tests/benchmarks/measure.py", "raise SystemExit(3)\n")
    return here


def run(root: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tools.benchmark", *arguments],
        cwd=root,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def fill(root: Path, **changes) -> None:
    """Results as if they had been measured elsewhere, with their tables."""
    machine = {"cpu": "Abacus", "features": [], "cores": 1, "system": "Linux"}
    machine |= {"python": "3.11.7"}
    row = {"project": "alpha", "benchmark": "benchmark_slow", "component": "old"}
    row |= {"rival": "torch", "quantity": "CPU time", "ratio": 2.5, "threads": 1}
    row |= {"date": "2026-01-01", "seconds": 99, "machine": 1} | changes
    fast = row | {"project": "beta", "benchmark": "benchmark_fast", "seconds": 1}
    results.write(root, "benchmarks", {"machines": [machine], "rows": [row, fast]})
    benchmark.readme_tables.update(root, "benchmark", benchmark.tables(root))


def rows(root: Path) -> list[tuple]:
    found = results.read(root, "benchmarks")["rows"]
    keys = ("project", "component", "ratio", "quantity", "machine")
    return [tuple(row[key] for key in keys) for row in found]


@pytest.mark.spec("WSP-160", "one benchmark after another in the folder of its sub")
def test_measured_rows_and_the_table(root):
    code, out, err = run(root)
    assert code == 0, err
    assert err.index("alpha/benchmark_slow: 1 of 2") < err.index("measured in alpha [")
    assert err.index("beta/benchmark_fast: 2 of 2") < err.index("measured in beta [")
    assert rows(root) == [
        ("alpha", "slow", 1.0, "CPU time", 1),
        ("alpha", "slow", 1230.0, "memory", 1),
        ("beta", "a step", 0.123, "CPU time", 1),
        ("beta", "a step", 1230.0, "memory", 1),
    ]
    readme = (root / "README.md").read_text("utf-8")
    for line in (
        "| alpha | CPU time | 1 | 0 |\n| alpha | memory | 1 | 0 |",
        "| beta | CPU time | 1 | 1 |\n| beta | memory | 1 | 0 |",
        "| slow | torch | 1.0 | CPU time | 2 | 1 |",
        "| a step | torch | 0.12 | CPU time | 2 | 1 |",
        "| a step | torch | 1230 | memory | 2 | 1 |",
        f"Machine 1: {results.machine_text(results.this_machine())}.",
    ):
        assert line in readme
        assert line in out
    assert benchmark.check(root) == []


@pytest.mark.spec("WSP-161", "are not passed on to a benchmark, and are named")
def test_variables_that_change_the_speed(root):
    variables = {"OPENBLAS_CORETYPE": "Haswell", "OTHER": "1"}
    _, _, err = run(root, "beta", **variables, OMP_NUM_THREADS="7")
    assert "OMP_NUM_THREADS, " in err and "OPENBLAS_CORETYPE" in err.splitlines()[0]
    assert "measured in beta ['OTHER']" in err


@pytest.mark.spec(
    "WSP-162", "that fails or gives no rows is told and keeps its old rows"
)
@pytest.mark.parametrize(
    "old, new, sentence",
    [
        (
            "import json",
            "import json, absent",
            "alpha/benchmark_slow ended with code 1",
        ),
        ('"rows"', '"row"', "--json writes no `rows` of component, rival"),
        ('{"threads": 2}', "{}", "or no `device` with threads (KeyError('threads'))"),
        (', "rival": "torch"', "", "(KeyError('rival'))"),
        ('"rival": "torch"', '"rival": ""', "--json writes no `rows`"),
        ("1.0", "NAN", "--json writes no `rows`"),
        ("1.0", "0", "(ValueError('the ratio 0.0'))"),
        ("1.0", "-2", "(ValueError('the ratio -2.0'))"),
        ("json.dumps(content)", '"{"', "--json writes no `rows`"),
        ("rows}", "[]}", "alpha/benchmark_slow compared nothing; is its rival"),
        ("Path(sys", "None and Path(sys", "--json writes no `rows`"),
    ],
)
def test_a_benchmark_that_fails(root, old, new, sentence):
    fill(root)
    text = SLOW.replace(old, new)
    assert text != SLOW
    text = text.replace("NAN", 'float("nan")')
    write(root / "alpha/tests/benchmarks/benchmark_slow.py", text)
    code, _, err = run(root)
    assert code == 1 and sentence in err.splitlines()[-1]
    assert err.endswith("; the rows of alpha/benchmark_slow stay as they were\n")
    assert [row[:3] for row in rows(root)] == [
        ("alpha", "old", 2.5),
        ("beta", "a step", 0.123),
        ("beta", "a step", 1230.0),
    ]


@pytest.mark.spec("WSP-163", "replace only the rows of what they run, and rows of")
@pytest.mark.parametrize("name", ["beta", "beta/", "beta/benchmark_fast"])
def test_some_benchmarks(root, name):
    fill(root)
    code, out, err = run(root, name)
    assert code == 0 and "== beta/benchmark_fast: 1 of 1" in err
    assert "a step" in out and "old" not in out  # what was measured, nothing else
    assert err.endswith("written: tools/results/benchmarks.json and README.md\n")
    assert [row[-1] for row in rows(root)] == [1, 2, 2]
    readme = (root / "README.md").read_text("utf-8")
    assert "Machine 1: Abacus; 1 core, Linux; python 3.11.7.\n" in readme
    assert "| old | torch | 2.5 | CPU time | 1 | 1 |" in readme
    assert "| a step | torch | 0.12 | CPU time | 2 | 2 |" in readme


@pytest.mark.spec("WSP-171", "the machine that they were measured on")
def test_a_sub_project_tells_its_machine(root):
    write(root / "beta/README.md", README)
    fill(root)
    assert run(root, "beta")[0] == 0
    readme = (root / "beta/README.md").read_text("utf-8")
    assert "\n2 comparisons. A ratio is ours over theirs; below 1 ours needs" in readme
    machine = results.machine_text(results.this_machine())
    assert f"\n\nMachine 2: {machine}.\n\n| component |" in readme
    assert "Machine 1" not in readme


def test_what_took_longest_comes_last(root):
    fill(root)
    _, _, err = run(root)
    assert "beta/benchmark_fast: 1 of 2, 1 s the last time" in err
    assert "alpha/benchmark_slow: 2 of 2, 99 s the last time" in err


@pytest.mark.spec("WSP-164", "Each benchmark is written when it ends, so that Ctrl-C")
def test_ctrl_c_keeps_what_is_done(root):
    wait = "import time\nprint('waits', flush=True)\ntime.sleep(60)\n"
    write(root / "beta/tests/benchmarks/benchmark_fast.py", wait)
    started = subprocess.Popen(
        [sys.executable, "-m", "tools.benchmark"],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert any("waits" in line for line in started.stderr)
    os.killpg(started.pid, signal.SIGINT)
    said = started.communicate(timeout=60)[1]
    assert started.returncode == 130 and "tools/benchmark.py" not in said
    assert [row[0] for row in rows(root)] == ["alpha", "alpha"]
    assert "| slow | torch | 1.0 |" in (root / "README.md").read_text("utf-8")


@pytest.mark.spec("WSP-165", "a benchmark without rows, and rows without a benchmark")
def test_check_compares_the_files_with_the_results(root):
    fill(root)
    assert benchmark.check(root) == []
    folder = root / "alpha/tests/benchmarks"
    (folder / "benchmark_slow.py").rename(folder / "benchmark_new.py")
    assert benchmark.check(root) == [
        "alpha/tests/benchmarks/benchmark_new.py has no row in "
        "tools/results/benchmarks.json; type: "
        "python -m tools benchmark alpha/benchmark_new",
        "tools/results/benchmarks.json: there is no benchmark alpha/benchmark_slow any "
        "more; type: python -m tools benchmark --table",
    ]
    assert run(root, "--table")[0] == 0
    assert [row[0] for row in rows(root)] == ["beta"]


@pytest.mark.spec(
    "WSP-173", "fails when a table of a README is not that of the results"
)
def test_check_is_an_option_too(root):
    fill(root)
    told = "README.md, the results and the files agree\n"
    assert run(root, "--check") == (0, told, "")
    content = (root / "README.md").read_text("utf-8")
    write(root / "README.md", content.replace("| 2.5 |", "| 0.5 |", 1))
    code, out, _ = run(root, "--check")
    assert code == 1 and "the table `benchmark` is not that of the results" in out


@pytest.mark.spec("WSP-002", "An unknown name ends in one sentence")
def test_an_unknown_benchmark(root):
    code, _, err = run(root, "beta/benchmark_fats")
    assert code == 2
    assert err.startswith("beta/benchmark_fats is not here; did you mean beta/benchma")


def test_a_readme_without_markers(root):
    write(root / "README.md", "# Work space\n")
    code, _, err = run(root, "beta")
    assert code == 2 and "Traceback" not in err
    assert err.splitlines()[-1].startswith("README.md needs one line <!-- benchmark")
    assert len(json.loads((root / "tools/results/benchmarks.json").read_text())) == 2
