"""What a comparison says beside its tables."""

import json
import math

import pytest

from tools.compare import find, main
from tools.run_groups import compare_runs
from tools.runs import read_run
from tools.tests.compared_runs import SIX, groups, make, shifted
from tools.tests.fake import write


def notes_of(runs, metric=""):
    return "\n".join(compare_runs(runs, metric).notes)


@pytest.mark.spec("WSP-109", "different data or different states of the code")
def test_other_data_and_other_code_are_said(tmp_path):
    make(tmp_path, "a", 0.9)
    make(tmp_path, "b", 0.8, meta={"data": "other", "git": "2"}, config={"x": 1})
    notes = notes_of(find([tmp_path])[0])
    assert "A and B: not the same data" in notes
    assert "the runs are of 2 states of the code (git in meta.json)" in notes


def test_code_that_was_not_committed_is_said(tmp_path):
    for seed in range(2):
        make(tmp_path, f"a{seed}", 0.9, seed, meta={"git": "bbc7513-dirty"})
    runs = find([tmp_path])[0]
    assert "the code of the runs was not committed" in notes_of(runs)
    assert "not committed" not in notes_of(runs[:1])


def test_data_that_the_seed_draws_is_the_same_for_both(tmp_path):
    for seed in range(3):
        told = {"data": f"d{seed}"}
        make(tmp_path, f"a{seed}", 0.9, seed, meta=told)
        make(tmp_path, f"b{seed}", 0.8, seed, meta=told, config={"x": 1})
    make(tmp_path, "a3", 0.9, 3, meta={"data": "d3"})
    assert "not the same data" not in notes_of(find([tmp_path])[0])


@pytest.mark.spec("WSP-109", "or by another checkpoint, or on other samples")
@pytest.mark.parametrize(
    "a, b, words",
    [
        ({"tta": "no"}, {"tta": "flip"}, "differ in tta (flip, no)"),
        ({}, {"options": {"tile": 64}}, "differ in tile (64, not said)"),
        ({"precision": "fp32"}, {"precision": "bf16"}, "differ in precision (bf16, f"),
        (
            {"checkpoint": "runs/latest/checkpoints/best.pt"},
            {"checkpoint": "/x/b/checkpoints/last.pt"},
            "differ in checkpoint (best.pt, last.pt)",
        ),
        ({"data_fingerprint": "1"}, {"data_fingerprint": "2"}, "not the same samples"),
        ({"images": 10}, {"images": 20}, "A and B: not the same samples (data_finger"),
        ({"checkpoint": "a/best.pt"}, {"checkpoint": "b/best.pt"}, ""),
        ({"precision": 0.5}, {"precision": 0.6}, ""),
    ],
)
def test_evaluations_that_are_not_alike_are_said(tmp_path, a, b, words):
    for name, told in (("a", a), ("b", b)):
        path = make(tmp_path, name, 0.9, config={"x": name})
        write(path / "eval/test.json", json.dumps({"accuracy": 0.5, **told}))
    notes = notes_of(find([tmp_path])[0], "test:accuracy")
    assert words in notes if words else "which may be the difference" not in notes


@pytest.mark.parametrize("same", [True, False])
def test_samples_that_the_seed_draws_are_compared_in_pairs(tmp_path, same):
    for seed in range(2):
        for name in "ab":
            path = make(tmp_path, f"{name}{seed}", 0.9, seed, config={"x": name})
            drawn = seed if same else f"{name}{1 - seed}"
            told = {"accuracy": 0.5, "data_fingerprint": f"d{drawn}"}
            write(path / "eval/test.json", json.dumps(told))
    notes = notes_of(find([tmp_path])[0], "test:accuracy")
    assert ("not the same samples" in notes) != same


def test_only_a_value_that_validation_chose_is_flattered(tmp_path):
    run = read_run(make(tmp_path, "a", 0.9))
    assert "which flatters them" in notes_of([run], "accuracy")
    assert "which flatters them" not in notes_of([run], "seconds")
    write(run.path / "summary.json", '{"best": 1, "seconds": 2}')
    assert "which flatters them" not in notes_of([read_run(run.path)], "seconds")


@pytest.mark.spec("WSP-105", "five pairs cannot go below 0.0625, six are the fewest")
def test_five_seeds_say_why_ranks_cannot_show_anything(tmp_path):
    found = compare_runs(groups(tmp_path, SIX[:5], shifted(0.02)[:5]))
    assert found.differences[0].tests["Wilcoxon"] == 0.0625
    assert found.notes[-1] == (
        "5 pairs: exact Wilcoxon and sign flips cannot go below p = 0.0625, whatever "
        "the values; 6 pairs are the fewest for 0.05"
    )
    assert "fewest" not in notes_of(groups(tmp_path, SIX, shifted(0.02)))


@pytest.mark.spec("WSP-105", "and more for a family of comparisons")
def test_a_family_of_comparisons_needs_more_pairs(tmp_path):
    found = compare_runs(groups(tmp_path, SIX, shifted(0.02), shifted(0.05)))
    assert len(found.differences) == 3
    assert found.notes[-1].startswith("6 pairs: exact")
    assert found.notes[-1].endswith(
        "6 pairs are the fewest for 0.05, 7 for 3 comparisons"
    )


def test_each_number_of_pairs_is_said_for_its_groups(tmp_path):
    notes = notes_of(groups(tmp_path, SIX, shifted(0.02), shifted(0.05)[:5]))
    assert "A and C, B and C: 5 pairs: exact Wilcoxon and sign flips cannot" in notes
    assert "A and B: 6 pairs: exact Wilcoxon and sign flips cannot" in notes


@pytest.mark.spec("WSP-105", "three values against three cannot go below 0.1")
def test_few_values_without_pairs_say_what_they_can_reach(tmp_path):
    runs = groups(tmp_path / "a", SIX[:3])
    for seed, value in enumerate(shifted(0.05)[:3], 4):
        runs.append(read_run(make(tmp_path, f"b-{seed}", value, seed)))
    assert "3 and 3 values: a permutation test cannot go below p = 0.1" in notes_of(
        runs
    )
    for seed, value in enumerate(shifted(0.05)[:2], 7):
        runs.append(read_run(make(tmp_path, f"b-{seed}", value, seed)))
    assert "a permutation test" not in notes_of(runs)


@pytest.mark.spec("WSP-105", "and more for a family of comparisons")
def test_a_family_asks_for_more_without_pairs_too(tmp_path):
    runs = groups(tmp_path / "a", SIX[:4])
    for seed, value in enumerate(SIX[:4] * 2, 10):
        config = {"x": seed // 14}
        runs.append(read_run(make(tmp_path, f"{seed}", value, seed, config=config)))
    notes = notes_of(runs)
    assert "4 and 4 values: a permutation test cannot go below p = 0.02857" in notes
    assert "whatever the values; 3 comparisons need less than 0.01667" in notes


@pytest.mark.spec("WSP-109", "different data")
def test_one_shared_seed_does_not_speak_for_the_data_of_the_others(tmp_path):
    for name, seeds in (("a", (0, 1)), ("b", (0, 2))):
        for seed in seeds:
            meta = {"data": "other" if (name, seed) == ("b", 2) else "d"}
            make(tmp_path, f"{name}{seed}", 0.9, seed, config={"x": name}, meta=meta)
    notes = notes_of(find([tmp_path])[0])
    assert "only one seed in common" in notes and "not the same data" in notes


def test_each_evaluation_is_read_once_for_its_samples(tmp_path, monkeypatch):
    asked = []

    def told(run, source):
        asked.append(run.name)
        return {}

    monkeypatch.setattr("tools.compare_notes.evaluated_on", told)
    for x in range(3):
        make(tmp_path, f"a{x}", 0.9, config={"x": x}, test=0.5)
    notes_of(find([tmp_path])[0], "test:accuracy")
    assert sorted(asked) == ["a0", "a1", "a2"]


def test_comparisons_without_pairs_are_of_the_family_too(tmp_path):
    runs = groups(tmp_path / "a", SIX, shifted(0.02))
    for seed, value in enumerate(SIX, 10):
        runs.append(read_run(make(tmp_path, f"c-{seed}", value, seed)))
    notes = notes_of(runs)
    assert "A and B: 6 pairs" in notes and "7 for 3 comparisons" in notes


def test_one_pair_is_told_what_to_do(tmp_path, capsys):
    groups(tmp_path, SIX[:1], SIX[1:2])
    assert main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "one pair has no spread: train more seeds" in said
    assert math.isnan(compare_runs(find([tmp_path])[0]).differences[0].p)
