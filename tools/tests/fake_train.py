"""A scripts/train.py without a model: it keeps the promises that a sweep builds on."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path


KNOWN = {"seed": 0, "optim.lr": 0.1, "model.widths": [1], "fails": 0, "slow": 0}
MONITOR = {"train.monitor": "score", "train.mode": "max", "train.epochs": 3}


def main() -> int:
    add = (parser := argparse.ArgumentParser()).add_argument
    for option in ("config", "seed", "out", "name", "resume", "device"):
        add(f"--{option}", default="")
    for option in ("overwrite", "dry-run"):
        add(f"--{option}", action="store_true")
    add("overrides", nargs="*")
    given = parser.parse_intermixed_args()
    run = Path(given.resume) if given.resume else Path(given.out, given.name)
    if given.resume:
        config = json.loads((run / "config.yaml").read_text())
        step = json.loads(next(run.glob("checkpoints/last*")).read_text())
    else:
        config, step = KNOWN | MONITOR | json.loads(Path(given.config).read_text()), 0
        for override in given.overrides:
            key, _, text = override.partition("=")
            if key not in config:
                print(f"'{override}' on the command line: {key} is not a known key")
                return 2
            config[key] = value_of(text)
        config["seed"] = int(given.seed or 0)
    fold = sum(number for key, number in config.items() if key.endswith(".fold"))
    if given.dry_run:
        print(f"loss of the first batch: {config.get('divided', 0) * fold}")
        return 0
    return train(run, config, step, fold)


def train(run: Path, config: dict, first: int, fold: int) -> int:
    """Save after every step; end after a signal as the sub-projects do."""
    caught: list[int] = []

    def note(number, frame):
        if caught:  # a second one ends it at once
            os._exit(1)
        caught.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    (run / "checkpoints").mkdir(parents=True, exist_ok=True)
    write(run / "config.yaml", config)
    meta = {"status": "running", "start": f"{time.time():.6f}"}
    write(run / "meta.json", meta)
    with open(run / "calls", "a") as file:
        call = [os.environ["OMP_NUM_THREADS"], *sys.argv[1:]]
        file.write(json.dumps(call) + "\n")
    for step in range(first + 1, config["train.epochs"] + 1):
        time.sleep(config["slow"])
        write(run / "checkpoints/last.pt", step)
        print(f"step {step}", flush=True)
        if config["fails"] == config["seed"] + 1:
            write(run / "meta.json", meta | {"status": "failed"})
            print("no space left for this one")
            return 1
        if caught:
            write(run / "meta.json", meta | {"status": "stopped"})
            return 128 + caught[0]
    score = config["optim.lr"] + sum(config["model.widths"]) + 0.001 * config["seed"]
    score += 0.01 * fold
    summary = {"best": {"score": score}, "since_step": first}
    summary["seconds"] = config["train.epochs"] - 0.5 - first
    write(run / "summary.json", summary | {"seed": config["seed"]})
    write(run / "meta.json", meta | {"status": "done"})
    return 0


def value_of(text: str):
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("'\"")


def write(path: Path, content) -> None:
    path.write_text(json.dumps(content))


if __name__ == "__main__":
    sys.exit(main())
