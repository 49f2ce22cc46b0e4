"""The runs of a study: which, in what order, for how long; a stub trains at once."""

import json
import os
import shutil
import signal
import threading
import time

import pytest

from src.evolution import study_length
from src.evolution.study import study
from src.evolution.study_length import took
from src.evolution.study_plan import read_study
from src.utils.errors import FaultError, InputError
from tests.evolution_stub import commands, hold_lock, usage
from tests.forked import LIMIT, kill_group
from tests.study_stub import START, STUDY, Stub, study_file


ALONE = STUDY.replace("[[grpo, control], [grpo, grpo.base]]", "[[grpo, grpo.base]]")
ALONE = ALONE[: ALONE.index("  control:")]


@pytest.fixture
def stub(monkeypatch):
    monkeypatch.setattr("src.evolution.study_report.save_figure", lambda *_, **__: None)
    monkeypatch.setattr("src.evolution.study_report.draw", lambda *_: None)
    return Stub(monkeypatch)


def run(tmp_path, text=STUDY, **given) -> int:
    return study(study_file(tmp_path, text), out=tmp_path, quiet=True, **given)


def lengths(tmp_path) -> dict:
    return json.loads((tmp_path / "study-stub" / "lengths.json").read_text())


def results(tmp_path) -> dict:
    return json.loads((tmp_path / "study-stub" / "results.json").read_text())


@pytest.mark.spec("SEQ-220", "trains each arm with each seed")
@pytest.mark.spec("SEQ-220", "nothing that is finished is done again")
def test_the_command_again_trains_and_scores_nothing(tmp_path, stub):
    assert run(tmp_path, at_once=2) == 0
    assert stub.begun[:3] == ["grpo-s11", "grpo-s12", "grpo-s13"]
    assert {*stub.begun[3:]} == {"control-s11", "control-s12", "control-s13"}
    assert len(stub.scored) == len({*stub.scored}) == 9
    kept, before = lengths(tmp_path), results(tmp_path)
    stub.begun.clear(), stub.scored.clear()

    assert run(tmp_path) == 0

    assert stub.begun == stub.scored == [] and lengths(tmp_path) == kept
    again = results(tmp_path)
    assert again["rows"] == before["rows"] and again["pairs"] == before["pairs"]


def test_a_checkpoint_that_changed_is_scored_again(tmp_path, stub):
    run(tmp_path, ALONE)
    stub.scored.clear()
    file = tmp_path / "study-stub" / "grpo-s12" / "checkpoints" / "last.pt"
    later = time.time_ns() + 10**9
    os.utime(file, ns=(later, later))
    run(tmp_path, ALONE)
    assert stub.scored == ["grpo-s12/last"]


@pytest.mark.spec("SEQ-222", "never less than the arm that it stands against has")
@pytest.mark.spec("SEQ-222", "no more evaluations")
def test_a_control_takes_at_least_as_long_as_its_arm(tmp_path, stub):
    assert run(tmp_path) == 0
    folder, kept = tmp_path / "study-stub", lengths(tmp_path)
    plan = read_study(tmp_path / "study_stub.yaml")
    for seed in plan.study.seeds:
        ours, theirs = (took(folder / f"{a}-s{seed}") for a in ("control", "grpo"))
        assert theirs.cpu_seconds <= ours.cpu_seconds
        assert ours.epochs == kept[f"control-s{seed}"]["epochs"] > theirs.epochs == 4
        assert 1 <= ours.evaluations <= theirs.evaluations == 4
    # The first seed has found the length, from which that of the others follows.
    assert stub.begun.count("control-s11") > 1
    assert kept["control-s11"]["tried"][0]["epochs"] == 4
    first = [[*kept[f"control-s{s}"]["tried"], kept[f"control-s{s}"]] for s in (12, 13)]
    assert min(runs[0]["epochs"] for runs in first) > 8
    said = [s for s in results(tmp_path)["conclusion"] if "times the CPU" in s]
    assert len(said) == 1 and said[0].endswith("of GRPO, in no seed less.")


@pytest.mark.spec("SEQ-222", "that it has less is said in words")
def test_a_control_that_stays_short_is_flagged(tmp_path, stub, monkeypatch):
    monkeypatch.setattr(study_length, "MOST", 2)
    stub.seconds |= {"grpo": 0.05, "control": 0.0}
    assert run(tmp_path, seeds="12-13") == 0
    assert stub.begun.count("control-s12") == stub.begun.count("control-s13") == 2
    (said,) = [s for s in results(tmp_path)["conclusion"] if "times the CPU" in s]
    assert "supervised had 0." in said and "LESS in the seeds 12 (0." in said
    assert "CPU-s), 13 (0." in said
    tried = lengths(tmp_path)["control-s12"]
    assert tried["epochs"] > tried["tried"][0]["epochs"]


def test_what_was_not_made_a_control_is_flagged_too(tmp_path, stub):
    text = STUDY.replace("as_long_as: grpo, ", "")
    assert run(tmp_path, text) == 0
    said = " ".join(results(tmp_path)["conclusion"])
    assert "supervised had 0." in said and "LESS in the seeds 11 (0." in said
    assert not (tmp_path / "study-stub" / "lengths.json").exists()


def test_lengths_that_were_lost_are_those_of_the_runs(tmp_path, stub):
    run(tmp_path, seeds="11,12")
    kept = lengths(tmp_path)
    (tmp_path / "study-stub" / "lengths.json").unlink()
    stub.begun.clear()
    assert run(tmp_path, seeds="11,12") == 0 and not stub.begun
    assert [v["epochs"] for v in lengths(tmp_path).values()] == [
        v["epochs"] for v in kept.values()
    ]


@pytest.mark.parametrize("damage", ["[]", "null", "ENTRIES"])
def test_lengths_that_are_damaged_are_those_of_the_runs(tmp_path, stub, damage):
    run(tmp_path, seeds="11,12")
    file, kept = tmp_path / "study-stub" / "lengths.json", lengths(tmp_path)
    bad = {"control-s11": 7, "x": None, "y": {}, "z": {"epochs": "a"}}
    file.write_text(damage.replace("ENTRIES", json.dumps(kept | bad)))
    stub.begun.clear()
    assert run(tmp_path, seeds="11,12") == 0 and not stub.begun
    again = lengths(tmp_path)
    assert {n: again[n]["epochs"] for n in again} == {
        n: kept[n]["epochs"] for n in kept
    }
    if damage == "ENTRIES":  # what was whole is as it was
        assert again["control-s12"] == kept["control-s12"]


def test_time_before_an_interruption_counts(tmp_path, stub):
    run(tmp_path, ALONE, seeds="11")
    folder = tmp_path / "study-stub" / "grpo-s11"
    summary = json.loads((folder / "summary.json").read_text())
    part = summary | {"since_step": 30, "cpu_seconds": 2.0}
    (folder / "summary.json").write_text(json.dumps(part))
    assert took(folder).trained == pytest.approx(8.0)
    ended = summary | {"since_step": 40, "cpu_seconds": 0.1}  # stopped at its last step
    (folder / "summary.json").write_text(json.dumps(ended))
    assert took(folder).trained == took(folder).cpu_seconds
    (folder / "summary.json").write_text(json.dumps(part))
    # A study that was killed outright noted nothing of the attempt before.
    used = json.loads((folder / "child.json").read_text()) | {"cpu_seconds": 2.5}
    (folder / "child.json").write_text(json.dumps(used))
    assert took(folder).cpu_seconds == pytest.approx(8.0)
    assert cpu_reported(tmp_path) == pytest.approx(8.0)
    for text in ("[]", "{}", "3"):
        (folder / "child.json").write_text(text)
        assert took(folder).cpu_seconds == pytest.approx(8.0)
    (folder / "child.json").unlink()
    assert took(folder).cpu_seconds == pytest.approx(8.0)
    assert cpu_reported(tmp_path) == pytest.approx(8.0)


def cpu_reported(tmp_path) -> float:
    run(tmp_path, ALONE, seeds="11", report_only=True)
    return results(tmp_path)["rows"][1]["cpu_seconds"]["mean"]


@pytest.mark.spec("SEQ-223", "A run that fails is named")
def test_a_failed_run_does_not_stop_the_others(tmp_path, stub, capsys):
    stub.modes["grpo-s12"] = "fail"
    assert run(tmp_path) == 1
    content = results(tmp_path)
    rows = {row["name"]: row["seeds"] for row in content["rows"]}
    assert rows == {"grpo.base": [11, 13], "grpo": [11, 13], "control": [11, 13]}
    assert {*content["failed"]} == {"grpo-s12", "control-s12"}
    said = capsys.readouterr().out
    assert "There are only 2 of 3 runs of grpo, 2 of 3 runs of control" in said
    assert "grpo-s12 failed: exit 3: the loss is not finite" in said
    assert "control-s12 failed: it is to take as long as grpo-s12, which has" in said


@pytest.mark.spec("SEQ-223", "A run that fails is named")
def test_a_model_that_gives_no_numbers_has_no_score(tmp_path, stub, monkeypatch):
    evaluate = stub.evaluate

    def fails(checkpoint, *given, **options):
        if checkpoint.parents[1].name == "grpo-s11":
            raise FaultError("the model gives NaN")
        return evaluate(checkpoint, *given, **options)

    monkeypatch.setattr("src.evolution.study_scores.evaluate", fails)
    assert run(tmp_path, ALONE) == 1
    content = results(tmp_path)
    assert content["rows"][1]["seeds"] == [12, 13]
    assert content["failed"] == {"grpo-s11": "the model gives NaN"}


def test_no_run_at_all_is_said(tmp_path, stub):
    stub.modes |= {f"grpo-s{seed}": "fail" for seed in (11, 12, 13)}
    with pytest.raises(InputError, match="no finished run yet: exit 3: the loss is"):
        run(tmp_path, ALONE)
    with pytest.raises(InputError, match="nowhere/study-stub is not there yet"):
        study(tmp_path / "study_stub.yaml", out=tmp_path / "nowhere", report_only=True)


@pytest.mark.spec("SEQ-220", "what was interrupted goes on")
def test_a_signal_ends_the_study_and_it_goes_on(tmp_path, stub, monkeypatch):
    make = commands({}, lambda job: "hang")
    command = stub.command
    monkeypatch.setattr(stub, "command", make)
    ready = tmp_path / "study-stub" / "grpo-s11" / "ready"

    def interrupt():
        end = time.monotonic() + LIMIT
        while not ready.exists() and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert run(tmp_path, ALONE, seeds="11") == 143
    thread.join(timeout=LIMIT)
    assert not (tmp_path / "study-stub" / "results.json").exists()
    before = usage(ready.parent) | {"cpu_seconds": 50.0}
    (ready.parent / "child.json").write_text(json.dumps(before))
    monkeypatch.setattr(stub, "command", command)

    assert run(tmp_path, ALONE, seeds="11") == 0

    after = usage(ready.parent)
    assert after["exit"] == 0
    assert after["cpu_seconds"] == pytest.approx(50 + START + 4 * stub.seconds["grpo"])
    assert after["seconds"] > before["seconds"] and stub.begun == ["grpo-s11"]


@pytest.mark.spec("SEQ-221", "runs made with other settings")
def test_runs_of_other_settings_are_not_mixed_in(tmp_path, stub):
    run(tmp_path, ALONE, seeds="11")
    with pytest.raises(InputError, match="grpo-s11 was made with other settings than"):
        run(tmp_path, ALONE.replace("GRPO}", "G, change: {optim: {lr: 0.1}}}"))
    # Of an arm whose name only begins alike there is no run.
    text = ALONE.replace("GRPO}", "GRPO}\n  grpo-s: {change: {optim: {lr: 0.1}}}")
    assert run(tmp_path, text, only=["grpo-s"], seeds="5") == 0
    shutil.rmtree(tmp_path / "study-stub" / "grpo-s-s5")
    text = text.replace("lr: 0.1", "lr: 0.2")
    assert run(tmp_path, text, only=["grpo-s"], seeds="5") == 0


def test_one_arm_alone(tmp_path, stub):
    with pytest.raises(InputError, match="no finished run yet: it is to take as long"):
        run(tmp_path, only=["control"], seeds="11")
    assert run(tmp_path, only=["grpo"], seeds="11") == 0
    assert stub.begun == ["grpo-s11"]
    assert run(tmp_path, only=["control"], seeds="11") == 0
    assert {*stub.begun[1:]} == {"control-s11"}


def test_a_metric_that_the_evaluation_has_not(tmp_path, stub):
    text = ALONE.replace("[pass@1, pass@16]", "[pass@1, pass@16, greedy]")
    with pytest.raises(InputError, match="metrics: greedy is not in .*pass@1, pass@1"):
        run(tmp_path, text, seeds="11")


def test_a_study_goes_on_in_one_process_at_a_time(tmp_path, stub):
    study_file(tmp_path)
    other = hold_lock(tmp_path / "study-stub")
    with pytest.raises(InputError, match="study-stub is in use by process"):
        run(tmp_path)
    kill_group(other)


@pytest.mark.spec("SEQ-220", "`--dry-run` runs nothing")
def test_the_dry_run_tells_what_is_left(tmp_path, stub, capsys):
    assert run(tmp_path, dry_run=True) == 0
    assert not (tmp_path / "study-stub").exists() and not stub.begun
    run(tmp_path, only=["grpo"], seeds="11")
    capsys.readouterr()
    run(tmp_path, dry_run=True)
    said = capsys.readouterr().out
    assert "4 epochs         2/3        0" in said
    assert "as long as grpo  3/3        ?" in said
    assert "5 runs into" in said and "nothing was run" in said
    with pytest.raises(InputError, match="--at-once 0: must be 1 or more"):
        run(tmp_path, at_once=0)
