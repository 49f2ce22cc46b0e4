"""Folds: which of them are pairs, and what they are tested by."""

import math

import pytest
from scipy import stats

from tools.compare_text import text
from tools.run_groups import compare_runs
from tools.runs import read_run
from tools.tests.compared_runs import LUCK, SIX, make, shifted


def divided(folder, name, values, folds, first=0):
    """A run for each seed (row) and fold (column) of the values."""
    paths = []
    for seed, row in enumerate(values):
        for fold, value in enumerate(row, first):
            part = {"folder": {"fold": fold, "folds": folds}}
            config = {"data": part, "name": name}
            paths.append(
                make(folder, f"{name}-{seed}-{fold}", value, seed, config=config)
            )
    return [read_run(path) for path in paths]


def two(folder, seeds, folds):
    """Groups a and b, b begun in another order, and their differences by seed."""
    d = [
        [0.02 + LUCK[(seed + 3 * fold) % 6] + 0.001 * fold for fold in range(folds)]
        for seed in range(seeds)
    ]
    a = [[SIX[fold] + 0.01 * seed for fold in range(folds)] for seed in range(seeds)]
    b = [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(a, d, strict=True)]
    runs = [*divided(folder, "a", a, folds), *divided(folder, "b", b, folds)[::-1]]
    return runs, d


@pytest.mark.spec("WSP-111", "5 seeds of 2 folds are tested by the 5x2 F of Alpaydin")
def test_five_seeds_of_two_folds_are_tested_by_five_by_two(tmp_path):
    runs, d = two(tmp_path, 5, 2)
    # Another order of the runs may not tear a seed's folds apart.
    found = compare_runs([*runs[7:], *runs[:7]], better="higher")
    (one,) = found.differences
    within = sum((x - y) ** 2 / 2 for x, y in d)

    def p(shift):
        f = sum((x + shift) ** 2 for row in d for x in row) / (2 * within)
        return stats.f.sf(f, 10, 5)

    assert (one.test, one.interval, one.pairs, one.n) == ("5x2cv F",) * 2 + ("fold", 10)
    sign = math.copysign(1, one.difference)
    assert one.p == pytest.approx(p(0), rel=1e-6)
    ends = [p(-sign * end) for end in (one.low, one.high)]
    assert ends == pytest.approx([0.05, 0.05], rel=1e-6)  # what the test inverts
    assert "seeds 0-4 x 2 folds" in text(found) and len(found.groups) == 2


@pytest.mark.spec("WSP-111", "others by the corrected t")
@pytest.mark.parametrize("seeds, folds", [(1, 4), (3, 2), (5, 4)])
def test_other_folds_are_tested_by_the_corrected_t(tmp_path, seeds, folds):
    runs, d = two(tmp_path, seeds, folds)
    (one,) = compare_runs(runs).differences
    n, flat = seeds * folds, [x for row in d for x in row]
    factor = math.sqrt((1 / n) / (1 / n + 1 / (folds - 1)))
    t = stats.ttest_1samp(flat, 0).statistic * factor
    assert (one.test, one.n) == ("corrected t", n)
    assert one.p == pytest.approx(2 * stats.t.sf(t, n - 1), rel=1e-6)
    half = stats.t.ppf(0.975, n - 1) * one.difference / t
    assert one.high - one.difference == pytest.approx(half, rel=1e-6)


def test_folds_that_floats_tell_apart_are_a_tie(tmp_path):
    runs = divided(tmp_path, "a", [[0.3, 0.3, 0.3]], 3)
    runs += divided(tmp_path, "b", [[0.1 + 0.2] * 3], 3)
    (one,) = compare_runs(runs).differences
    assert (one.p, one.verdict) == (1.0, "difference not shown: tie")


def test_folds_without_spread_ask_for_more_folds(tmp_path):
    runs = divided(tmp_path, "a", [[0.3, 0.3, 0.3]], 3)
    runs += divided(tmp_path, "b", [[0.4, 0.4, 0.4]], 3)
    (one,) = (found := compare_runs(runs)).differences
    assert one.verdict.endswith("there is no test; take more folds")
    assert "seed 0 x 3 folds " in text(found)


def test_repetitions_that_disagree_leave_no_interval(tmp_path):
    runs = divided(tmp_path, "a", [[0.5, 0.5]] * 5, 2)
    far = [[0.1, 0.11], [0.9, 0.91], [0.2, 0.21], [0.8, 0.81], [0.5, 0.51]]
    (one,) = compare_runs(runs + divided(tmp_path, "b", far, 2)).differences
    assert one.p < 0.05 and math.isnan(one.low)
    assert one.verdict == "no verdict: without an interval nothing is called better"


@pytest.mark.spec("WSP-111", "of one number of parts are pairs")
def test_one_group_of_folds_leaves_the_seeds_of_others_as_they_are(tmp_path):
    values = {"c": SIX, "d": shifted(0.02)}
    runs = [
        run
        for name, some in values.items()
        for run in divided(tmp_path, name, [[value] for value in some], 0)
    ]
    alone = compare_runs(runs)
    runs += divided(tmp_path, "e", [[0.5, 0.6, 0.7, 0.8, 0.9]], 5)
    found = compare_runs(runs)
    assert found.differences[0] == alone.differences[0]
    assert found.differences[0].test == "paired t"
    theirs = stats.ttest_rel(shifted(0.02), SIX).pvalue
    assert found.differences[0].p == pytest.approx(theirs, rel=1e-9)
    for one, some in zip(found.differences[1:], values.values(), strict=True):
        assert one.verdict == "no verdict: no fold in common, so there is no test"
        assert one.difference == pytest.approx(0.7 - sum(some) / 6)
    assert any("A and C, B and C: no fold in common" in note for note in found.notes)


@pytest.mark.spec("WSP-111", "without a fold in common have no verdict")
def test_a_fold_of_five_is_not_that_of_ten(tmp_path):
    runs = divided(tmp_path, "a", [[0.5, 0.6, 0.7]], 5)
    runs += divided(tmp_path, "b", [[0.6, 0.7, 0.8]], 10)
    (one,) = compare_runs(runs).differences
    assert (one.n, one.p_holm == one.p_holm) == (0, False)


def test_seeds_of_one_fold_are_pairs_of_seeds(tmp_path):
    runs = divided(tmp_path, "a", [[value] for value in SIX], 10)
    runs += divided(tmp_path, "b", [[value] for value in shifted(0.02)], 10)
    (one,) = (found := compare_runs(runs)).differences
    assert (one.test, one.pairs, one.n) == ("paired t", "seed", 6)
    assert "seeds 0-5 " in text(found)
    other = divided(tmp_path, "c", [[value] for value in SIX], 5)
    found = compare_runs([*runs[:6], *other])
    assert (found.differences[0].test, found.differences[0].pairs) == ("Welch t", "")
    assert any("other parts of the data, so they are" in note for note in found.notes)


def test_the_folds_that_one_group_has_more_are_left_out(tmp_path):
    runs = divided(tmp_path, "a", [[0.5, 0.6], [0.7, 0.9], [0.6, 0.7]], 5)
    runs += divided(tmp_path, "b", [[0.6], [0.9], [0.7], [0.4]], 5)
    (one,) = compare_runs(runs).differences
    assert (one.test, one.n) == ("paired t", 3)
    assert one.difference == pytest.approx((0.1 + 0.2 + 0.1) / 3)


@pytest.mark.parametrize("folds", [None, "all", True])
def test_a_setting_that_is_no_number_of_parts_is_a_setting(tmp_path, folds):
    runs = divided(tmp_path, "a", [[0.5, 0.6]], folds)
    found = compare_runs(runs)
    assert [g.settings for g in found.groups] == [
        {"data.folder.fold": 0},
        {"data.folder.fold": 1},
    ]
