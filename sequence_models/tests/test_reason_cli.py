"""`reason.py scale` and `solve` with a small model that learnt one-digit sums."""

import csv
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import scripts.reason as script
import torch

from src.inference.evaluate import evaluate
from src.inference.reason import different, load_reasoner
from src.inference.reason_methods import Methods, Wanted
from src.inference.reason_scale import scale
from src.inference.reason_solve import solve
from src.losses import token_loss
from src.reasoning.curriculum import Lines
from src.reasoning.problems import create_dataset
from src.reasoning.problems.asking import read_question
from src.training.task import Config, build
from src.utils import cli
from src.utils.checkpoint import save_checkpoint
from src.utils.config import from_dict
from src.utils.errors import InputError


SIZES = {"n_train": 40, "n_val": 10, "n_test": 12}
TINY = {"name": "gpt_2023", "d_model": 16, "layers": 1, "heads": 2}
SUMS = {"name": "addition", "options": {"digits": 1}, **SIZES}
NUMBERS = {"name": "countdown", "options": {"retries": 0.5}, **SIZES}
CONFIGS = {
    "sums": {"problems": SUMS, "block": 12, "model": TINY},
    "countdown": {"problems": NUMBERS, "block": 56, "model": TINY},
    "one attempt": {
        "problems": NUMBERS | {"options": {"retries": 0}},
        "block": 20,
        "model": TINY,
    },
    "lstm": {
        "problems": SUMS,
        "block": 12,
        "model": {"name": "lstm", "embedding": 8, "hidden": 16, "layers": 1},
    },
}


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Checkpoints by name; "sums" knows something, the others nothing."""
    folder = tmp_path_factory.mktemp("reasoners")

    def make(name: str) -> Path:
        path = folder / f"{name}.pt"
        if not path.exists():
            torch.manual_seed(0)
            if name == "lm":
                config = from_dict(Config, {"model": TINY}, "test")
            else:
                given = CONFIGS[name]
                data = {"name": "problems", "batch_size": 4, "samples": 8}
                values = {
                    "task": "reason",
                    "data": data | {"block": given["block"]},
                    "model": given["model"],
                    "reason": {"problems": given["problems"], "demonstrations": 30},
                    "train": {"monitor": "pass@1", "mode": "max"},
                }
                config = from_dict(Config, values, "test")
            setup = build(config)
            if name == "sums":
                learn(setup)
            content = {"kind": "weights", "config": asdict(config), "data": setup.data}
            save_checkpoint(path, content | {"model": setup.model.state_dict()})
        return path

    return make


def learn(setup, steps=90):
    """A part of a second of learning: it knows a third of what it practised."""
    problems, lines = setup.opened.problems["train"], Lines(setup.opened.tokenizer)
    rows, prompts = [], []
    for i in range(len(problems)):
        entry = problems[i]
        rows.append(lines.line(entry["question"], problems.demonstrate(entry, None)))
        prompts.append(len(lines.prompt(entry["question"])))
    batch = lines.supervised(rows, prompts)
    optimizer = torch.optim.AdamW(setup.model.parameters(), lr=1e-2)
    for _ in range(steps):
        logits, _ = setup.model(batch["tokens"])
        loss = token_loss(logits, batch["targets"], 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.fixture(scope="session")
def summary(saved, tmp_path_factory):
    out = tmp_path_factory.mktemp("scale")
    wanted = Wanted(10, 8, "train")
    return scale(saved("sums"), wanted, out, device="cpu", quiet=True)


@pytest.mark.spec("SEQ-217", "a table, a picture, CSV and JSON")
def test_scale_writes_what_it_says(summary):
    files = {kind: Path(path) for kind, path in summary["files"].items()}
    assert files["png"].read_bytes()[:4] == b"\x89PNG"
    shown = json.loads(files["json"].read_text())
    assert shown["points"] == summary["points"]
    with open(files["csv"], newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(summary["points"])
    for row, point in zip(rows, summary["points"], strict=True):
        assert row["method"] == point["method"]
        assert float(row["accuracy"]) == pytest.approx(point["accuracy"], abs=1e-5)
    for point in summary["points"]:
        assert 0 <= point["low"] <= point["accuracy"] <= point["high"] <= 1, point
        assert point["tokens"] > 0 and point["cpu_seconds"] >= 0
    methods = {point["method"] for point in summary["points"]}
    assert {"greedy", "majority vote", "beam over steps"} <= methods
    best = [
        p["accuracy"]
        for p in summary["points"]
        if p["method"].startswith("best of N, the")
    ]
    assert best == sorted(best) and 0 < best[0] < best[-1]


@pytest.mark.spec("SEQ-217", "What a task or a model does not allow is named")
def test_what_is_not_offered_is_said_with_the_reason(summary, saved):
    assert summary["not_offered"] == {
        "budget forcing": "addition has no word that begins another attempt"
    }
    work = Methods(load_reasoner(saved("lstm"), "cpu"), Wanted(4, 2), True)
    methods = {one.method for one in work.estimates()}
    assert methods == {"greedy", "majority vote", "best of N, the task's verifier"}
    assert "does not show its features" in work.missing["beam over steps"]
    assert work.verifier is None
    work = Methods(load_reasoner(saved("one attempt"), "cpu"), Wanted(4, 2), True)
    assert work._forced() == [] and "retries above 0" in work.missing["budget forcing"]


@pytest.mark.spec("SEQ-217", "The same seed gives the same figures")
def test_the_same_seed_gives_the_same_figures(saved, summary, tmp_path):
    def figures(seed):
        done = scale(
            saved("sums"),
            Wanted(10, 8, "train", seed),
            tmp_path,
            device="cpu",
            quiet=True,
        )
        timed = ("cpu_seconds",)
        return [
            {name: v for name, v in point.items() if name not in timed}
            for point in done["points"]
        ]

    first = [
        {name: v for name, v in point.items() if name != "cpu_seconds"}
        for point in summary["points"]
    ]
    assert figures(0) == first and figures(1) != first


def test_equal_questions_are_asked_once_and_no_question_of_the_training(saved):
    reasoner = load_reasoner(saved("sums"), "cpu")
    chosen = {}
    for split, problems in reasoner.problems.items():
        indices = different(problems, 100)
        questions = [problems[i]["question"] for i in indices]
        assert len(set(questions)) == len(questions) and indices == sorted(indices)
        assert set(questions) == {problems[i]["question"] for i in range(len(problems))}
        chosen[split] = set(questions)
        assert different(problems, 3) == indices[:3]
        assert min(different(problems, 3, backwards=True)) > 3
    assert not chosen["train"] & chosen["test"]


@pytest.mark.spec("SEQ-218", "each attempt with its verdict")
def test_solve_shows_every_attempt_and_the_vote(saved):
    done = solve(saved("sums"), "3+4", 6, device="cpu")
    assert done["question"] == "3+4" and done["solution"] == "07"
    assert len(done["attempts"]) == 6
    answers = [one["answer"] for one in done["attempts"]]
    for one in (*done["attempts"], done["greedy"]):
        expected = "right" if one["answer"] == "07" else "wrong"
        assert one["verdict"] == (expected if one["answer"] else "not in the format")
        assert "".join(step["step"] for step in one["steps"]) == one["response"]
        if one["response"] == "70=07":
            assert [step["score"] for step in one["steps"]] == [1, 1]
    assert done["votes"] == answers.count(done["vote"])
    assert done["vote_is_right"] is (done["vote"] == "07")


@pytest.mark.spec("SEQ-218", "A text that is no problem of the task is refused")
@pytest.mark.parametrize("name", ["addition", "multiplication", "countdown", "sorting"])
def test_a_text_that_is_no_problem_is_refused(name):
    problems = create_dataset(name, 3, 0, "test")
    for text in ("", "x", "12345+1", "1 2 -> 3", "-1+2", "1+1+1", "²+3"):
        with pytest.raises(InputError, match="is no problem of"):
            read_question(problems, text)


@pytest.mark.parametrize("name", ["comparisons", "graph"])
@pytest.mark.parametrize(
    "text", ["a<b,b<c,c<b,a<d", "a<b,b<a,c<d,d<e", "a<b", "ab,bc:ad", "aa,ab:ab", "ab"]
)
def test_orders_that_go_in_circles_and_goals_out_of_reach_are_refused(name, text):
    with pytest.raises(InputError, match="is no problem of"):
        read_question(create_dataset(name, 3, 0, "test"), text)


@pytest.mark.parametrize(
    "name",
    ["addition", "multiplication", "countdown", "sorting", "comparisons", "graph"],
)
def test_a_problem_of_the_task_is_read_as_it_is(name):
    problems = create_dataset(name, 20, 1, "test")
    for i in range(20):
        entry = read_question(problems, problems[i]["question"])
        assert entry["question"] == problems[i]["question"]
        assert problems.score_answer(entry["answer"], problems[i]) == 1


def test_numbers_need_no_leading_zeros_and_a_target_must_be_reachable():
    addition = create_dataset("addition", 3, 0)
    assert read_question(addition, " 7 + 58 ")["question"] == "07+58"
    with pytest.raises(InputError, match="has no solution"):
        read_question(create_dataset("countdown", 3, 0), "12 12 12 -> 97")


def run(capsys, *words):
    with pytest.raises(SystemExit) as leaving:
        sys.argv[1:] = [str(word) for word in words]
        cli.run(script.scale, script.solve)
    return leaving.value.code, capsys.readouterr()


@pytest.mark.spec("SEQ-218", "exit code 2")
@pytest.mark.spec("SEQ-217", "A checkpoint of another task is refused")
def test_the_commands(saved, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["reason.py"])
    sums = ("--checkpoint", saved("sums"), "--device", "cpu")
    code, said = run(capsys, "solve", *sums, "--problem", "3+4", "--samples", 2)
    assert code == 0 and said.out.startswith("3+4 (of the part ") and "vote" in said.out
    code, said = run(capsys, "solve", *sums, "--problem", "3+4", "--json")
    assert code == 0 and len(json.loads(said.out)["attempts"]) == 8
    code, said = run(capsys, "solve", *sums, "--problem", "three")
    assert (
        code == 2 and said.err.count("\n") == 1 and "'three' is no problem" in said.err
    )
    code, said = run(capsys, "solve", *sums, "--problem", "3+4", "--samples", 0)
    assert code == 2 and said.err.startswith("--samples 0: must be 1 or more")
    code, said = run(capsys, "scale", *sums, "--problems", 1, "--out", tmp_path)
    assert code == 2 and said.err.startswith("--problems 1: must be 2 or more")
    other = ("--checkpoint", saved("lm"), "--device", "cpu")
    for words in (("scale", *other), ("solve", *other, "--problem", "3+4")):
        code, said = run(capsys, *words)
        assert code == 2 and "is for the task lm" in said.err, words
    out = ("--problems", 4, "--samples", 2, "--out", tmp_path, "--quiet")
    code, said = run(capsys, "scale", "--checkpoint", saved("countdown"), *out)
    assert code == 0 and said.out.startswith("countdown, 4 test problems\n")
    assert "majority vote" in said.out and "saved  " in said.err


@pytest.mark.spec("SEQ-173", "does not import torch")
def test_help_needs_no_torch_and_names_the_commands():
    code = "import sys, runpy; sys.argv = ['reason.py', '--help']\n"
    path = Path(script.__file__)
    code += f"try: runpy.run_path({str(path)!r}, run_name='__main__')\n"
    code += "finally: print('torch' in sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=200
    )
    assert "scale" in shown.stdout and "solve" in shown.stdout
    assert shown.stdout.rstrip().endswith("False")


def test_what_was_learnt_is_examined_as_the_rest_is(saved, tmp_path):
    result = evaluate(saved("sums"), "train", tmp_path, device="cpu", quiet=True)
    held = evaluate(saved("sums"), "test", tmp_path, device="cpu", quiet=True)
    assert result.keys() == held.keys() and result["pass@1"] > held["pass@1"]


def test_a_seed_that_no_generator_takes():
    with pytest.raises(InputError, match=f"--seed {2**70}: must be at most"):
        Wanted(seed=2**70)


@pytest.mark.parametrize("key", ["group", "samples"])
def test_answers_without_number_are_refused_at_once(key):
    with pytest.raises(InputError, match=f"reason.{key} = 1000000000: must be <= "):
        from_dict(Config, {"reason": {key: 10**9}})
