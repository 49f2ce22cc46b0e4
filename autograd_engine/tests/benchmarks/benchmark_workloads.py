"""W1 to W5: whole training steps beside micrograd and torch, in time and memory.

    python tests/benchmarks/benchmark_workloads.py --json workloads.json

W1  MLP 2-16-16-1 on 100 points, one number at a time, beside micrograd
W2  MLP 784-256-128-10, batch 128, SGD
W3  LeNet on 28x28 (padded as LeCun's), batch 64, SGD
W4  GPT of 2 blocks, d_model 128, 64 tokens, batch 16, Adam
W5  LSTM with 128 hidden units over 50 symbols, batch 32, Adam

The same weights and batch for both; they take turns in one process with one thread, and
a figure is the median CPU time. Memory is the largest resident set of a process that
runs 3 steps of one of the two, less what it held before the first.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks import threads  # noqa: F401, I001

import numpy as np
import torch

from tests.benchmarks import benchmark_scalar
from tests.benchmarks.benchmark_conv import lenet
from tests.benchmarks.benchmark_layers import interleave
from tests.benchmarks.rows import ratio_row
from tests.benchmarks.steps import STEPS


BARS = {"W1": 0.7, "W2": 0.75, "W3": 2.0, "W4": 1.8, "W5": 1.8}
WORDS = {
    "W2": "an MLP 784-256-128-10, batch 128",
    "W3": "LeNet, batch 64",
    "W4": "a GPT of 2 blocks, 64 tokens, batch 16",
    "W5": "an LSTM of 128, 50 symbols, batch 32",
}
WORKLOADS = {"W3": lambda: lenet(2)} | {name[:2]: make for name, make in STEPS.items()}


def main() -> int:
    options = parse()
    torch.set_num_threads(1)
    if options.memory:
        print(measure_memory(*options.memory.split(":")))
        return 0
    rows = {"W1": scalar_row(options.rounds)}
    for name in sorted(WORKLOADS):
        times = interleave(WORKLOADS[name](), options.rounds, 1)
        peaks = {who: peak_of(name, who) for who in ("ours", "torch")}
        rows[name] = {
            **{f"{who}_ms": 1e3 * time for who, time in times.items()},
            "ratio": times["ours"] / times["torch"],
            **{f"{who}_mib": peak for who, peak in peaks.items()},
            "memory_ratio": peaks["ours"] / peaks["torch"],
        }
    show(rows)
    if options.json:
        about = {
            "system": platform.platform(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "threads": 1,
        }
        result = {"device": about, "rounds": options.rounds, "steps": rows}
        result["rows"] = beside_torch(rows)
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def beside_torch(steps: dict[str, dict[str, float]]) -> list[dict]:
    """W1 is a row of benchmark_scalar."""
    found = []
    for name, words in WORDS.items():
        one, words = steps[name], f"training step of {words}"
        found += [
            ratio_row(words, "torch", one["ours_ms"], one["torch_ms"]),
            ratio_row(words, "torch", one["ours_mib"], one["torch_mib"], "memory"),
        ]
    return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=25, help="timed steps (25)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds starts at 1")
    return options


def scalar_row(rounds: int) -> dict[str, float]:
    """W1: one operation a node as in micrograd, and with the sum of a neuron fused."""
    cpu = benchmark_scalar.interleave(benchmark_scalar.variants(100), rounds, True)
    return {
        "ours_ms": 1e3 * cpu["plain"],
        "fused_ms": 1e3 * cpu["fused"],
        "micrograd_ms": 1e3 * cpu["micrograd"],
        "ratio": cpu["plain"] / cpu["micrograd"],
        "fused_ratio": cpu["fused"] / cpu["micrograd"],
    }


def peak_of(name: str, who: str) -> float:
    """MiB that a fresh process needs for the steps of one of the two."""
    command = [sys.executable, __file__, "--memory", f"{name}:{who}"]
    # The allocator gives back what is freed, so that the peak is one of live memory.
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "131072"}
    found = subprocess.run(command, env=environment, capture_output=True, check=True)
    return float(found.stdout)


def measure_memory(name: str, who: str) -> float:
    step = WORKLOADS[name]()[who]
    # 5 sets the peak back to what is resident now (proc(5)); importing had its own.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = memory_kib("VmRSS")
    for _ in range(3):
        step()
    return (memory_kib("VmHWM") - before) / 1024


def memory_kib(field: str) -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.partition(f"{field}:")[2].split()[0])


def show(rows: dict[str, dict[str, float]]) -> None:
    print("      ours ms   beside ms   ratio   bar    MiB   beside   ratio")
    for name, row in rows.items():
        beside = row.get("torch_ms", row.get("micrograd_ms"))
        memory = ""
        if "memory_ratio" in row:
            memory = (
                f"{row['ours_mib']:7.1f}{row['torch_mib']:9.1f}"
                f"{row['memory_ratio']:8.2f}"
            )
        print(
            f"{name}  {row['ours_ms']:10.2f}{beside:12.2f}{row['ratio']:8.2f}"
            f"{BARS[name]:6.2f}{memory}"
        )
    print(f"W1 with the sum of a neuron as one node: {rows['W1']['fused_ratio']:.2f}")


if __name__ == "__main__":
    sys.exit(main())
