"""What the page says of test-time scaling against `reason.py scale` and `solve`."""

import json

import pytest
import torch

from src.app.page import plain
from src.app.scaling import ANSWERS, Scaling
from src.inference.reason_methods import Methods, Wanted
from src.inference.reason_scale import scale
from src.inference.reason_solve import solve
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.errors import InputError
from tests.app_reasoners import run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run(folder)
    return folder


@pytest.fixture
def measured(runs, monkeypatch):
    """What reason.py scale writes; without its verifier, which is long to train."""
    monkeypatch.setattr(Methods, "_learn", lambda self: None)
    best = runs / "sums" / "checkpoints" / "best.pt"
    out = runs / "sums" / "test_time"
    return scale(best, Wanted(20, 8), out, device="cpu", quiet=True)


def test_reasoners_are_named_by_run_and_stage(runs):
    start = plain(Scaling(None, runs).start())
    assert start["reasoners"] == ["sums, supervised", "sums, best"]
    assert start["missing"] == ""
    own = runs / "sums" / "checkpoints" / "best.pt"
    first, *_ = Scaling(own, runs).start()["reasoners"]
    assert first == "sums, best"


@pytest.mark.spec("SEQ-252", "those of `reason.py scale`")
def test_a_measurement_ends_where_reason_scale_does(runs, measured):
    panel = Scaling(None, runs)
    frames = list(panel.measure("sums, best", problems=20, samples=8))
    assert [frame["done"] for frame in frames] == [10, 11]  # there are no more
    found, known = frames[-1]["points"], measured["points"]
    assert len(known) == 9 and len({point["accuracy"] for point in known}) > 3
    for point, expected in zip(found, known, strict=True):
        for name in ("method", "budget", "tokens", "accuracy", "low", "high"):
            assert point[name] == expected[name], (name, expected)
    other = [*panel.measure("sums, best", problems=20, samples=8, seed=1)][-1]
    assert other["points"] != found


@pytest.mark.spec("SEQ-252", "A saved result is shown")
def test_a_saved_result_is_shown_as_it_is(runs, measured):
    start = Scaling(None, runs).start()
    assert start["results"] == ["sums"]
    shown = start["result"]
    assert shown["points"] == json.loads(json.dumps(measured["points"]))
    assert (shown["task"], shown["problems"], shown["samples"]) == ("addition", 11, 8)


@pytest.mark.spec("SEQ-253", "are those of `reason.py solve`")
def test_the_answers_to_a_problem_are_those_of_solve(runs):
    panel = Scaling(None, runs)
    questions = panel.problems("sums, best")["questions"]
    assert len(questions) == len(set(questions)) == 11
    asked = [*questions[:3], "4+3"]
    best = runs / "sums" / "checkpoints" / "best.pt"
    for question in asked:
        known = solve(best, question, ANSWERS, 5, device="cpu")
        said = panel.answers("sums, best", question, seed=5)
        assert said == {name: known[name] for name in known if name != "checkpoint"}
        assert len(said["attempts"]) == ANSWERS


@pytest.mark.spec("SEQ-254", "in one sentence, with the command")
def test_without_a_reasoner_there_is_a_command(tmp_path):
    panel = Scaling(None, tmp_path)
    start = panel.start()
    assert start["reasoners"] == start["results"] == [] and start["result"] is None
    assert (
        "python scripts/train.py --config configs/reason_addition.yaml"
        in (start["missing"])
    )
    with pytest.raises(InputError, match="there is no checkpoint of the task reason"):
        panel.problems("sums, best")
    assert panel.exported() == [("scaling/start", {})]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda p: p.problems("../x"), "is no reasoner here; there is sums"),
        (lambda p: p.result("other"), "is no result here"),
        (lambda p: p.answers("sums, best", "two and two"), "two and two"),
        (lambda p: p.answers("sums, best", "1" * 201), "201 characters: 200 at most"),
        (lambda p: p.answers("sums, best", "1+1", samples=65), "from 1 to 64"),
        (lambda p: p.answers("sums, best", "1+1", seed=-1), "seed"),
        (lambda p: list(p.measure("sums, best", problems=1)), "from 2 to 500"),
        (lambda p: list(p.measure("sums, best", seed=2**40)), "choose from 0 to"),
    ],
)
def test_a_bad_question_is_a_sentence(runs, ask, words):
    with pytest.raises(InputError) as error:
        ask(Scaling(None, runs))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_damaged_files_are_sentences(runs, tmp_path):
    folder = tmp_path / "broken"
    (folder / "test_time").mkdir(parents=True)
    (folder / "test_time" / "test_time.json").write_text('{"points": 3}')
    panel = Scaling(None, tmp_path)
    with pytest.raises(InputError, match=r"test_time\.json is not what reason\.py"):
        panel.result("broken")
    assert panel.start()["results"] == []
    best = runs / "sums" / "checkpoints" / "best.pt"
    content = load_checkpoint(best)
    next(iter(content["model"].values())).fill_(torch.nan)
    (folder / "checkpoints").mkdir()
    (folder / "config.yaml").write_text("task: reason\n")
    kept = {name: content[name] for name in ("kind", "config", "data", "model")}
    save_checkpoint(folder / "checkpoints" / "best.pt", kept)
    with pytest.raises(InputError, match="not finite"):
        panel.answers("broken, best", "1+1")
