"""A bench whose runs take a moment: a script in place of training, and its plan."""

import json
import sys
import time
from pathlib import Path

from src.evolution.children import Job, state_of
from src.evolution.plan import Plan, read_plan
from src.utils.lock import take_lock
from tests.forked import LIMIT, in_fork


BENCH = """
parameters: 3000
tolerance: 0.05
seeds: [1, 2, 3]
base:
  data: {block: 8, batch_size: 4, samples: 8, toy: {n_train: 30, n_val: 5, n_test: 2}}
  train: {epochs: 2}
recipes:
  old: {optim: {name: sgd, lr: 0.5}}
  modern: {optim: {name: muon, lr: 0.02}}
entries:
  rnn:
    label: RNN
    model: {name: rnn, layers: 1, embedding: 8}
    search: {hidden: 2}
    recipes: [old, modern]
  gpt_2025:
    model: {name: gpt_2025, layers: 1, heads: 2}
    search: {d_model: 4, ffn_dim: 4}
    recipes: [modern]
"""

SCRIPT = """
import json, signal, sys, time
from pathlib import Path
run, seed, bpb = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
mode = sys.argv[4]
(run / "checkpoints").mkdir(parents=True, exist_ok=True)
def note(status):
    (run / "meta.json").write_text(json.dumps({"status": status}))
if mode == "fail":
    note("failed")
    print("first line"); print("the loss is not finite"); raise SystemExit(3)
if mode == "hang":
    note("running")
    (run / "checkpoints/last.pt").touch()
    def stop(number, frame):
        note("stopped"); raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, stop); signal.signal(signal.SIGINT, stop)
    (run / "ready").touch()
    time.sleep(300)
lines = ["step,epoch,split,loss,bpb,accuracy", "1,1,train,3.0,,"]
for step, found in ((2, bpb + 0.5), (4, bpb)):
    lines.append(f"{step},{step // 2},val,{found * 0.7},{found},0.4")
(run / "metrics.csv").write_text("\\n".join(lines) + "\\n")
summary = {"seed": seed, "steps": 4, "since_step": 0, "seconds": 2.0}
summary |= {"cpu_seconds": 1.0, "parameters": 3000}
(run / "summary.json").write_text(json.dumps(summary))
note("done")
"""


def plan_in(folder: Path, text: str = BENCH) -> Plan:
    path = folder / "evolve_stub.yaml"
    path.write_text(text)
    return read_plan(path)


def commands(values: dict[str, float], mode=lambda job: "run"):
    """make_command of `Children`: bits per byte by pair, a bit more with the seed."""

    def make(job: Job, out: Path, device: str) -> list[str]:
        bpb = values.get(job.pair, 2.0) + 0.01 * job.seed
        run = str(out / job.name)
        return [
            sys.executable,
            "-S",
            "-c",
            SCRIPT,
            run,
            str(job.seed),
            str(bpb),
            mode(job),
        ]

    return make


def states(out: Path) -> dict[str, str]:
    return {file.parent.name: state_of(file.parent) for file in out.glob("*/meta.json")}


def usage(run: Path) -> dict:
    return json.loads((run / "child.json").read_text())


def hold_lock(folder: Path) -> int:
    """Another process that works on `folder`; its number, for `kill_group`."""
    folder.mkdir()
    held = folder.with_name("held")

    def hold() -> None:
        with take_lock(folder):
            held.touch()
            time.sleep(LIMIT)

    other, end = in_fork(hold), time.monotonic() + LIMIT
    while not held.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return other
