"""What a study says: means, paired intervals, words, files, the picture."""

import csv
import json
import math
import statistics

import pytest

from src.evolution.study_figure import draw, interval, thinned
from src.evolution.study_plan import read_study
from src.evolution.study_report import report, text
from src.evolution.study_scores import Score, read_curve, to_csv
from src.evolution.study_verdict import compare_pairs, conclude, names
from tests.study_stub import NOISE, STUDY, plan_in, study_file, values


def scores_of(plan, found, data=lambda name, seed: "same", cpu=None) -> list[Score]:
    """`found`: of each name, the value of pass@1 and pass@16 by seed."""
    cpu = cpu or {}
    return [
        Score(
            name, name.split(".")[0], seed, values(*pair), data(name, seed),
            cpu.get(name, 70.0), 10**8, 40, 4,
        )
        for name, by_seed in found.items()
        for seed, pair in by_seed.items()
    ]  # fmt: skip


@pytest.fixture
def plan(tmp_path):
    return plan_in(tmp_path, seeds="11-16")


def clear(seeds=NOISE):
    """GRPO above its control, its pass@16 below that of its base."""
    return {
        "grpo": {s: (0.74 + NOISE[s], 0.80) for s in seeds},
        "grpo.base": {s: (0.73 - NOISE[s], 0.90 + NOISE[s]) for s in seeds},
        "control": {s: (0.54 + 2 * NOISE[s], 0.80 + NOISE[s]) for s in seeds},
    }


@pytest.mark.spec("SEQ-224", "mean and standard deviation over the seeds")
def test_rows_are_means_over_the_seeds(tmp_path, plan, monkeypatch):
    scores = scores_of(plan, clear())
    monkeypatch.setattr("src.evolution.study_report.draw", lambda *_: None)
    monkeypatch.setattr("src.evolution.study_report.save_figure", lambda *_, **__: None)
    monkeypatch.setattr(
        "src.evolution.study_report.read_scores", lambda *_: (scores, {})
    )
    content = report(plan, tmp_path)
    kept = json.loads((tmp_path / "results.json").read_text())
    assert [row["name"] for row in content["rows"]] == ["grpo.base", "grpo", "control"]
    row, ours = kept["rows"][2], [0.54 + 2 * n for n in NOISE.values()]
    assert row["metrics"]["pass@1"]["mean"] == pytest.approx(statistics.fmean(ours))
    assert row["metrics"]["pass@1"]["sd"] == pytest.approx(statistics.stdev(ours))
    assert row["cpu_seconds"] == {"mean": 70.0, "sd": 0.0}
    assert kept["rows"][0]["cpu_seconds"] == {"mean": None, "sd": None}
    with open(tmp_path / "results.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 18 and lines[0]["arm"] == "grpo"
    assert {line["stage"] for line in lines} == {"base", "final"}
    said = text(plan, content)
    (line,) = [x for x in said.splitlines() if x.startswith("supervised  ")]
    assert line.split("  ")[-3:] == ["0.542 ± 0.015", "0.801 ± 0.007", "70.0 ± 0.0"]
    assert "GRPO - supervised             pass@1   +0.199" in said
    assert "< 0.0001" in said and "test, mean ± sd" in said


@pytest.mark.spec("SEQ-225", "paired by seed, with a 95 % interval")
def test_differences_are_those_of_scipy(plan):
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    found = clear()
    tests = {
        (p.a, p.b, p.metric): p.test
        for p in compare_pairs(plan, scores_of(plan, found))
    }
    assert len(tests) == 4
    for (a, b, metric), test in tests.items():
        at = ("pass@1", "pass@16").index(metric)
        ours, theirs = ([v[at] for v in found[name].values()] for name in (a, b))
        expected = stats.ttest_rel(ours, theirs)
        low, high = expected.confidence_interval(0.95)
        assert test.p_t == pytest.approx(expected.pvalue, rel=1e-6)
        assert (test.low, test.high) == pytest.approx((low, high), rel=1e-6)
        assert test.p_holm >= test.p_t and test.pairs == 6


@pytest.mark.spec("SEQ-225", "higher, lower, or not to be told apart")
def test_words_follow_from_the_tests(plan):
    scores = scores_of(plan, clear())
    said = conclude(plan, scores, compare_pairs(plan, scores), {})
    assert said[0].startswith(
        "GRPO against supervised, 6 seeds: higher in pass@1 +0.199 (95 % +0.1"
    )
    assert (
        "; not to be told apart in pass@16 -0.001 (95 % -0.009 to +0.006)." in said[0]
    )
    assert "lower in pass@16 -0.101 (95 % -0.109 to -0.094)" in said[1]
    assert "not to be told apart in pass@1 +0.012 (95 % -0.003 to +0.028)" in said[1]
    whole = " ".join(said)
    assert "better" not in whole and "worse" not in whole
    assert "after Holm's correction over 4 tests" in whole
    assert "cannot fall below 0.0312 with 6 seeds" in whole


@pytest.mark.spec("SEQ-225", "the smallest p that so few seeds can reach")
def test_few_seeds_say_little(plan):
    scores = scores_of(plan, clear([11, 12]))
    whole = " ".join(conclude(plan, scores, compare_pairs(plan, scores), {}))
    assert "cannot fall below 0.5 with 2 seeds" in whole
    assert "There are only 2 of 6 runs of grpo, 2 of 6 runs of control." in whole
    alone = scores_of(plan, clear([11]))
    whole = " ".join(conclude(plan, alone, compare_pairs(plan, alone), {}))
    assert "With fewer than two seeds of a pair nothing can be tested." in whole
    assert "higher" not in whole and "lower" not in whole


@pytest.mark.spec("SEQ-225", "whether all seeds have the same problems")
def test_whose_problems_are_the_same(plan):
    def last(data):
        scores = scores_of(plan, clear(), data)
        return conclude(plan, scores, compare_pairs(plan, scores), {})[-1]

    assert "All seeds have the same problems" in last(lambda name, seed: "x")
    own = "Each seed has problems of its own, so the intervals cover the choice of "
    assert (
        last(lambda name, seed: str(seed))
        == f"{own}problems; two arms of a pair share them."
    )
    assert last(lambda name, seed: f"{name}{seed}") == f"{own}problems."


def test_only_the_time_of_a_control_is_compared(plan):
    scores = scores_of(plan, clear(), cpu={"grpo": 70.0, "control": 77.0})
    said = [s for s in conclude(plan, scores, [], {}) if "CPU time of" in s]
    assert said == ["supervised had 1.10 times the CPU time of GRPO, in no seed less."]


def test_what_is_no_number_is_left_out(plan):
    found = clear()
    found["grpo"][13] = (math.nan, 0.8)
    scores = scores_of(plan, found)
    tests = compare_pairs(plan, scores)
    assert {(p.metric, p.test.pairs) for p in tests} == {("pass@1", 5), ("pass@16", 6)}
    cells = to_csv(scores, ["pass@1"]).splitlines()
    assert cells[3].startswith("grpo,final,13,,70") and len(cells) == 19


def test_a_base_stands_before_its_arm(plan):
    found = clear()
    assert names(plan, scores_of(plan, found)) == ["grpo.base", "grpo", "control"]


def test_intervals_of_the_picture_are_those_of_scipy():
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    ours = [0.5, 0.61, 0.58, 0.7]
    mean, half = interval(ours)
    low, high = stats.t.interval(0.95, 3, statistics.fmean(ours), stats.sem(ours))
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert interval([0.3]) == (0.3, 0.0)


def test_a_long_curve_is_thinned_to_means():
    points = [(step, float(step % 2)) for step in range(1, 241)]
    few = thinned(points)
    assert len(few) == 60 and few[-1] == (240, 0.5) and few[0] == (4, 0.5)
    assert thinned(points[:50]) == points[:50]


@pytest.mark.spec("SEQ-226", "a dot a seed, each mean with its interval")
@pytest.mark.parametrize("seeds", [[11], list(NOISE)])
def test_the_picture_has_a_dot_a_seed(tmp_path, plan, seeds):
    for seed in seeds[:2]:
        run = tmp_path / f"grpo-s{seed}"
        run.mkdir()
        rows = ["step,epoch,split,loss,reward", "1,1,train,2,", "1,1,val,2,9"]
        rows += [f"{step},2,train,2,{step / 40}" for step in range(2, 41)]
        (run / "metrics.csv").write_text("\n".join(rows) + "\n")
    assert read_curve(tmp_path / f"grpo-s{seeds[0]}", "reward")[0] == (2, 0.05)
    figure = draw(plan, tmp_path, scores_of(plan, clear(seeds)))
    left, right, curve = figure.get_axes()
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [len(seeds)] * 3
    assert dots[1].get_xdata()[0] == 0.74 and left.get_xlabel() == "pass@1"
    labels = [tick.get_text() for tick in left.get_yticklabels()]
    assert labels == ["GRPO, supervised base", "GRPO", "supervised"]
    assert right.get_xlabel() == "pass@16" and curve.get_title() == "reward"
    assert len(curve.lines) == (1 if len(seeds) == 1 else 3)  # the runs, their mean
    figure.canvas.draw()


def test_an_interval_of_a_share_ends_at_0_and_1(tmp_path):
    text = STUDY.replace("[pass@1, pass@16]", "[pass@1, pass@16, length]")
    plan = plan_in(
        tmp_path, text.replace("curves", "picture: [pass@1, length]\ncurves")
    )
    some = {11: (0.0, 1.0), 12: (1.0, 9.0), 13: (0.99, 2.0)}
    scores = [
        score._replace(values={"pass@1": one, "pass@16": one, "length": length})
        for score in scores_of(plan, {"grpo": some})
        for one, length in [some[score.seed]]
    ]
    share, length = (
        axis.collections[0].get_segments()[0][:, 0]
        for axis in draw(plan, tmp_path, scores).get_axes()
    )
    assert share == pytest.approx([0, 1])
    mean, half = interval([1.0, 9.0, 2.0])
    assert length == pytest.approx([mean - half, mean + half]) and length[0] < 0


def test_no_arm_is_yellow_on_white(tmp_path):
    more = "".join(f"  arm{number}: {{}}\n" for number in range(8))
    plan = plan_in(tmp_path, STUDY + more)
    found = {name: {11: (0.5, 0.5)} for name in plan.arms}
    axis = draw(plan, tmp_path, scores_of(plan, found)).get_axes()[0]
    colors = [line.get_color() for line in axis.lines]
    assert len({*colors}) == 7 and "#F0E442" not in colors


@pytest.mark.spec("SEQ-226", "curves where a run has them")
def test_a_study_without_curves_has_two_panels(tmp_path):
    path = study_file(tmp_path, STUDY.replace("curves: [reward]\n", ""))
    plan = read_study(path)
    assert len(draw(plan, tmp_path, scores_of(plan, clear([11, 12]))).get_axes()) == 2
    many = plan_in(tmp_path, STUDY.replace("[reward]", "[entropy]"))
    assert len(draw(many, tmp_path, scores_of(many, clear([11]))).get_axes()) == 2
