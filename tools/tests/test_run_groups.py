"""Which runs are compared with which, by which number, and what is refused."""

import json
import math

import pytest
from scipy import stats

from tools.compare import find, main
from tools.projects import WorkspaceError
from tools.run_groups import compare_runs
from tools.run_values import direction
from tools.runs import read_run
from tools.tests.compared_runs import SIX, groups, make, shifted
from tools.tests.fake import write


@pytest.mark.spec("WSP-100", "groups that share none, or one of several in each")
def test_other_seeds_are_compared_without_pairs(tmp_path):
    groups(tmp_path / "a", SIX)
    for seed, value in enumerate(shifted(0.05)[:4], 5):
        make(tmp_path / "b", f"b-{seed}", value, seed)
    found = compare_runs(find([tmp_path / "a", tmp_path / "b"])[0])
    (one,) = found.differences
    theirs = stats.ttest_ind(shifted(0.05)[:4], SIX, equal_var=False)
    assert (one.pairs, one.test) == ("", "Welch t")
    assert one.p == pytest.approx(theirs.pvalue, rel=1e-9)
    notes = "\n".join(found.notes)
    assert "only one seed in common, so they are compared without pairs" in notes


@pytest.mark.spec("WSP-100", "The seeds that two groups share are pairs")
def test_seeds_that_are_shared_in_part_keep_their_pairs(tmp_path):
    groups(tmp_path / "a", SIX)
    for seed, value in zip((0, 1, 2, 3, 9), shifted(0.02), strict=False):
        make(tmp_path / "b", f"b-{seed}", value, seed)
    found = compare_runs(find([tmp_path / "a", tmp_path / "b"])[0])
    (one,) = found.differences
    assert (one.pairs, one.n, one.test) == ("seed", 4, "paired t")
    theirs = stats.ttest_rel(shifted(0.02)[:4], SIX[:4])
    assert one.p == pytest.approx(theirs.pvalue, rel=1e-9)
    notes = "\n".join(found.notes)
    assert "a seed that only one of them has is not in the difference" in notes
    assert "without pairs" not in notes


@pytest.mark.spec(
    "WSP-100", "A seed that one of them lacks is left out of the difference"
)
def test_a_seed_without_a_partner_is_left_out(tmp_path):
    found = compare_runs(groups(tmp_path, SIX, shifted(0.02)[:5]))
    assert (found.differences[0].n, len(found.groups[0].values)) == (5, 6)
    assert (
        "A and B: a seed that only one of them has is not in the difference"
        in found.notes
    )


@pytest.mark.spec("WSP-106", "the value at the chosen checkpoint")
@pytest.mark.parametrize(
    "metric, value",
    [("", 0.9), ("loss", 0.1), ("test:accuracy", 0.8), ("seconds", 2.5)],
)
def test_what_the_name_of_a_metric_means(tmp_path, metric, value):
    run = read_run(make(tmp_path, "a", 0.9, test=0.8))
    (group,) = compare_runs([run], metric).groups
    assert group.values == pytest.approx((value,))


@pytest.mark.spec("WSP-106", "the value at the chosen checkpoint")
def test_a_number_of_the_end_is_not_that_of_the_chosen_checkpoint(tmp_path):
    path = make(tmp_path, "a", 0.9)
    told = {"loss": 7.0, "best": {"loss": 0.25}}
    write(path / "summary.json", json.dumps(told))
    assert compare_runs([read_run(path)], "loss").groups[0].values == (0.25,)


@pytest.mark.spec("WSP-106", "is refused with the nearest name")
@pytest.mark.parametrize(
    "metric, words",
    [
        ("acuracy", "did you mean accuracy? known: accuracy, loss, seconds"),
        ("test:acuracy", "acuracy is in no eval/test.json of these runs; did you mean"),
        ("test:rihgt", "did you mean parts.right?"),
        ("grad_norm", "grad_norm is only in metrics.csv: a curve, and no result of"),
        ("val:accuracy", "a has no eval/val.json; make it by: python scripts/eval.py"),
    ],
)
def test_a_metric_that_no_run_has_is_refused(tmp_path, capsys, metric, words):
    path = make(tmp_path, "a", 0.9, test=0.8)
    assert main([str(path), "--metric", metric]) == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and not said.out


@pytest.mark.spec(
    "WSP-107", "`--better`, by `train.mode` of the runs that watch the metric"
)
@pytest.mark.parametrize(
    "metric, stated, answer",
    [
        ("accuracy", "", ("higher", "train.mode=max of the runs")),
        ("test:accuracy", "", ("higher", "train.mode=max of the runs")),
        ("accuracy", "lower", ("lower", "as stated")),
        ("test:macro_f1", "", ("higher", "by its name")),
        ("iou/ring", "", ("higher", "by its name")),
        ("test:methods.nar.tokens.rate", "", ("lower", "by its name")),
        ("tokens.rate", "", ("lower", "by its name")),
        ("hit_rate", "", None),
        ("success_rate", "", None),
        ("cpu_seconds", "", ("lower", "by its name")),
        ("steps_per_second", "", ("higher", "by its name")),
        ("temperature", "", None),
        ("accuracy_loss", "", None),
    ],
)
def test_which_way_is_better_is_known_or_asked_for(tmp_path, metric, stated, answer):
    run = read_run(make(tmp_path, "a", 0.9))
    if answer:
        assert direction([run], metric, stated) == answer
    else:
        with pytest.raises(
            WorkspaceError, match="add --better higher or --better lower"
        ):
            direction([run], metric, stated)


def test_a_table_tells_which_way_is_better_and_why(tmp_path, capsys):
    path = make(tmp_path, "a", 0.9)
    main([str(path), "--better", "lower"])
    assert capsys.readouterr().out.startswith("accuracy: lower is better (as stated)\n")


@pytest.mark.spec("WSP-108", "is left out with a sentence that names it")
def test_runs_that_cannot_be_compared_are_left_out_and_named(tmp_path):
    make(tmp_path, "good", 0.9)
    make(tmp_path, "running", 0.9, 1, meta={"status": "running"})
    make(tmp_path, "lost", 0.9, 2, best={"accuracy": None, "loss": 1.0})
    make(tmp_path, "without", 0.9, 3, best={"loss": 1.0})
    make(tmp_path, "far", 0.9, 4, best={"accuracy": -math.inf})
    empty = make(tmp_path, "empty", 0.9, 5)
    (empty / "summary.json").unlink()
    broken = make(tmp_path, "broken", 0.9, 6)
    (broken / "meta.json").write_text('{"status": "do')
    make(tmp_path, "twice", 0.8, 0, meta={"start": "2026-01-02"})
    runs, damaged = find([tmp_path])
    found = compare_runs(runs)
    assert found.groups[0].values == (0.9,)
    notes = "\n".join(found.notes)
    assert "empty: done, but without a summary.json: left out" in notes
    (said,) = damaged
    assert said.startswith(f"{broken}/meta.json is damaged: Unterminated string")
    assert said.endswith("; the run is left out")
    assert "running: not finished (running): left out" in notes
    assert "lost, far: accuracy is no finite number: left out, which makes" in notes
    assert "without: no accuracy: left out" in notes
    assert f"{tmp_path}/twice repeats {tmp_path}/good: left out" in notes


@pytest.mark.spec("WSP-108", "is left out with a sentence that names it")
@pytest.mark.parametrize(
    "change, words",
    [
        (
            {"meta": {"status": "stopped"}},
            "a: not finished (stopped): left out",
        ),
        ({"best": {"accuracy": None}}, "accuracy is a finite number in none of these"),
        ({"best": {"accuracy": math.inf}}, "accuracy is a finite number in none of"),
    ],
)
def test_nothing_left_is_an_error(tmp_path, capsys, change, words):
    assert main([str(make(tmp_path, "a", 0.9, **change))]) == 2
    assert words in capsys.readouterr().err


def test_runs_that_watch_different_metrics_need_a_name(tmp_path, capsys):
    make(tmp_path, "a", 0.9)
    make(tmp_path, "b", 0.8, config={"train": {"monitor": "loss", "mode": "min"}})
    assert main([str(tmp_path)]) == 2
    assert "these runs watch accuracy and loss: name one" in capsys.readouterr().err
    assert main([str(tmp_path), "--metric", "accuracy"]) == 0


@pytest.mark.spec("WSP-106", "The time of a run that was resumed is not known")
@pytest.mark.parametrize("metric", ["seconds", "cpu_seconds", "steps_per_second"])
def test_the_time_of_a_resumed_run_is_not_known(tmp_path, metric):
    for seed, since in enumerate((0, 5)):
        path = make(tmp_path, f"a{seed}", 0.9, seed)
        told = {"best": {}, metric: 9.0 - since, "since_step": since}
        write(path / "summary.json", json.dumps(told))
    found = compare_runs(find([tmp_path])[0], metric)
    assert found.groups[0].values == (9.0,)
    assert f"a1: no {metric}: left out (a resumed run knows the time" in found.notes[0]


@pytest.mark.spec("WSP-100", "Settings that say only where and how fast a run was made")
def test_settings_of_another_machine_are_no_other_experiment(tmp_path):
    for seed, value in enumerate(SIX):
        here = {"root": "/mine", "cache": "c", "workers": 0}
        away = {"root": "/theirs", "cache": "", "workers": 8}
        data = {"data": here if seed < 3 else away}
        make(tmp_path, f"a{seed}", value, seed, config=data)
    found = compare_runs(find([tmp_path])[0])
    assert [group.values for group in found.groups] == [tuple(SIX)]
    assert found.notes[0] == (
        "runs of one group differ in data.root and data.cache and data.workers, which "
        "says where and how fast they ran, and not what was trained"
    )
    times = compare_runs(find([tmp_path])[0], "seconds")
    assert [len(group.values) for group in times.groups] == [3, 3]


def test_another_place_with_other_data_is_another_experiment(tmp_path):
    for seed in range(3):
        for name in "ab":
            config, told = {"data": {"root": name}}, {"data": f"of {name}"}
            make(tmp_path, f"{name}{seed}", 0.9, seed, config=config, meta=told)
    found = compare_runs(find([tmp_path])[0])
    assert [group.settings for group in found.groups] == [
        {"data.root": "a"},
        {"data.root": "b"},
    ]
    assert not any("repeats" in note for note in found.notes)


def test_numbers_that_are_equal_are_one_setting(tmp_path):
    for seed, value in enumerate([1, 1.0, [1.0], [1], True]):
        make(tmp_path, f"a{seed}", 0.9, seed, config={"x": value})
    found = compare_runs(find([tmp_path])[0])
    assert [group.settings["x"] for group in found.groups] == [1, [1.0], True]
    assert [len(group.values) for group in found.groups] == [2, 2, 1]
    for y, value in enumerate([1, 1.0]):
        make(tmp_path / "two", f"b{y}", 0.9, config={"x": value, "y": y})
    found = compare_runs(find([tmp_path / "two"])[0])
    assert [group.settings for group in found.groups] == [{"y": 0}, {"y": 1}]


@pytest.mark.spec("WSP-108", "Runs of two sub-projects are refused")
@pytest.mark.parametrize("option", [[], ["--samples", "test"]])
def test_runs_of_two_sub_projects_are_refused(tmp_path, capsys, option):
    make(tmp_path / "far", "x", 0.9)
    for name in ("alpha", "beta"):
        write(tmp_path / name / "src/__init__.py", "")
        make(tmp_path / name / "runs", "x", 0.9)
    assert main([str(tmp_path), *option]) == 2
    said = capsys.readouterr().err
    assert "runs of alpha and beta: compare one sub-project at a time" in said
    if not option:
        assert main([str(tmp_path / "alpha"), str(tmp_path / "far")]) == 0
