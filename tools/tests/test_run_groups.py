"""Which runs are compared with which, by which number, and what is refused."""

import pytest
from scipy import stats

from tools.compare import compare_runs, find, main
from tools.projects import WorkspaceError
from tools.run_values import direction
from tools.runs import read_run
from tools.tests.compared_runs import SIX, groups, make, shifted


@pytest.mark.spec("WSP-100", "groups with other seeds are compared without pairs")
def test_other_seeds_are_compared_without_pairs(tmp_path):
    groups(tmp_path / "a", SIX)
    for seed, value in enumerate(shifted(0.05)[:4], 4):
        make(tmp_path / "b", f"b-{seed}", value, seed)
    found = compare_runs(find([tmp_path / "a", tmp_path / "b"])[0])
    (one,) = found.differences
    theirs = stats.ttest_ind(shifted(0.05)[:4], SIX, equal_var=False)
    assert (one.pairs, one.test) == ("", "Welch t")
    assert one.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert any("compared without pairs" in note for note in found.notes)


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
    make(tmp_path, "twice", 0.8, 0, meta={"start": "2026-01-02"})
    found = compare_runs(find([tmp_path])[0])
    assert found.groups[0].values == (0.9,)
    notes = "\n".join(found.notes)
    assert "running: not finished (running): left out" in notes
    assert "lost: accuracy is no finite number: left out, which makes what" in notes
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
    ],
)
def test_nothing_left_is_an_error(tmp_path, capsys, change, words):
    assert main([str(make(tmp_path, "a", 0.9, **change))]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.spec("WSP-109", "different data or different states of the code")
def test_other_data_and_other_code_are_said(tmp_path):
    make(tmp_path, "a", 0.9)
    make(tmp_path, "b", 0.8, meta={"data": "other", "git": "2"}, config={"x": 1})
    notes = compare_runs(find([tmp_path])[0]).notes
    assert any("A and B: not the same data" in note for note in notes)
    assert "the runs are of 2 states of the code (git in meta.json)" in notes


def test_data_that_the_seed_draws_is_the_same_for_both(tmp_path):
    for seed in range(3):
        told = {"data": f"d{seed}"}
        make(tmp_path, f"a{seed}", 0.9, seed, meta=told)
        make(tmp_path, f"b{seed}", 0.8, seed, meta=told, config={"x": 1})
    make(tmp_path, "a3", 0.9, 3, meta={"data": "d3"})
    notes = compare_runs(find([tmp_path])[0]).notes
    assert not any("not the same data" in note for note in notes)


def test_places_without_a_run_are_named(tmp_path, capsys):
    path = make(tmp_path, "a", 0.9)
    (tmp_path / "cache").mkdir()
    (tmp_path / "latest").symlink_to("a")
    assert main([*map(str, sorted(tmp_path.iterdir()))]) == 0
    said = capsys.readouterr().out
    assert f"note  {tmp_path}/cache holds no run" in said and "repeats" not in said
    assert main([str(tmp_path / "cache")]) == 2
    assert main([str(path), str(tmp_path / "b")]) == 2
    assert "b is not there" in capsys.readouterr().err


def test_runs_that_watch_different_metrics_need_a_name(tmp_path, capsys):
    make(tmp_path, "a", 0.9)
    make(tmp_path, "b", 0.8, config={"train": {"monitor": "loss", "mode": "min"}})
    assert main([str(tmp_path)]) == 2
    assert "these runs watch accuracy and loss: name one" in capsys.readouterr().err
    assert main([str(tmp_path), "--metric", "accuracy"]) == 0
