"""Tables and curves of the page against what benches, studies and the README say."""

import json
import re
import shutil

import pytest

from src.app.curves import LONGEST, Curves, kept
from src.app.evolution import Evolution
from src.app.published import ROOT, published, readme_figures
from src.evolution.rates import read_rates
from src.evolution.study_scores import read_curve
from src.utils.errors import InputError
from tests.app_results import bench, small_study


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of runs with a bench, and what that found."""
    folder = tmp_path_factory.mktemp("evolution")
    return folder / "runs", bench(folder, folder / "runs")


@pytest.mark.spec("SEQ-250", "the figures of its results.json")
def test_a_bench_is_shown_with_its_figures_and_every_curve(made):
    runs, results = made
    table = Evolution(runs).table("bench")
    shown = [(row["name"], row["recipe"]) for row in table["rows"]]
    assert shown == [(row.entry, row.recipe) for row in results.rows]
    for row, known in zip(table["rows"], results.rows, strict=True):
        assert row["values"]["bpb"] == known.bpb and row["values"]["sd"] == known.sd
        assert row["values"]["peak_mb"] == known.peak_bytes / 1e6
    curves = table["curves"]["bpb, validation"]
    assert len(curves) == len(results.runs) == 9
    for curve, run in zip(curves, results.runs, strict=True):
        assert (curve["seed"], curve["x"]["steps"]) == (run.seed, [2, 4])
        known = [
            (round(x), y) for x, y in zip(curve["x"]["tokens"], curve["y"], strict=True)
        ]
        assert known == [(tokens, pytest.approx(bpb)) for tokens, bpb in run.curve]
        per_second = run.tokens_per_cpu_second
        assert curve["x"]["seconds"] == [tokens / per_second for tokens, _ in run.curve]
    assert "loss, training" in table["curves"]


def test_a_bench_without_its_runs_has_the_curves_of_its_results(made, tmp_path):
    runs, results = made
    (tmp_path / "bench").mkdir()
    shutil.copy(runs / "bench" / "results.json", tmp_path / "bench")
    table = Evolution(tmp_path).table("bench")
    (metric,) = table["curves"]
    assert metric == "bpb, validation" and table["axes"] == ["tokens", "seconds"]
    assert len(table["curves"][metric]) == len(results.runs)


@pytest.mark.spec("SEQ-250", "an arm of a study with its stage")
def test_a_study_has_a_row_for_each_arm_and_stage(tmp_path, monkeypatch):
    content = small_study(tmp_path, tmp_path / "runs", monkeypatch)
    table = Evolution(tmp_path / "runs").table("study-stub")
    names = [f"{row['name']}.{row['recipe']}" for row in table["rows"]]
    assert names == ["grpo.base", "grpo.final", "control.final"]
    for row, known in zip(table["rows"], content["rows"], strict=True):
        for metric, found in known["metrics"].items():
            assert row["values"][metric] == found["mean"]
            assert row["values"][f"± {metric}"] == found["sd"]
    for curve in table["curves"]["reward, training"]:
        arm = ("grpo", "grpo", "control")[curve["row"]]
        run = tmp_path / f"runs/study-stub/{arm}-s{curve['seed']}"
        known = read_curve(run, "reward")
        assert list(zip(curve["x"]["steps"], curve["y"], strict=True)) == known
        assert table["axes"] == ["steps", "seconds"]


@pytest.mark.spec("SEQ-251", "the table of the README")
def test_the_published_table_is_that_of_the_readme_and_of_the_sweep(tmp_path):
    table = Evolution(tmp_path / "nothing").start()["table"]
    rows = {(r["name"], r["recipe"]): r["values"] for r in table["rows"]}
    text = (ROOT / "README.md").read_text("utf-8")
    line = next(one for one in text.splitlines() if one.startswith("| GRU 2014"))
    numbers = [float(n.replace(",", "")) for n in re.findall(r"\d[\d.,]*\d", line)]
    _, parameters, era, sd, modern, other, slow, fast, peak = numbers
    assert rows["GRU 2014", "2015"] == {
        "bpb": era, "sd": sd, "tokens_per_cpu_second": slow, "parameters": parameters,
        "peak_mb": peak,
    }  # fmt: skip
    assert rows["GRU 2014", "modern"]["bpb"] == modern
    assert rows["GRU 2014", "modern"]["sd"] == other
    assert rows["GRU 2014", "modern"]["tokens_per_cpu_second"] == fast
    assert len(rows) == 18 and all("bpb" in values for values in rows.values())
    swept = read_rates(ROOT / "configs" / "evolve_small.rates.csv")
    (curves,) = table["curves"].values()
    assert sum(len(curve["y"]) for curve in curves) == len(swept)
    assert {y for curve in curves for y in curve["y"]} == {t.bpb for t in swept}


def test_single_runs_have_their_last_validation(made):
    table = Evolution(made[0] / "bench").table("single runs")
    values = {row["name"]: row["values"] for row in table["rows"]}
    assert values["rnn-old-s1"]["bpb"] == pytest.approx(3.01)
    assert values["rnn-old-s1"]["parameters"] == 3000
    assert len(values) == 9


@pytest.mark.spec("SEQ-251", "is refused by its name")
@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"bench": 1}', '{"study": "x", "rows": 3}']
)
def test_a_damaged_result_is_a_sentence(tmp_path, text):
    folder = tmp_path / "evolve-x"
    folder.mkdir()
    (folder / "results.json").write_text(text)
    with pytest.raises(InputError, match="evolve-x.*write it again") as error:
        Evolution(tmp_path).table("evolve-x")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="is no table here; there is evolve-x"):
        Evolution(tmp_path).table("../evolve-x")
    start = Evolution(tmp_path).start()  # the others can be read
    assert [start["source"], start["sources"][0][0]] == ["published", "evolve-x"]


def test_without_runs_and_files_there_is_a_command(tmp_path):
    panel = Evolution(tmp_path, tmp_path)
    with pytest.raises(InputError, match=r"scripts/evolve\.py --config"):
        panel.start()
    assert panel.exported() == [] and published(tmp_path) is None
    assert readme_figures(tmp_path / "README.md") == {}


def test_long_curves_keep_their_ends_and_numbers_alone(tmp_path):
    places = kept(1000)
    assert len(places) == LONGEST and (places[0], places[-1]) == (0, 999)
    assert kept(3) == [0, 1, 2]
    rows = ["step,epoch,split,loss", "1,1,train,2.5", "2,1,train,nan", "3,1,train,"]
    (tmp_path / "metrics.csv").write_text("\n".join(rows) + "\n")
    curves = Curves()
    assert curves.add_run(tmp_path, 0, 1, tokens=8.0)
    (curve,) = curves.found["loss, training"]
    assert curve["y"] == [2.5] and curve["x"] == {"steps": [1], "tokens": [8.0]}
    (tmp_path / "metrics.csv").write_text("no table")
    assert not curves.add_run(tmp_path, 0, 1)
    json.dumps(curves.found)
