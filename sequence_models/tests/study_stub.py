"""A study whose runs take a moment: a script in place of training, and its file."""

import json
import sys
from pathlib import Path

from src.evolution import children, study_scores
from src.evolution import study as module
from src.evolution.children import Child, Children, Job, Usage
from src.evolution.study_plan import StudyPlan, read_study


CONFIG = """
task: reason
data: {name: problems, batch_size: 8, block: 24}
model: {name: gpt_2025, d_model: 8, heads: 2, layers: 1}
train: {epochs: 4, monitor: pass@1, mode: max}
"""

STUDY = """
config: tiny.yaml
seeds: [11, 12, 13]
metrics: [pass@1, pass@16]
curves: [reward]
pairs: [[grpo, control], [grpo, grpo.base]]
arms:
  grpo: {label: GRPO}
  control: {label: supervised, as_long_as: grpo, change: {optim: {lr: 2e-3}}}
"""

SCRIPT = """
import json, re, sys
from pathlib import Path
run, config, mode = Path(sys.argv[1]), Path(sys.argv[2]).read_text(), sys.argv[3]
scores, seconds = json.loads(sys.argv[4]), float(sys.argv[5])
find = lambda key: int(re.search(rf"^  {key}: (\\\\d+)$", config, re.M)[1])
epochs = find("epochs")
every = find("eval_every") if "eval_every" in config else 1
(run / "checkpoints").mkdir(parents=True, exist_ok=True)
def note(status):
    (run / "meta.json").write_text(json.dumps({"status": status}))
if mode == "fail":
    note("failed")
    print("the loss is not finite"); raise SystemExit(3)
for name, values in scores.items():
    (run / f"checkpoints/{name}.pt").write_text(json.dumps(values))
lines = ["step,epoch,split,loss,pass@1,reward"]
for epoch in range(1, epochs + 1):
    lines.append(f"{10 * epoch},{epoch},train,1.0,,{epoch / epochs}")
    if epoch % every == 0 or epoch == epochs:
        lines.append(f"{10 * epoch},{epoch},val,1.0,0.5,")
(run / "metrics.csv").write_text("\\\\n".join(lines) + "\\\\n")
summary = {"steps": 10 * epochs, "epochs": epochs, "since_step": 0}
summary |= {"cpu_seconds": max(epochs * seconds, 1e-5), "parameters": 3000}
(run / "summary.json").write_text(json.dumps(summary))
note("done")
""".replace("\\\\", "\\")

WAIT_FOR = children.wait_for
START = 0.05
"""CPU-seconds of a process beside its epochs."""
NOISE = {11: 0.0, 12: 0.011, 13: -0.004, 14: 0.007, 15: 0.002, 16: -0.009}


def study_file(folder: Path, text: str = STUDY, config: str = CONFIG) -> Path:
    (folder / "tiny.yaml").write_text(config)
    path = folder / "study_stub.yaml"
    path.write_text(text)
    return path


def plan_in(folder: Path, text: str = STUDY, **given) -> StudyPlan:
    return read_study(study_file(folder, text), **given)


def values(one: float, many: float) -> dict[str, float]:
    return {"pass@1": one, "pass@16": many}


class Stub:
    """In place of train.py and of the evaluation; what it is told can be changed."""

    def __init__(self, monkeypatch):
        self.seconds = {"grpo": 0.02, "control": 0.005}
        self.modes: dict[str, str] = {}
        self.begun: list[str] = []
        self.scored: list[str] = []
        stub = self

        class Stubbed(Children):
            def __init__(self, *args, **given):
                super().__init__(*args, **given)
                self.make_command = stub.command

        monkeypatch.setattr(module, "Children", Stubbed)
        monkeypatch.setattr(children, "wait_for", self.wait_for)
        monkeypatch.setattr(study_scores, "evaluate", self.evaluate)

    def scores(self, job: Job) -> dict[str, dict[str, float]]:
        """Of each checkpoint, by its name."""
        noise = NOISE.get(job.seed, 0.0)
        if job.pair == "control":
            return {"last": values(0.54 + 2 * noise, 0.6 + noise)}
        return {
            "supervised": values(0.48 - noise, 0.7),
            "last": values(0.74 + noise, 0.7 + noise),
        }

    def command(self, job: Job, out: Path, device: str) -> list[str]:
        self.begun.append(job.name)
        given = (
            str(out / job.name), str(job.config), self.modes.get(job.name, "run"),
            json.dumps(self.scores(job)), str(self.seconds.get(job.pair, 0.0)),
        )  # fmt: skip
        return [sys.executable, "-S", "-c", SCRIPT, *given]

    def wait_for(self, child: Child) -> Usage | None:
        """What its script tells and START: what is measured is never the same twice."""
        usage = WAIT_FOR(child)
        told = Path(child.process.args[4], "summary.json")
        if usage is None or not told.exists():
            return usage and usage._replace(cpu_seconds=START)
        own = json.loads(told.read_text())["cpu_seconds"]
        return usage._replace(cpu_seconds=START + own)

    def evaluate(self, checkpoint: Path, split: str, out: Path, **_) -> dict:
        self.scored.append(f"{checkpoint.parents[1].name}/{checkpoint.stem}")
        result = json.loads(checkpoint.read_text()) | {"split": split}
        result["data_fingerprint"] = checkpoint.parents[1].name.rpartition("-")[2]
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{split}.json").write_text(json.dumps(result))
        return result
