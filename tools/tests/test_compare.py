"""What is said of groups of runs, and what is written."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from scipy import stats

from tools.compare import find, main
from tools.compare_text import as_csv, text
from tools.comparison import Difference, verdict
from tools.projects import ROOT
from tools.run_groups import compare_runs
from tools.tests.compared_runs import LUCK, SIX, groups, make, shifted


@pytest.mark.spec("WSP-100", "The seeds that two groups share are pairs")
def test_six_seeds_of_two_configurations_have_the_verdict_of_scipy(tmp_path):
    found = compare_runs(groups(tmp_path, SIX, shifted(0.02)))
    (one,) = found.differences
    theirs = stats.ttest_rel(shifted(0.02), SIX)
    assert one.p == one.p_holm == pytest.approx(theirs.pvalue, rel=1e-9)
    ranks = stats.wilcoxon(shifted(0.02), SIX, method="exact").pvalue
    assert one.tests == {"Wilcoxon": ranks, "permutation": 0.03125}
    assert (one.first, one.second, one.pairs, one.n) == ("A", "B", "seed", 6)
    assert one.difference == pytest.approx(0.02 + sum(LUCK) / 6)
    assert one.low < one.difference < one.high
    assert one.verdict == "B is better"
    assert [group.settings for group in found.groups] == [
        {"optim.lr": 0},
        {"optim.lr": 1},
    ]
    assert found.groups[1].values == tuple(shifted(0.02))


@pytest.mark.spec("WSP-104", "differ by luck alone are called a tie")
def test_a_planted_tie_is_called_a_tie(tmp_path, capsys):
    groups(tmp_path, SIX, shifted(0))
    assert main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "difference not shown: tie" in said and "is better (train.mode" in said
    assert said.count("is better") == 1  # which way, and of no group


@pytest.mark.spec("WSP-103", "p after Holm over all comparisons is below 0.05")
def test_better_needs_the_interval_and_the_adjusted_p(tmp_path):
    slight = shifted(0.0016)  # p = 0.19 x 1
    three = compare_runs(groups(tmp_path, SIX, shifted(0.0031), slight))
    alone, *_ = three.differences
    assert alone.p < 0.05 < alone.p_holm and alone.low > 0
    assert alone.verdict == "difference not shown: p allows a tie"
    assert all("better" not in one.verdict for one in three.differences)


def test_lower_is_better_where_the_runs_minimise(tmp_path):
    config = {"train": {"monitor": "loss", "mode": "min"}}
    for seed, (a, b) in enumerate(zip(SIX, shifted(0.02), strict=True)):
        make(tmp_path, f"a{seed}", a, seed, config=config)
        make(tmp_path, f"b{seed}", b, seed, config=config | {"model": {"width": 9}})
    (one,) = compare_runs(find([tmp_path])[0]).differences
    assert one.difference < 0 and one.verdict == "B is better"


@pytest.mark.spec("WSP-112", "end in no verdict or a tie, without a warning")
@pytest.mark.parametrize(
    "a, b, verdict",
    [
        ([0.9], [0.8], "no verdict: without spread there is no test"),
        ([0.9, 0.9, 0.9], [0.9, 0.9, 0.9], "difference not shown: tie"),
        ([0.9, 0.8, 0.7], [0.9, 0.8, 0.7], "difference not shown: tie"),
        ([0.9, 0.9, 0.9], [0.8, 0.8, 0.8], "difference not shown: p allows a tie"),
        ([0.5, 0.6], [0.7, 0.9], "difference not shown: p allows a tie"),
        (SIX, [value + 0.01 for value in SIX], "B is better"),
        ([1.0] * 7, [1.0] * 7, "difference not shown: tie"),
    ],
)
def test_few_values_and_values_without_spread(tmp_path, a, b, verdict):
    found = compare_runs(groups(tmp_path, a, b))
    assert found.differences[0].verdict.startswith(verdict)
    assert found.differences[0].verdict in text(found)


def test_no_spread_without_pairs(tmp_path):
    make(tmp_path, "x", 0.9, 7)
    make(tmp_path, "y", 0.9, 8)
    runs = [
        *groups(tmp_path, [], [0.9, 0.9]),
        *find([tmp_path / "x", tmp_path / "y"])[0],
    ]
    (one,) = compare_runs(runs).differences
    assert (one.test, one.verdict) == ("permutation", "difference not shown: tie")


def test_one_configuration_alone_has_a_mean_and_an_interval(tmp_path):
    found = compare_runs(groups(tmp_path, SIX))
    (group,) = found.groups
    assert group.mean == pytest.approx(sum(SIX) / 6)
    assert group.low < group.mean < group.high
    assert "all runs have the same settings: there is nothing to compare" in found.notes


@pytest.mark.spec("WSP-113", "`--csv`, `--json` and `--plot`")
def test_the_files_hold_what_is_printed(tmp_path, capsys):
    groups(tmp_path / "runs", SIX, shifted(0.02), SIX[:1])
    names = [tmp_path / name for name in ("c.csv", "c.json", "c.png")]
    options = [word for path in names for word in (f"--{path.suffix[1:]}", str(path))]
    options[4] = "--plot"
    assert main([str(tmp_path / "runs"), *options]) == 0, capsys.readouterr().err
    rows = list(csv.DictReader(names[0].read_text().splitlines()))
    content = json.loads(names[1].read_text(), parse_constant=pytest.fail)
    assert [row["verdict"] for row in rows] == [
        one["verdict"] for one in content["differences"]
    ]
    assert float(rows[0]["difference"]) == content["differences"][0]["difference"]
    assert (rows[1]["first"], rows[1]["first_settings"]) == ("A", "optim.lr=0")
    assert (rows[1]["second"], rows[1]["second_settings"]) == ("C", "optim.lr=2")
    assert float(rows[0]["second_mean"]) == content["groups"][1]["mean"]
    assert content["differences"][1]["p"] is None and rows[1]["p"] == ""
    assert content["groups"][0]["values"] == SIX
    assert names[2].read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "c.csv",
        "c.json",
        "c.png",
        "runs",
    ]


@pytest.mark.spec("WSP-108", "is left out with a sentence that names it")
def test_the_json_says_too_what_could_not_be_read(tmp_path, capsys):
    make(tmp_path, "a", 0.9)
    (make(tmp_path, "b", 0.9, 1) / "meta.json").write_text("{")
    assert main([str(tmp_path), "--json", str(tmp_path / "c.json")]) == 0
    (note,) = [one for one in capsys.readouterr().out.splitlines() if "damaged" in one]
    assert (
        note.removeprefix("note  ")
        in json.loads((tmp_path / "c.json").read_text())["notes"]
    )


def test_ctrl_c_is_one_word(capsys, monkeypatch):
    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.compare.find", stop)
    assert main(["x"]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_csv_of_one_group_has_the_same_first_columns(tmp_path):
    one, two = (compare_runs(groups(tmp_path, *[SIX] * n)) for n in (1, 2))
    assert as_csv(two).startswith(as_csv(one).rstrip("\n"))
    assert as_csv(one).startswith("metric,first,first_settings,first_mean,second,")


@pytest.mark.spec("WSP-113", "the picture is of the kind that its name says")
@pytest.mark.parametrize("name, begins", [("a.svg", b"<?xml"), ("a.PDF", b"%PDF")])
def test_a_picture_is_of_the_kind_that_its_name_says(tmp_path, name, begins):
    run = make(tmp_path, "a", 0.9)
    assert main([str(run), "--plot", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_picture_of_another_kind_is_refused_before_all_else(tmp_path, capsys):
    run, path = make(tmp_path, "a", 0.9), tmp_path / "a.gif"
    assert main([str(run), "--plot", str(path)]) == 2
    said = capsys.readouterr()
    assert said.err == f"--plot {path}: give a name that ends in .png, .svg, .pdf\n"
    assert not said.out and not path.exists()


def test_an_end_that_is_nearly_zero_allows_a_tie():
    one = Difference(
        "A", "B", "seed", 6, 0.1, 1e-17, 0.2, "BCa", "", 0.01, {}, {}, 0, 0.01
    )  # fmt: skip
    assert verdict(one, "higher") == "difference not shown: the interval allows a tie"
    assert verdict(replace(one, low=1e-3), "higher") == "B is better"


@pytest.mark.parametrize("option", ["--csv", "--json", "--plot"])
def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path, capsys, option):
    run = make(tmp_path, "a", 0.9)
    target = tmp_path / "none" / "file"
    assert main([str(run), option, str(target)]) == 2
    said = capsys.readouterr().err
    assert said == f"{target} cannot be written: No such file or directory\n"


@pytest.mark.spec("WSP-114", "gives the same numbers each time")
def test_a_comparison_gives_the_same_numbers_each_time(tmp_path):
    groups(tmp_path / "runs", [*SIX, 0.9, 0.91], [*shifted(0.003), 0.92, 0.9], SIX[:4])
    said = set()
    for seed in "1", "2":
        json_file = tmp_path / f"{seed}.json"
        words = ["-m", "tools.compare", tmp_path / "runs", "--json", json_file]
        subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        said.add(json_file.read_text())
    assert len(said) == 1


def test_of_many_groups_the_comparisons_with_the_first_are_shown(tmp_path):
    found = compare_runs(groups(tmp_path, *[[0.9, 0.8 + i / 100] for i in range(10)]))
    said = text(found)
    assert len(found.differences) == 45 and "J - A" in said and "C - B" not in said
    assert "with A; python -m tools compare RUN --csv FILE has all 45" in said
