"""A study as its file says it: arms, seeds, what is refused."""

from pathlib import Path

import pytest

from src.evolution.study_plan import parse_seeds, read_study
from src.training.task import Config, build
from src.utils.config import from_dict
from src.utils.errors import InputError
from tests.study_stub import CONFIG, STUDY, plan_in, study_file


LESSONS = sorted((Path(__file__).parents[1] / "configs").glob("study_*.yaml"))


@pytest.mark.spec("SEQ-220", "what each arm changes of it")
def test_an_arm_is_the_config_with_its_changes(tmp_path):
    plan = plan_in(
        tmp_path, STUDY.replace("change: {", "change: {train: {epochs: 9}, ")
    )
    grpo, control = plan.arms.values()
    train = {"epochs": 9, "monitor": "pass@1", "mode": "max"}
    assert control.config["train"] == train and grpo.config["train"]["epochs"] == 4
    assert grpo.config["model"] == control.config["model"]
    assert grpo.config.get("optim") is None
    assert control.config["optim"] == {"lr": 2e-3}
    assert (grpo.label, control.label) == ("GRPO", "supervised")
    assert plan.label("grpo.base") == "GRPO, supervised base"
    assert plan.study.pairs == (("grpo", "control"), ("grpo", "grpo.base"))


def test_the_answers_to_a_question_are_those_of_the_study(tmp_path):
    plan = plan_in(tmp_path, STUDY.replace("curves:", "samples: 64\ncurves:"))
    assert all(arm.config["reason"]["samples"] == 64 for arm in plan.arms.values())
    assert "reason" not in plan_in(tmp_path).arms["grpo"].config


def test_seeds_of_the_command_stand_for_those_of_the_file(tmp_path):
    assert plan_in(tmp_path, seeds="21-23,7").study.seeds == (21, 22, 23, 7)
    assert plan_in(tmp_path).study.seeds == (11, 12, 13)
    assert parse_seeds("0") == (0,)


@pytest.mark.spec("SEQ-221", "in one sentence with file and key")
@pytest.mark.parametrize(
    "text", ["", "1-", "3-2", "a", "1,,2", "-1", "1-9999", "5,4-6"]
)
def test_seeds_that_are_none(text):
    with pytest.raises(InputError, match=f"--seeds {text}: "):
        parse_seeds(text)


@pytest.mark.spec("SEQ-221", "in one sentence with file and key")
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("config: tiny.yaml", "config: tinny.yaml", "Did you mean .*tiny.yaml"),
        ("config: tiny.yaml", "", "stub.yaml: config must name the file"),
        ("seeds:", "seds:", "stub.yaml: seds is not a known key. Did you mean seeds"),
        ("[11, 12, 13]", "[11, 11]", r"seeds = \(11, 11\): must be different"),
        ("[11, 12, 13]", "[-1]", r"seeds = \(-1,\): must be from 0"),
        ("[11, 12, 13]", "[]", "seeds = .*at least one"),
        ("[pass@1, pass@16]", "[pass@1]", "picture = pass@16: must be one of metrics"),
        ("[pass@1, pass@16]", "[pass@1, pass@1]", "metrics = .*: must differ"),
        ("curves:", "split: train\ncurves:", "split must be one of val, test"),
        ("curves:", "threads: 0\ncurves:", "threads = 0: must be >= 1"),
        ("curves:", "samples: -1\ncurves:", "samples = -1: must be >= 0"),
        ("arms:", "arm:", "arms must name at least one"),
        ("[grpo, control]", "[grpo, controll]", "pairs: controll is no arm; .*grpo"),
        ("[grpo, control]", "[grpo, grpo]", "grpo is held against itself"),
        ("[grpo, control]", "[grpo, grpo.base]", "pairs: one of them is there twice"),
        ("[grpo, control]", "[grpo]", "pairs must be a list of 2 values"),
        ("as_long_as: grpo", "as_long_as: gpo", "arms.control.as_long_as = gpo: must"),
        ("as_long_as: grpo", "as_long_as: control", "must be another arm; there is g"),
        ("{label: GRPO}", "{as_long_as: control}", "that arm has no length of its own"),
        ("{label: GRPO}", "GRPO", "arms.grpo: must hold `key: value` lines, got 'G"),
        ("{label: GRPO}", "{lable: x}", "arms.grpo: lable is not a known key"),
        ("{label: GRPO}", "{change: 3}", "arms.grpo.change: must be keys .*got 3"),
        ("{label: GRPO}", "{change: {seed: 3}}", "change.seed: the seeds are those of"),
        ("  grpo: {", "  gr/po: {", "arms.gr/po: give a name of letters"),
        ("lr: 2e-3", "lrr: 2e-3", "arms.control.change: optim.lrr is not .*optim.lr"),
        ("[pass@1, pass@16]", "[pass@7]\npicture: []", "metrics: pass@7 is not .*pas"),
        ("curves:", "samples: 4\ncurves:", "pass@16 is not .*grpo.* pass@4, vote@4"),
        ("optim: {lr: 2e-3}", "reason: {samples: 8}", "pass@16 .* the arm control, w"),
        ("[reward]", "[rewrad]", "curves: rewrad is no column .*lr, .*vote.*, reward"),
        ("[reward]", "[pass@64]", "curves: pass@64 is no column of a run"),
        ("optim: {lr: 2e-3}", "task: lm", "arms.control, .*tiny.yaml: task = lm: must"),
        ("optim: {lr: 2e-3}", "train: {monitor: exact}", "control.*monitor = exact: "),
        ("lr: 2e-3", "lr: -1", "arms.control.change: optim.lr = -1.0: must be > 0"),
    ],
)
def test_a_mistake_in_the_file(tmp_path, old, new, words):
    assert old in STUDY
    with pytest.raises(InputError, match=words) as refused:
        plan_in(tmp_path, STUDY.replace(old, new))
    assert "\n" not in str(refused.value) and ".yaml" in str(refused.value)


@pytest.mark.spec("SEQ-221", "with file and key")
def test_a_mistake_in_the_config_is_said_with_its_line(tmp_path):
    path = study_file(tmp_path, config=CONFIG.replace("epochs: 4", "epochs: 0"))
    with pytest.raises(InputError, match=r"tiny.yaml:5:\d+: train.epochs = 0: must"):
        read_study(path)


def test_a_curve_may_be_that_of_one_arm(tmp_path):
    text = STUDY.replace("[reward]", "[lr, grad_norm, loss, pass@64, entropy]")
    plan = plan_in(tmp_path, text.replace("optim: {lr: 2e-3}", "reason: {samples: 64}"))
    assert len(plan.study.curves) == 5


def test_an_arm_that_there_is_not(tmp_path):
    with pytest.raises(InputError, match="--only gpro: .* no such arm, but grpo, con"):
        plan_in(tmp_path, only=["gpro"])


def test_an_arm_may_change_nothing(tmp_path):
    plan = plan_in(tmp_path, STUDY.replace("{label: GRPO}", ""))
    assert plan.arms["grpo"].label == "grpo"


@pytest.mark.spec("SEQ-227", "says in its head what was measured")
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_arm_of_every_lesson_can_be_built(path):
    plan = read_study(path)
    head = path.read_text("utf-8").partition("\ntitle:")[0]
    assert "easured" in head and plan.study.title
    assert plan.study.pairs and len(plan.study.seeds) >= 2
    for trained in plan.arms.values():
        setup = build(from_dict(Config, trained.config, trained.name))
        names = {*setup.task.names, *setup.task.log_names}
        assert {*plan.study.metrics} <= {*setup.task.names}
        assert {*plan.study.curves} <= names
