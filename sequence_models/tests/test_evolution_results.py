"""What a bench finds: its tests, its words, its page; and the sweep of the rates."""

import csv
import html
import itertools
import json
import math
import re

import pytest

from src.evolution import evolve as module
from src.evolution import sweep as sweeping
from src.evolution.children import Children
from src.evolution.comparison import compare
from src.evolution.evolve import evolve, make_jobs
from src.evolution.rates import rates_file, read_rates
from src.evolution.results import collect, to_csv
from src.evolution.sweep import next_rates, sweep
from src.evolution.verdict import conclude
from src.utils.errors import InputError
from tests.evolution_stub import commands, hold_lock, plan_in
from tests.forked import kill_group


FOUND = {"rnn-old": 3.0, "rnn-modern": 2.5, "gpt_2025-modern": 2.2}
NOISE = {1: 0.0, 2: 0.011, 3: -0.004, 4: 0.007, 5: 0.002, 6: -0.009}


def bench(tmp_path, values=FOUND, mode=lambda job: "run"):
    """A plan and the folder of its runs, made by the stub."""
    plan, out = plan_in(tmp_path), tmp_path / "runs"
    children = Children(out, at_once=3, make_command=commands(values, mode))
    children.run(make_jobs(plan, out))
    return plan, out, children.failed


@pytest.mark.spec("SEQ-121", "mean and standard deviation over the seeds")
def test_rows_are_means_over_the_seeds(tmp_path):
    plan, out, _ = bench(tmp_path)
    results = collect(plan, out)
    assert [(r.entry, r.recipe, r.seeds) for r in results.rows] == [
        ("rnn", "old", (1, 2, 3)), ("rnn", "modern", (1, 2, 3)),
        ("gpt_2025", "modern", (1, 2, 3)),
    ]  # fmt: skip
    row, run = results.rows[0], results.runs[0]
    assert row.bpb == pytest.approx(3.02) and row.sd == pytest.approx(0.01)
    assert run.curve == ((64, pytest.approx(3.51)), (128, pytest.approx(3.01)))
    assert run.tokens_per_cpu_second == 128.0 and run.tokens_per_second == 64.0
    # 0.7 nats a token at 1 bit per byte: a token has 0.7 / ln 2 bytes.
    assert run.bytes_per_cpu_second == pytest.approx(128 * 0.7 / math.log(2))
    assert run.peak_bytes > 1e6 and run.cpu_seconds > 0


@pytest.mark.spec("SEQ-122", "paired by seed, with Holm's correction")
def test_comparisons_are_those_of_scipy():
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    means = {"a": 2.0, "b": 2.004, "c": 2.3, "d": 2.0}
    values = {
        name: {s: mean + NOISE[s] + 0.004 * ((s * k) % 5) for s in NOISE}
        for k, (name, mean) in enumerate(means.items(), 1)
    }
    family = compare(values, itertools.combinations(values, 2))
    raw = []
    for found in family:
        a, b = (list(values[name].values()) for name in (found.a, found.b))
        expected = stats.ttest_rel(a, b)
        assert found.p_t == pytest.approx(expected.pvalue, rel=1e-6)
        assert found.difference == pytest.approx(sum(a) / 6 - sum(b) / 6)
        assert found.pairs == 6
        raw.append(expected.pvalue)
    smallest = min(range(6), key=raw.__getitem__)
    assert family[smallest].p_holm == pytest.approx(6 * raw[smallest], rel=1e-6)
    assert {f.significant for f in family} == {True, False}


def test_only_seeds_that_both_have_are_compared():
    values = {
        "a": {1: 2.0, 2: 2.1, 3: 2.2},
        "b": {2: 2.3, 3: 2.5, 4: 9.0},
        "c": {1: 2.0},
    }
    (only,) = compare(values, itertools.combinations(values, 2))
    assert (only.a, only.b, only.pairs) == ("a", "b", 2)
    assert only.difference == pytest.approx(-0.25)


@pytest.mark.spec("SEQ-123", "in words that follow from the tests")
def test_the_conclusion_names_the_best_and_what_cannot_be_told(tmp_path):
    plan, out, _ = bench(tmp_path)
    said = " ".join(conclude(plan, collect(plan, out)))
    assert "Under the recipe modern gpt_2025 is the best with 2.220 ± 0.010" in said
    assert "significantly better than all others (nearest: RNN, 0.300" in said
    assert "Against the recipe of its era, modern is better for RNN (by 0.500)" in said
    assert "span 0.800 bits per byte" in said and "and 0.300 when" in said
    assert "cannot fall below 0.250 with 3 seeds" in said


@pytest.mark.spec("SEQ-123", "cannot be told")
def test_equal_models_are_not_ranked(tmp_path):
    equal = {"rnn-old": 2.2, "rnn-modern": 2.2, "gpt_2025-modern": 2.2}
    plan, out, _ = bench(tmp_path, equal)
    file = out / "rnn-modern-s2" / "metrics.csv"
    file.write_text(file.read_text().replace("2.22", "2.2301"))
    said = " ".join(conclude(plan, collect(plan, out)))
    assert "cannot be told from RNN" in said
    assert "makes no significant difference for RNN" in said


@pytest.mark.spec("SEQ-116", "reported")
def test_failed_runs_are_named_and_left_out(tmp_path):
    plan, out, failed = bench(
        tmp_path, mode=lambda job: "fail" if job.name == "rnn-old-s2" else "run"
    )
    results = collect(plan, out)
    assert results.rows[0].seeds == (1, 3)
    said = conclude(plan, results, [f.job.name for f in failed])
    assert said[-1] == "1 runs failed and are missing: rnn-old-s2."


@pytest.fixture
def stubbed(monkeypatch):
    """The command, with the stub in place of the training."""

    class Stubbed(Children):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.make_command = commands(FOUND)

    monkeypatch.setattr(module, "Children", Stubbed)


@pytest.mark.spec("SEQ-121", "as JSON, as CSV and as one page")
def test_the_three_files(tmp_path, stubbed, capsys):
    plan_in(tmp_path)
    path = tmp_path / "evolve_stub.yaml"
    assert evolve(path, out=tmp_path, at_once=3, quiet=True) == 0
    folder = tmp_path / "evolve-stub"
    assert str(folder / "index.html") in capsys.readouterr().out

    content = json.loads((folder / "results.json").read_text())
    assert len(content["runs"]) == 9 and len(content["rows"]) == 3
    common = content["comparisons"]["common_recipe"]
    assert common[0]["a"] == "rnn-modern" and common[0]["p_holm"] < 0.05
    assert content["saved_for_backward"]["rnn-old"] > 0
    with open(folder / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9 and float(rows[0]["bpb"]) == pytest.approx(3.01)
    page = (folder / "index.html").read_text()
    assert page.count("<svg") == page.count("</svg>") == 3
    assert not re.search(r'(src|href)="(?!#)', re.sub(r'xlink:href="#', "", page))
    for sentence in content["conclusion"]:
        assert html.escape(sentence) in page
    assert ">3.0200<" in page and ">0.0100<" in page


def test_the_page_can_be_built_again_and_needs_a_run(tmp_path, stubbed, capsys):
    plan_in(tmp_path)
    path = tmp_path / "evolve_stub.yaml"
    with pytest.raises(InputError, match="has no finished run yet"):
        evolve(path, out=tmp_path, report_only=True, quiet=True)
    evolve(path, ["gpt_2025"], tmp_path, quiet=True, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert {row["entry"] for row in said["rows"]} == {"gpt_2025"}
    with pytest.raises(InputError, match="--at-once 0: must be 1 or more"):
        evolve(path, out=tmp_path, at_once=0)


def test_a_bench_goes_on_in_one_process_at_a_time(tmp_path, stubbed):
    plan_in(tmp_path)
    other = hold_lock(tmp_path / "evolve-stub")
    with pytest.raises(InputError, match="evolve-stub is in use by process"):
        evolve(tmp_path / "evolve_stub.yaml", out=tmp_path, quiet=True)
    kill_group(other)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file/evolve-stub cannot be written"):
        evolve(tmp_path / "evolve_stub.yaml", out=tmp_path / "file", quiet=True)


def test_a_model_that_writes_html_cannot_break_the_page(tmp_path):
    plan, out, _ = bench(tmp_path)
    from src.evolution.page import page
    from src.evolution.results import to_plain

    results = collect(plan, out)
    content = to_plain(results) | {
        "conclusion": [], "environment": {}, "samples": {"rnn-old": "<script>&"},
        "saved_for_backward": dict.fromkeys(FOUND, 1),
    }  # fmt: skip
    made = page(plan, results, content)
    assert "<script>" not in made and "&lt;script&gt;&amp;" in made


def test_csv_has_a_line_a_run(tmp_path):
    plan, out, _ = bench(tmp_path)
    lines = to_csv(collect(plan, out).runs).splitlines()
    assert len(lines) == 10 and lines[0].startswith("entry,recipe,seed,parameters")


@pytest.mark.spec("SEQ-118", "until the best has a worse one on both sides")
@pytest.mark.parametrize("best", [0.005, 0.02, 0.16])
def test_rates_are_tried_until_the_best_is_between_two(best):
    found: dict[float, float] = {}
    while rates := next_rates(0.02, found):
        found |= {rate: abs(math.log(rate / best)) for rate in rates}
    chosen = min(found, key=found.get)
    assert chosen == pytest.approx(best)
    assert min(found) < chosen < max(found)
    assert all(
        any(math.isclose(r, best * 2.0**k, rel_tol=0.02) for k in range(-6, 7))
        for r in found
    )


def test_not_for_ever():
    found: dict[float, float] = {}
    while rates := next_rates(0.02, found):
        found |= {rate: -rate for rate in rates}
    assert len(found) == sweeping.MOST


@pytest.mark.spec("SEQ-118", "with a seed that the bench does not use")
def test_a_sweep_keeps_what_it_tried(tmp_path, monkeypatch):
    seeds = set()

    class Stubbed(Children):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.make_command = self.stub

        def stub(self, job, out, device):
            seeds.add(job.seed)
            rate = float(job.pair.rpartition("-lr")[2])
            mode = "fail" if rate > 1.5 else "run"
            value = 2 + abs(math.log2(rate / 0.0625))
            return commands({job.pair: value}, lambda _: mode)(job, out, device)

    monkeypatch.setattr(sweeping, "Children", Stubbed)
    plan, table = plan_in(tmp_path), rates_file(tmp_path / "evolve_stub.yaml")
    plan = plan._replace(pairs=plan.pairs[:2])
    assert sweep(plan, tmp_path / "sweep", table, at_once=3) == 0
    rows = read_rates(table)
    best = {
        recipe: min((r for r in rows if r.recipe == recipe), key=lambda r: r.bpb).lr
        for recipe in ("old", "modern")
    }
    assert best == {"old": 0.0625, "modern": pytest.approx(0.08)}
    assert seeds == {0} and 0 not in plan.bench.seeds
    assert (
        sweep(plan_in(tmp_path)._replace(pairs=plan.pairs), tmp_path / "sweep", table)
        == 0
    )
    assert read_rates(table) == rows
