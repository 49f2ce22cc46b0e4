"""A bench as its file says it: sizes, rates, what is refused."""

import pytest

from src.evolution.evolve import make_jobs, what_would_run
from src.evolution.plan import merge, read_plan
from src.evolution.rates import Tried, rates_file, read_rates, write_rates
from src.training.task import Config
from src.utils.config import from_dict
from src.utils.errors import InputError
from tests.evolution_stub import BENCH, plan_in


@pytest.mark.spec("SEQ-114", "within the tolerance of the budget")
def test_all_models_have_the_same_number_of_parameters(tmp_path):
    plan = plan_in(tmp_path)
    assert [pair.name for pair in plan.pairs] == [
        "rnn-old", "rnn-modern", "gpt_2025-modern",
    ]  # fmt: skip
    for pair in plan.pairs:
        assert abs(pair.parameters - 3000) <= 0.05 * 3000
        assert pair.tokens == 2 * 8 * 8
        config = from_dict(Config, pair.config)
        assert config.model.name == pair.entry
    assert plan.pairs[0].config["optim"] == {"name": "sgd", "lr": 0.5}


@pytest.mark.spec("SEQ-118", "The rate of a pair is the best that was tried")
def test_the_best_rate_of_a_sweep_is_taken(tmp_path):
    plan = plan_in(tmp_path)
    tried = [
        Tried("rnn", "old", 0.25, 2.5, 0.5), Tried("rnn", "old", 0.125, 2.1, 0.5),
        Tried("rnn", "modern", 0.04, 2.2, 1.0), Tried("rnn", "modern", 0.08, 2.1, 0.5),
        Tried("gone", "old", 9.0, 0.1, 0.5),
    ]  # fmt: skip
    write_rates(rates_file(tmp_path / "evolve_stub.yaml"), tried)
    again = plan_in(tmp_path)
    rates = [pair.config["optim"]["lr"] for pair in again.pairs]
    assert rates == [0.125, 0.04, plan.pairs[2].config["optim"]["lr"]]
    assert sorted(again.swept) == sorted(tried)


def test_a_table_that_is_none(tmp_path):
    path = tmp_path / "x.rates.csv"
    path.mkdir()
    said = "x.rates.csv: no table of entry,recipe,lr,bpb"
    with pytest.raises(InputError, match=said):
        read_rates(path)
    path.rmdir()
    header = "entry,recipe,lr,bpb,share\n"
    for text in ("entry,recipe,rate\nrnn,old,1\n", f"{header}{'x' * 200_000}\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            read_rates(path)


@pytest.mark.spec("SEQ-119", "is refused with its place")
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("parameters: 3000", "parameter: 3000", "Did you mean parameters"),
        ("[1, 2, 3]", "[1, 1]", r"seeds = \(1, 1\): must be different"),
        ("[old, modern]", "[older]", "entries.rnn: there is no recipe older, but old"),
        ("search: {hidden: 2}", "serch: {}", "serch is not a known key"),
        (
            "hidden: 2",
            "hiden: 2",
            "entries.rnn with the recipe old: model.hiden is not",
        ),
        ("    model: {name: rnn, layers: 1, embedding: 8}\n", "", "must have `model:`"),
        ("tolerance: 0.05", "tolerance: 0.0001", "no size comes within 0.0% of 3,000"),
        (
            "lr: 0.5}}",
            "lr: 0.5}, train: {epochs: 3}}",
            "on 192 tokens, rnn-modern on 128",
        ),
        ("samples: 8,", "", "data.samples must say how much an epoch is"),
        ("lr: 0.5}}", "lr: 0.5}, data: {name: text}}", "data.root is empty"),
        ("base:", "base:\n  task: mlm", "task = mlm: a bench is for the task lm"),
        ("samples: 8", "samples: 10", "samples = 10 must be a multiple of 4"),
        ("old: {optim", "old: 5 #", "recipes.old: must hold `key: value` lines, got 5"),
        ("seeds:", "common: new\nseeds:", "common = new: must be one of the recipes"),
        ("[1, 2, 3]", "[-1]", r"seeds = \(-1,\): must be from 0"),
        ("seeds:", "threads: 0\nseeds:", "threads = 0: must be >= 1"),
        ("label: RNN", "same: x", "entries.rnn: same = x is no entry"),
        ("  gpt_2025:", "  ../up:", "../up-modern is no file name"),
        ("    recipes: [modern]\n", "", "entries.gpt_2025: recipes must name at least"),
        ("hidden: 2", "hidden: 0", "search: hidden is a multiple of 0; at least 1"),
        (
            "name: rnn, layers: 1, embedding: 8",
            "name: slot, slot: no",
            "entries.rnn with the recipe old: model.slot = 'no': there is no",
        ),
        (
            "recipes: [old, modern]",
            "recipes: [old, old]",
            "rnn-old is also that of entries.rnn",
        ),
    ],
)
def test_a_mistake_in_the_file(tmp_path, old, new, words):
    assert old in BENCH
    with pytest.raises(InputError, match=words):
        plan_in(tmp_path, BENCH.replace(old, new))


def test_a_recipe_may_change_nothing(tmp_path):
    plan = plan_in(tmp_path, BENCH.replace("{optim: {name: sgd, lr: 0.5}}", ""))
    old = plan.pairs[0].config
    assert old["data"]["samples"] == 8 and "optim" not in old


def test_only_some_entries(tmp_path):
    plan_in(tmp_path)
    path = tmp_path / "evolve_stub.yaml"
    assert [p.name for p in read_plan(path, ["gpt_2025"]).pairs] == ["gpt_2025-modern"]
    with pytest.raises(InputError, match="--only gpt: .* has no such entry, but rnn"):
        read_plan(path, ["gpt"])


@pytest.mark.spec("SEQ-119", "runs made with other settings")
def test_runs_of_other_settings_are_not_mixed_in(tmp_path):
    plan, out = plan_in(tmp_path), tmp_path / "runs"
    jobs = make_jobs(plan, out)
    assert [job.name for job in jobs[:4]] == [
        "rnn-old-s1", "rnn-modern-s1", "gpt_2025-modern-s1", "rnn-old-s2",
    ]  # fmt: skip
    (out / "rnn-old-s1").mkdir()
    assert make_jobs(plan, out) == jobs
    changed = plan_in(tmp_path, BENCH.replace("lr: 0.5", "lr: 0.25"))
    with pytest.raises(InputError, match="rnn-old-s1 was made with other settings"):
        make_jobs(changed, out)


@pytest.mark.spec("SEQ-114", "without running any")
def test_the_dry_run_tells_sizes_and_costs(tmp_path):
    said = what_would_run(plan_in(tmp_path), tmp_path / "runs")
    lines = said.splitlines()
    assert lines[1].split()[:4] == ["rnn", "old", "hidden", "26"]
    assert "9 runs of 128 tokens, about" in lines[-1] and "nothing was run" in lines[-1]
    assert not (tmp_path / "runs").exists()


def test_merging_keeps_both():
    first = {"a": {"b": 1, "c": [1]}, "d": 2}
    second = {"a": {"c": [2], "e": 3}, "d": {"f": 4}}
    merged = merge(first, second)
    assert merged == {"a": {"b": 1, "c": [2], "e": 3}, "d": {"f": 4}}
    merged["a"]["c"].append(9)
    assert second["a"]["c"] == [2]
