# pattern: tests/test_resume_ends.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_resume_ends.py --from <sub-project>
"""What there is no more to do for: a run that is finished, or is no run at all."""

import json

import pytest

from src.training.launch import train
from src.training.options import Options
from src.utils.errors import InputError
from tests.tiny import resume, rows, start


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    assert start(out) == 0
    return out / "run"


@pytest.mark.parametrize("as_json", [False, True])
def test_resume_of_a_finished_run_changes_nothing(unbroken, capsys, as_json):
    files = [path for path in unbroken.rglob("*") if path.is_file()]
    before = [(path, path.stat().st_mtime_ns, path.read_bytes()) for path in files]
    assert resume(unbroken.parent, "train.log_every=1", json=as_json) == 0
    files = [path for path in unbroken.rglob("*") if path.is_file()]
    assert before == [(p, p.stat().st_mtime_ns, p.read_bytes()) for p in files]
    said = capsys.readouterr().out
    if as_json:
        assert json.loads(said)["steps"] == 16
    else:
        assert said == f"{unbroken} is finished (16 steps); go on with train.epochs=N\n"


def test_a_finished_run_goes_on_with_more_epochs(tmp_path):
    assert start(tmp_path, "train.epochs=1") == 0
    assert resume(tmp_path, "train.epochs=2") == 0
    assert rows(tmp_path / "run")[-1]["step"] == "8"


def test_a_run_that_ended_by_patience_is_finished(tmp_path, capsys):
    assert start(tmp_path, "train.patience=1", "train.min_gain=9") == 0
    assert resume(tmp_path) == 0
    said = "is finished (8 steps); go on with a larger train.patience"
    assert said in capsys.readouterr().out


def test_a_run_that_was_killed_before_its_end_is_brought_to_it(tmp_path):
    assert start(tmp_path, "train.epochs=1") == 0
    meta, summary = tmp_path / "run/meta.json", tmp_path / "run/summary.json"
    meta.write_text(meta.read_text().replace('"done"', '"running"'))
    summary.unlink()
    assert resume(tmp_path) == 0
    assert json.loads(summary.read_text())["steps"] == 4
    assert json.loads(meta.read_text())["status"] == "done"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resume": "latest"}, "no run has been made"),
        ({"resume": "nowhere"}, "no such run"),
        ({"resume": "pictures"}, "pictures: is not a run folder; no run has been"),
        ({}, "say what to train: --config configs/NAME.yaml, or --resume RUN$"),
        ({"overrides": ("optim.lr=1", "a=b.yaml")}, "did you mean --config a=b.yaml"),
        ({"overrides": ("b/c.yml",)}, "did you mean --config b/c.yml?"),
        ({"overrides": ("..",)}, r"did you mean --resume \.\.?"),
    ],
)
def test_what_cannot_be_resumed_is_said(tmp_path, options, words):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(InputError, match=words):
        train(Options(out=tmp_path, quiet=True, **options))
