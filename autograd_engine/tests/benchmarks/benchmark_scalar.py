"""How fast is a training step on Scalars? W1 of the benchmarks, beside micrograd.

    python tests/benchmarks/benchmark_scalar.py --json scalar.json

W1 is the step of micrograd's demo: an MLP 2-16-16-1 with relu on 100 points, max-margin
loss plus 1e-4 times the sum of squares, backward, one step of gradient descent. All
variants run the same code from the same weights, and their losses must agree to 1e-9:

    plain   our Scalar, one operation a node, as in micrograd
    fused   our MLP as it is: w . x + b of a neuron is one node (`dot`),
            and the inputs are plain numbers

Variants take turns in one process, a figure is the median CPU time over rounds, and
only ratios travel between machines. micrograd's nodes are cycles that only the garbage
collector frees, ours are not; so the step is timed with the collector paused, and once
more as Python runs it. The first is the harder comparison, and the one to quote.
"""

import argparse
import gc
import json
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from micrograd.engine import Value
from micrograd.nn import MLP as MicrogradMLP


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.scalar import MLP, Scalar
from tests.benchmarks.rows import ratio_row


SIZES = [16, 16, 1]
Step = Callable[[], float]


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    result = {
        "device": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "threads": 1,  # it is plain Python
        },
        "options": vars(options),
    }
    for key, paused in (("collector paused", True), ("collector running", False)):
        cpu = interleave(variants(options.points), options.rounds, paused)
        ratios = {f"{n} / micrograd": t / cpu["micrograd"] for n, t in cpu.items()}
        result[key] = {"cpu_s": cpu, "ratios": ratios}
    cpu = result["collector paused"]["cpu_s"]
    result["rows"] = [
        ratio_row(
            f"training step on scalars{how}", "micrograd", cpu[name], cpu["micrograd"]
        )
        for name, how in (("plain", ""), ("fused", ", a neuron as one node"))
    ]
    show(result)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=100, help="points a step (100)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (9)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    options = parser.parse_args(arguments)
    if min(options.points, options.rounds) < 1:
        parser.error("--points and --rounds start at 1")
    return options


def variants(count: int) -> dict[str, Step]:
    """A training step of each engine on the same points, from the same weights."""
    rng = random.Random(0)
    points = [[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(count)]
    signs = [rng.choice((-1, 1)) for _ in range(count)]
    theirs = MicrogradMLP(2, SIZES)
    weights = [rng.uniform(-1, 1) for _ in theirs.parameters()]
    plain, fused = MLP(2, SIZES, fused=False), MLP(2, SIZES)

    def wrapped(kind: type) -> Callable[[list[float]], list]:
        return lambda point: [kind(x) for x in point]

    return {
        "micrograd": training_step(
            theirs, theirs, wrapped(Value), weights, points, signs
        ),
        "plain": training_step(
            plain, lambda x: plain(x)[0], wrapped(Scalar), weights, points, signs
        ),
        "fused": training_step(
            fused, lambda x: fused(x)[0], list, weights, points, signs
        ),
    }


def training_step(
    model: Any,
    score: Callable[[list], Any],
    inputs_of: Callable[[list[float]], list],
    weights: list[float],
    points: list[list[float]],
    signs: list[int],
) -> Step:
    """The step of micrograd's `demo.ipynb`; `inputs_of` turns a point into nodes."""
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.data = weight

    def step() -> float:
        scores = [score(inputs_of(point)) for point in points]
        losses = [
            (1 + -sign * each).relu() for sign, each in zip(signs, scores, strict=True)
        ]
        decay = 1e-4 * sum(p * p for p in model.parameters())
        total = sum(losses) * (1.0 / len(losses)) + decay
        model.zero_grad()
        total.backward()
        for parameter in model.parameters():
            parameter.data -= 0.01 * parameter.grad
        return total.data

    return step


def interleave(steps: dict[str, Step], rounds: int, paused: bool) -> dict[str, float]:
    """Call each in turn, `rounds` times after a warm-up; the median CPU seconds."""
    cpu: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        losses = {}
        for name, step in steps.items():
            gc.collect()  # nobody pays for the garbage of the variant before
            if paused:
                gc.disable()
            started = time.process_time()
            losses[name] = step()
            seconds = time.process_time() - started
            gc.enable()
            if number > 0:
                cpu[name].append(seconds)
        if max(losses.values()) - min(losses.values()) > 1e-9:
            raise RuntimeError(f"the engines disagree in step {number}: {losses}")
    return {name: statistics.median(seconds) for name, seconds in cpu.items()}


def show(result: dict) -> None:
    device = result["device"]
    print(f"python {device['python']}, {device['cores']} cores, {device['system']}")
    for key in ("collector paused", "collector running"):
        print(f"{key:<20}{'CPU ms':>9}{'ratio':>8}")
        for name, seconds in result[key]["cpu_s"].items():
            ratio = result[key]["ratios"][f"{name} / micrograd"]
            print(f"  {name:<18}{1e3 * seconds:>9.1f}{ratio:>8.3f}")


if __name__ == "__main__":
    sys.exit(main())
