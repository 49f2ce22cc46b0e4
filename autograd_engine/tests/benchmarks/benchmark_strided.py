"""How fast are the loops of level 2, and what does compiling them cost?

    python tests/benchmarks/benchmark_strided.py --json strided.json

Compares the numba backend with the plain Python one, numpy and torch for map, zip,
reduce and matmul, and on the small task of MiniTorch's course: a training step of an
MLP 2-10-10-1 on 50 points. Variants take turns in one process, a figure is the median
CPU time over rounds after a warm-up, and only ratios travel between machines. The plain
backend is left out where a call would take seconds; numpy has one thread.

Compiling is reported apart: the CPU time of the first training step, in a process with
an empty cache and in one that finds on disk what the first left there.
"""

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is imported
import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.strided import MLP, TensorData, get_backend, operators
from tests.benchmarks.rows import ratio_row


MODULES = ("numba", "numpy", "torch")
ROOT = Path(__file__).resolve().parents[2]
SIMPLE_LIMIT = 300_000  # numbers or multiplications that plain Python still handles
RIVALS = {"simple": "the same in plain Python"}
TOLD = ("training step", "128^3", "512^3", "1000 x 1000")  # of these sizes
Calls = dict[str, Callable[[], object]]


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    import numba
    import torch

    numba.set_num_threads(options.threads)
    torch.set_num_threads(options.threads)
    result = {
        "device": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "threads": options.threads,
            "python": platform.python_version(),
            **{m: importlib.import_module(m).__version__ for m in MODULES},
        },
        "options": vars(options),
        "cpu_s": {
            name: interleave(calls, options.rounds)
            for name, calls in cases(torch, options.largest).items()
        },
        "compile_s": compile_seconds(),
    }
    result["ratios"] = {
        name: {f"fast / {k}": row["fast"] / row[k] for k in row if k != "fast"}
        for name, row in result["cpu_s"].items()
    }
    result["rows"] = [
        ratio_row(f"strided loops: {name}", RIVALS.get(k, k), row["fast"], row[k])
        for name, row in result["cpu_s"].items()
        for k in row
        if k != "fast" and name.endswith(TOLD)
    ]
    show(result)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="timed rounds (15)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument(
        "--largest", type=int, default=1000, help="side of the large matrix (1000)"
    )
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    options = parser.parse_args(arguments)
    if min(options.rounds, options.threads, options.largest) < 1:
        parser.error("--rounds, --threads and --largest start at 1")
    return options


def cases(torch, largest: int) -> dict[str, Calls]:
    """Every comparison: a name and what each variant calls."""
    found = {"training step": training_steps(torch)}
    for rows, columns in [(50, 10), (largest, largest)]:
        found |= elementwise(torch, rows, columns)
    for side in (8, 32, 128, 512):
        found[f"matmul {side}^3"] = products(torch, side)
    return found


def elementwise(torch, rows: int, columns: int) -> dict[str, Calls]:
    a = np.random.default_rng(0).normal(size=(rows, columns))
    row, t, size = a[0].copy(), torch.from_numpy(a), f"{rows} x {columns}"
    data = TensorData(a.reshape(-1), a.shape)
    bias, turned = TensorData(row, row.shape), data.permute((1, 0))
    tr = torch.from_numpy(row)

    def ours(call: Callable) -> Calls:
        names = ["fast"] + ["simple"] * (a.size <= SIMPLE_LIMIT)
        return {name: lambda n=name: call(get_backend(n)) for name in names}

    def both(fast: Callable, numpy: Callable, torch_: Callable) -> Calls:
        return ours(fast) | {"numpy": numpy, "torch": torch_}

    return {
        f"map relu {size}": both(
            lambda ops: ops.map(operators.relu)(data),
            lambda: np.maximum(a, 0),
            lambda: t.relu(),
        ),
        f"map exp {size}": both(
            lambda ops: ops.map(operators.exp)(data), lambda: np.exp(a), lambda: t.exp()
        ),
        f"zip add {size}": both(
            lambda ops: ops.zip(operators.add)(data, data), lambda: a + a, lambda: t + t
        ),
        f"zip add a row {size}": both(
            lambda ops: ops.zip(operators.add)(data, bias),
            lambda: a + row,
            lambda: t + tr,
        ),
        f"copy permuted {size}": both(
            lambda ops: ops.contiguous(turned),
            lambda: np.ascontiguousarray(a.T),
            lambda: t.T.contiguous(),
        ),
        f"sum 0 {size}": both(
            lambda ops: ops.reduce(operators.add, 0.0)(data, 0),
            lambda: a.sum(0),
            lambda: t.sum(0),
        ),
        f"sum 1 {size}": both(
            lambda ops: ops.reduce(operators.add, 0.0)(data, 1),
            lambda: a.sum(1),
            lambda: t.sum(1),
        ),
    }


def products(torch, side: int) -> Calls:
    a = np.random.default_rng(0).normal(size=(side, side))
    t, data = torch.from_numpy(a), TensorData(a.reshape(-1), a.shape)
    calls = {"numpy": lambda: a @ a, "torch": lambda: t @ t}
    names = ["fast"] + ["simple"] * (side <= 128)
    ours = {n: lambda n=n: get_backend(n).matrix_multiply(data, data) for n in names}
    return ours | calls


def training_steps(torch) -> Calls:
    """One step of gradient descent on the course's task, from equal weights."""
    random, sizes = np.random.default_rng(0), (2, 10, 10, 1)
    x, y = random.normal(size=(50, 2)), random.integers(0, 2, 50)
    weights = [random.normal(size=p) for p in zip(sizes, sizes[1:], strict=False)]
    biases = [np.zeros(size) for size in sizes[1:]]
    models = {name: MLP(weights, biases, name) for name in ("fast", "simple")}
    theirs = [torch.tensor(p, requires_grad=True) for p in (*weights, *biases)]
    inputs, targets = torch.tensor(x), torch.tensor(y * 1.0)[:, None]

    def ours(model: MLP) -> None:
        model.loss(x, y).backward()
        model.step(0.1)

    def in_torch() -> None:
        out = inputs
        for i in range(3):
            out = out @ theirs[i] + theirs[3 + i]
            out = out.relu() if i < 2 else out
        loss = torch.nn.functional.binary_cross_entropy_with_logits(out, targets)
        for p, g in zip(theirs, torch.autograd.grad(loss, theirs), strict=True):
            p.data -= 0.1 * g

    return {n: lambda m=m: ours(m) for n, m in models.items()} | {"torch": in_torch}


def compile_seconds() -> dict[str, float]:
    """CPU seconds of the first training step: nothing on disk, then all of it."""
    program = (
        "import time; import numpy as np; from src.strided import MLP; import numba\n"
        "weights = [np.ones((2, 10)), np.ones((10, 1))]\n"
        "m = MLP(weights, [np.ones(10), np.ones(1)], 'fast')\n"
        "t = time.process_time()\n"
        "m.loss(np.ones((50, 2)), np.ones(50)).backward(); m.step(0.1)\n"
        "print(time.process_time() - t)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            subprocess.run(
                [sys.executable, "-c", program],
                cwd=ROOT,
                env=os.environ | {"NUMBA_CACHE_DIR": folder},
                capture_output=True,
                text=True,
                check=True,
            )
            for _ in range(2)
        ]
    first, second = (float(run.stdout) for run in runs)
    return {"first step, empty cache": first, "first step, cached": second}


def interleave(calls: Calls, rounds: int) -> dict[str, float]:
    """Call each in turn; the median CPU seconds, of as many calls as fill 2 ms."""
    repeat = {}
    for name, call in calls.items():
        call()
        started = time.process_time()
        call()
        took = max(time.process_time() - started, 1e-6)
        repeat[name] = max(1, min(1000, int(0.002 / took)))
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.process_time()
            for _ in range(repeat[name]):
                call()
            times[name].append((time.process_time() - started) / repeat[name])
    return {name: statistics.median(values) for name, values in times.items()}


def show(result: dict) -> None:
    device = result["device"]
    print(
        f"numba {device['numba']}, numpy {device['numpy']}, torch {device['torch']}, "
        f"{result['options']['threads']} threads of {device['cores']} cores"
    )
    heads = ("fast", "simple", "numpy", "torch")
    print(f"{'microseconds':<28}" + "".join(f"{head:>11}" for head in heads))
    for name, row in result["cpu_s"].items():
        cells = (f"{1e6 * row[h]:>11.1f}" if h in row else " " * 11 for h in heads)
        print(f"{name:<28}" + "".join(cells))
    print(f"{'fast over':<28}{'':>11}" + "".join(f"{head:>11}" for head in heads[1:]))
    for name, row in result["ratios"].items():
        keys = (f"fast / {head}" for head in heads[1:])
        cells = (f"{row[k]:>11.3f}" if k in row else " " * 11 for k in keys)
        print(f"{name:<28}{'':>11}" + "".join(cells))
    for name, seconds in result["compile_s"].items():
        print(f"{name:<28}{seconds:>11.2f} s")


if __name__ == "__main__":
    sys.exit(main())
