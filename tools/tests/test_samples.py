"""Results by sample, as the evaluations of three sub-projects leave them."""

import json

import numpy as np
import pytest
from scipy import stats

from tools.compare import find, main
from tools.projects import WorkspaceError
from tools.run_groups import compare_runs
from tools.samples import compare_samples
from tools.tests.compared_runs import make
from tools.tests.fake import write


CLASSES = ("ring", "blob")


def scored(
    folder, name, table, *, place="test/predictions.csv", fingerprint="d", **options
):
    """A run with a CSV of its samples: a head and rows of values."""
    path = make(folder, name, 0.9, config={"model": {"name": name}})
    lines = [",".join(map(str, row)) for row in table]
    write(path / "eval" / place, "\n".join(lines) + "\n")
    write(
        path / "eval/test.json",
        json.dumps({"data_fingerprint": fingerprint, **options}),
    )
    return path


def predicted(right, truth=None):
    """predictions.csv of vision_cnn: which samples are right."""
    truth = truth or [CLASSES[i % 2] for i in range(len(right))]
    other = dict(zip(CLASSES, CLASSES[::-1], strict=True))
    rows = [
        (f"test-{i}", true, true if ok else other[true], 0.9)
        for i, (ok, true) in enumerate(zip(right, truth, strict=True))
    ]
    return [("name", "true", "predicted", "probability"), *rows]


A = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1]
B = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1]  # 9 only A has right, 1 only B


@pytest.mark.spec("WSP-110", "exact McNemar decides where they are right or wrong")
def test_right_or_wrong_is_decided_by_mcnemar(tmp_path):
    scored(tmp_path, "a", predicted(A))
    scored(tmp_path, "b", predicted(B))
    found = compare_samples(find([tmp_path])[0], "test")
    (one,) = found.differences
    assert (found.metric, found.better, one.test) == ("test:right", "higher", "McNemar")
    assert one.p == stats.binomtest(1, 10).pvalue
    assert one.difference == pytest.approx((sum(B) - sum(A)) / 15)
    assert (one.pairs, one.n, one.verdict) == ("sample", 15, "A is better")
    assert found.groups[0].settings == {"model.name": "a"}
    assert "other seeds may say something else" in found.notes[-1]


@pytest.mark.spec("WSP-110", "What runs said of the same samples")
def test_the_order_of_the_samples_does_not_matter(tmp_path, capsys):
    head, *rows = predicted(B)
    scored(tmp_path, "a", predicted(A))
    scored(tmp_path, "b", [head, *rows[::-1]])
    assert main([str(tmp_path), "--samples", "test"]) == 0
    said = capsys.readouterr().out
    assert "A is better" in said and "samples of a" in said


def test_images_with_a_score_are_paired_and_those_without_left_out(tmp_path):
    rng = np.random.default_rng(0)
    dice = rng.uniform(0.5, 0.9, (2, 30)) + [[0], [0.1]]
    for name, column in zip("ab", dice, strict=True):
        rows = [(f"i{i}", value, "inf") for i, value in enumerate(column)]
        table = [("name", "dice_fg", "hd95/ring"), *rows, ("void", "", 3.0)]
        scored(tmp_path, name, table, place="test/per_image.csv")
    found = compare_samples(find([tmp_path])[0], "test")
    (one,) = found.differences
    assert (found.metric, one.n, one.test) == ("test:dice_fg", 30, "paired t")
    assert one.p == pytest.approx(stats.ttest_rel(dice[1], dice[0]).pvalue, rel=1e-6)
    assert one.verdict == "B is better"
    assert "samples without a finite dice_fg in every run: 1, left out" in found.notes


def utterances(errors, methods=("nar",)):
    head = ("id", "reference", "method", "tokens", "substitutions", "deletions")
    rows = [
        (f"u{i}", "abc", method, 3, count, 0, 0)
        for i, count in enumerate(errors)
        for method in methods
    ]
    return [(*head, "insertions"), *rows]


def test_errors_of_utterances_are_counted_for_the_first_method(tmp_path):
    scored(
        tmp_path,
        "a",
        utterances([2, 1, 3, 0, 2, 1, 2], ("nar", "ctc")),
        place="test.csv",
    )
    scored(tmp_path, "b", utterances([0, 0, 1, 0, 1, 0, 0]), place="test.csv")
    runs = find([tmp_path])[0]
    found = compare_samples(runs, "test")
    (one,) = found.differences
    assert (found.metric, found.better) == ("test:errors", "lower")
    assert (
        one.difference == pytest.approx((2 - 11) / 7) and one.verdict == "B is better"
    )
    assert "method of search: nar" in found.notes
    assert compare_samples(runs, "test", "right").differences[0].test == "McNemar"


@pytest.mark.spec("WSP-110", "whose truth differs are refused")
def test_other_samples_of_the_same_name_are_refused(tmp_path, capsys):
    scored(tmp_path, "a", predicted(A))
    scored(tmp_path, "b", predicted(B, ["blob"] * 15))
    assert main([str(tmp_path), "--samples", "test"]) == 2
    assert "is not the same sample in a and b: true is" in capsys.readouterr().err


def test_data_of_another_fingerprint_is_said(tmp_path):
    scored(tmp_path, "a", predicted(A))
    scored(tmp_path, "b", predicted(B), fingerprint="e")
    found = compare_samples(find([tmp_path])[0], "test")
    assert any("different fingerprints" in note for note in found.notes)


@pytest.mark.spec("WSP-109", "evaluated with other options of `eval.py`")
@pytest.mark.parametrize("options", [{"tta": "flip"}, {"options": {"overlap": 0.5}}])
def test_evaluations_with_other_options_are_said(tmp_path, options):
    scored(tmp_path, "a", predicted(A), accuracy=0.5)
    scored(tmp_path, "b", predicted(B), accuracy=0.6, **options)
    runs = find([tmp_path])[0]
    for found in (compare_samples(runs, "test"), compare_runs(runs, "test:accuracy")):
        assert any("the evaluations differ in" in note for note in found.notes)


@pytest.mark.spec("WSP-110", "A run without such results is named")
@pytest.mark.parametrize(
    "table, metric, words",
    [
        (None, "", "b has no results by sample of test, which eval.py of"),
        ([("name", "true", "predicted")], "", "predictions.csv is damaged: expected a"),
        ([("x", "y"), (1, 2)], "", "predictions.csv is damaged: expected a line for"),
        (predicted(B)[:2] * 2, "", "predictions.csv is damaged: 'name' is in it twice"),
        (
            predicted(B),
            "rigth",
            "rigth is not known of each sample; did you mean right?",
        ),
        (
            [("name", "x"), ("other", 1)],
            "",
            "these runs share no sample of test with a",
        ),
    ],
)
def test_results_that_cannot_be_paired_are_one_sentence(
    tmp_path, capsys, table, metric, words
):
    scored(tmp_path, "a", predicted(A))
    if table is None:
        make(tmp_path, "b", 0.9)
    else:
        table = [table[0], *table] if words.endswith("in it twice") else table
        scored(tmp_path, "b", table)
    assert main([str(tmp_path), "--samples", "test", "--metric", metric]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_one_run_has_nothing_to_be_paired_with(tmp_path, capsys):
    assert main([str(make(tmp_path, "a", 0.9)), "--samples", "test"]) == 2
    assert "--samples compares two runs or more" in capsys.readouterr().err


def test_runs_that_are_not_done_are_left_out_and_named(tmp_path, capsys):
    for name in "abc":
        scored(tmp_path, name, predicted(A))
    for name in "bc":
        told = json.loads((tmp_path / name / "meta.json").read_text())
        write(tmp_path / name / "meta.json", json.dumps(told | {"status": "running"}))
        if name == "b":
            assert len(compare_samples(find([tmp_path])[0], "test").groups) == 2
    assert main([str(tmp_path), "--samples", "test"]) == 2
    said = capsys.readouterr().err
    assert said.endswith("give one more; b, c: not finished (running): left out\n")


def test_an_empty_cell_is_not_wrong(tmp_path):
    head, *rows = utterances([0, 1, 0, 0])
    rows[3] = (*rows[3][:4], "", 0, 0)
    scored(tmp_path, "a", [head, *rows], place="test.csv")
    scored(tmp_path, "b", utterances([1, 1, 0, 0]), place="test.csv")
    found = compare_samples(find([tmp_path])[0], "test", "right")
    assert (found.differences[0].n, found.groups[0].values) == (3, (1.0, 0.0, 1.0))


def test_the_least_p_counts_only_the_samples_that_differ(tmp_path):
    scored(tmp_path, "a", predicted(A))
    scored(tmp_path, "b", predicted(B))
    (one,) = compare_samples(find([tmp_path])[0], "test").differences
    assert one.smallest_p == 2 / 2**10 and "permutation" not in one.tests
    scored(tmp_path, "a", predicted([1] * 70))
    scored(tmp_path, "b", predicted([0] * 70))
    (one,) = compare_samples(find([tmp_path])[0], "test").differences
    assert one.smallest_p == 2 / 2**70  # too many for whole numbers of 64 bits


def test_the_first_sample_that_is_another_one_is_named(tmp_path):
    names = [f"s{i}" for i in range(40)]
    for run, true in (("a", "x"), ("b", "y")):
        rows = [(name, true, true) for name in names]
        scored(tmp_path, run, [("name", "true", "predicted"), *rows])
    with pytest.raises(WorkspaceError, match="^s0 is not the same sample in a and b"):
        compare_samples(find([tmp_path])[0], "test")
