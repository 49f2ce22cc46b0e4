"""A small bench and a small study below `runs`, as the scripts would leave them."""

import json
import sys
from pathlib import Path
from unittest import mock

from src.evolution import study_report
from src.evolution.evolve import make_jobs
from src.evolution.results import Results, collect, to_plain
from src.evolution.study import study
from src.utils.run_dir import to_json
from tests.evolution_stub import SCRIPT, commands, plan_in
from tests.study_stub import Stub, study_file


BPB = {"rnn-old": 3.0, "rnn-modern": 2.5, "gpt_2025-modern": 2.2}


def bench(folder: Path, runs: Path) -> Results:
    """runs/bench with results.json; gives what it was written from."""
    plan, out = plan_in(folder), runs / "bench"
    for job in make_jobs(plan, out):
        given = commands(BPB)(job, out, "cpu")[4:]
        with mock.patch.object(sys, "argv", ["-c", *given]):  # no process for each
            exec(SCRIPT, {})
    results = collect(plan, out)
    said = {"bench": plan.name, "conclusion": ["gpt_2025 is <b>best</b>."]}
    (out / "results.json").write_text(to_json(said | to_plain(results)))
    return results


def small_study(folder: Path, runs: Path, monkeypatch) -> dict:
    """runs/study-stub; gives its results.json."""
    Stub(monkeypatch)
    monkeypatch.setattr(study_report, "draw", lambda *_: None)
    monkeypatch.setattr(study_report, "save_figure", lambda *_, **given: None)
    assert study(study_file(folder), out=runs, at_once=3, quiet=True) == 0
    return json.loads((runs / "study-stub" / "results.json").read_text())
