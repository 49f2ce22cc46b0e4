"""What does each level cost? One training step of the same perceptron on all of them.

    python tests/benchmarks/benchmark_levels.py --json levels.json

The steps are those of examples/three_engines.py, in float64: a perceptron with relu on
points of XOR, mean log loss, plain gradient descent. `small` is 2-8-8-1 on 50 points,
where calls cost more than arithmetic; `large` 2-64-64-1 on 500 points. Variants take
turns in one process with one thread; a figure is the median CPU time over rounds, and
only ratios travel between machines. Losses must agree to 1e-9 in every round. Memory is
the peak of one more step as tracemalloc sees it (torch's own memory it does not see).
"""

import argparse
import json
import os
import platform
import runpy
import statistics
import sys
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace


os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"
import torch


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks.rows import ratio_row


PROGRAM = Path(__file__).resolve().parents[2] / "examples/three_engines.py"
SHAPES = {"small": (50, (2, 8, 8, 1)), "large": (500, (2, 64, 64, 1))}

LEVELS = {
    "1 scalars": "level 1, scalars",
    "2 simple": "level 2, plain Python",
    "2 fast": "level 2, numba",
    "3 engine": "level 3, the engine",
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds (7)")
    parser.add_argument("--only", choices=list(SHAPES), help="one size instead of both")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds starts at 1")
    result = {
        "device": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "threads": int(os.environ["OMP_NUM_THREADS"]),
        },
        "rounds": options.rounds,
        "rows": [],
    }
    program = SimpleNamespace(**runpy.run_path(str(PROGRAM)))
    for name, (count, sizes) in SHAPES.items():
        if options.only not in (None, name):
            continue
        data = program.problem(count, sizes)
        steps = program.engines(data, torch=torch)
        cpu = interleave(steps, options.rounds)
        base = cpu["3 engine"]
        ratios = {n: t / base for n, t in cpu.items()}
        peaks = {n: peak_kib(step) for n, step in steps.items() if n != "torch"}
        result[name] = {"cpu_s": cpu, "ratios": ratios, "peak_kib": peaks}
        perceptron = f"perceptron {'-'.join(map(str, sizes))}, {count} points"
        result["rows"] += [
            ratio_row(f"{perceptron}: {words}", "torch", cpu[engine], cpu["torch"])
            for engine, words in LEVELS.items()
            if engine in cpu
        ]
        print(f"{name}: {'-'.join(map(str, sizes))}, {count} points, one thread")
        for engine, seconds in cpu.items():
            peak = f"{peaks[engine]:>8.0f} KiB" if engine in peaks else ""
            ratio = f"x{seconds / base:.2f}"
            print(f"  {engine:<10}{1e3 * seconds:>10.2f} ms {ratio:>9}{peak}")
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def peak_kib(step) -> float:
    """The most that Python and numpy hold at once during a step, beyond before it."""
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1024


def interleave(steps: dict, rounds: int) -> dict[str, float]:
    """Each in turn, `rounds` times after a warm-up; the median CPU seconds."""
    cpu: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        losses = {}
        for name, step in steps.items():
            started = time.process_time()
            losses[name] = step()
            if number > 0:
                cpu[name].append(time.process_time() - started)
        if max(losses.values()) - min(losses.values()) > 1e-9:
            raise RuntimeError(f"the engines disagree in step {number}: {losses}")
    return {name: statistics.median(seconds) for name, seconds in cpu.items()}


if __name__ == "__main__":
    sys.exit(main())
