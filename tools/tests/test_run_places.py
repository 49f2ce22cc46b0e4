"""Runs of one group that were made in other places, or at another speed."""

import json

import pytest

from tools.compare import find
from tools.run_groups import compare_runs
from tools.tests.compared_runs import make
from tools.tests.fake import write


@pytest.mark.spec("WSP-100", "make no other group, but for times")
@pytest.mark.parametrize("name", ["seconds", "cpu_seconds", "rtf", "nar.rtfx"])
def test_a_time_of_an_evaluation_is_a_time_too(tmp_path, name):
    for workers in (0, 8):
        config = {"data": {"workers": workers}}
        path = make(tmp_path, f"a{workers}", 0.9, config=config)
        outer, _, inner = name.rpartition(".")
        told = {inner: 1.0 + workers}
        write(path / "eval/test.json", json.dumps({outer: told} if outer else told))
    found = compare_runs(find([tmp_path])[0], f"test:{name}")
    assert [group.values for group in found.groups] == [(1.0,), (9.0,)]
    assert not any("repeats" in note for note in found.notes)


@pytest.mark.spec("WSP-100", "`root` of the same data")
def test_one_run_with_the_same_data_admits_no_other_data(tmp_path):
    there = [("x", "1"), ("x", "1"), ("y", "1"), ("y", "2"), ("x", "1"), ("y", "1")]
    for seed, (root, data) in enumerate(there):
        config, meta = {"data": {"root": root}}, {"data": data}
        make(tmp_path, f"a{seed}", 0.9, seed, config=config, meta=meta)
    found = compare_runs(find([tmp_path])[0])
    assert [group.units for group in found.groups] == [(0, 1, 2, 4, 5), (3,)]
    assert any("not the same data (`data` in meta.json)" in one for one in found.notes)


def test_a_run_of_the_same_seed_says_whether_the_data_is_the_same(tmp_path):
    for root, seed in (("x", 0), ("x", 1), ("y", 1)):
        config, meta = {"data": {"root": root}}, {"data": f"drawn by {seed}"}
        make(tmp_path, f"{root}{seed}", 0.9, seed, config=config, meta=meta)
    found = compare_runs(find([tmp_path])[0])
    assert [group.units for group in found.groups] == [(0, 1)]
    assert any("y1 repeats" in note for note in found.notes)


def test_a_fold_that_is_no_number_is_a_setting(tmp_path):
    config = {"data": {"fold": [1], "folds": 5}}
    found = compare_runs([*find([make(tmp_path, "a", 0.9, config=config)])[0]])
    assert found.groups[0].units == (0,)
