"""How fast are the layers, and whole steps made of them, beside torch on one thread?

    python tests/benchmarks/benchmark_layers.py --json layers.json

Each layer runs forward and backward at the sizes of the GPT step; the steps W2, W4 and
W5 are those of `steps.py`. Both libraries take turns in one process with one thread, a
figure is the median CPU time over rounds, and only ratios travel between machines.
Contracts are off.
What `src/utils/allocator.py` asks of malloc holds for torch as well.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks import threads  # noqa: F401, I001

import numpy as np
import torch
import torch.nn.functional as TF

import src as ag
from src import functional as F
from tests.benchmarks.rows import ratio_row
from tests.benchmarks.steps import STEPS


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(1)
    result = {
        "device": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "threads": 1,
        },
        "options": vars(options),
        "layers": {},
        "steps": {},
        "rows": [],
    }
    chosen = options.only.split(",") if options.only else None
    for group, makers in (("layers", layers()), ("steps", STEPS)):
        for name, make in makers.items():
            if chosen and not any(word in name for word in chosen):
                continue
            calls = make() if group == "steps" else make
            times = interleave(calls, options.rounds, options.repeat)
            row = {f"{k}_ms": 1e3 * t for k, t in times.items()}
            row["ratio"] = times["ours"] / times["torch"]
            if group == "steps":
                row["loss_gap"] = abs(calls["ours"]() - calls["torch"]())
            else:  # the steps are the rows of benchmark_workloads
                result["rows"].append(
                    ratio_row(f"layer: {name}", "torch", *times.values())
                )
            result[group][name] = row
            print(
                f"{name:<24}{row['ours_ms']:>9.3f} ms{row['torch_ms']:>9.3f} ms"
                f"{row['ratio']:>8.2f}",
                flush=True,
            )
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=25, help="timed rounds (25)")
    parser.add_argument("--repeat", type=int, default=2, help="calls a round (2)")
    parser.add_argument("--only", metavar="WORDS", help="names with one of a,b,c")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    options = parser.parse_args(arguments)
    if min(options.rounds, options.repeat) < 1:
        parser.error("--rounds and --repeat start at 1")
    return options


def interleave(
    calls: dict[str, Callable], rounds: int, repeat: int
) -> dict[str, float]:
    """Median CPU seconds of a call of each; the variants take turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 2):
        for name, call in calls.items():
            start = time.process_time()
            for _ in range(repeat):
                call()
            if turn >= 2:  # the first two rounds warm up
                times[name].append((time.process_time() - start) / repeat)
    return {name: statistics.median(values) for name, values in times.items()}


def layers() -> dict[str, dict[str, Callable]]:
    """Forward and backward of each layer, ours and torch's."""
    wide, narrow, deep = (16, 64, 512), (16, 64, 128), (16, 4, 64, 32)
    numbers = np.random.default_rng(0).integers(0, 65, 1024)
    norm = [(128,), (128,)]
    cell = [(50, 32, 64), (512, 64), (512, 128), (512,), (512,)]
    rows = {
        "linear 128-512": ([narrow, (512, 128), (512,)], lambda f, *a: f.linear(*a)),
        "linear 512-128": ([wide, (128, 512), (128,)], lambda f, *a: f.linear(*a)),
        "layer_norm": (
            [narrow, *norm],
            lambda f, x, w, b: f.layer_norm(x, (128,), w, b),
        ),
        "relu": ([wide], lambda f, x: f.relu(x)),
        "gelu": ([wide], lambda f, x: f.gelu(x)),
        "gelu tanh": ([wide], lambda f, x: f.gelu(x, approximate="tanh")),
        "silu": ([wide], lambda f, x: f.silu(x)),
        "softmax": ([(16, 4, 64, 64)], lambda f, x: f.softmax(x, -1)),
        "dropout": ([narrow], lambda f, x: f.dropout(x, 0.1)),
        "batch_norm 2d": (
            [(32, 32, 16, 16), (32,), (32,)],
            lambda f, x, w, b: f.batch_norm(x, None, None, w, b, training=True),
        ),
        "cross_entropy": (
            [(1024, 65)],
            lambda f, x: f.cross_entropy(x, index(f, numbers)),
        ),
        "embedding": ([(65, 128)], lambda f, w: f.embedding(index(f, numbers), w)),
        "attention 64": (
            [deep] * 3,
            lambda f, *a: f.scaled_dot_product_attention(*a, is_causal=True),
        ),
        "attention 256": (
            [(4, 4, 256, 32)] * 3,
            lambda f, *a: f.scaled_dot_product_attention(*a, is_causal=True),
        ),
        "lstm": (cell, run_lstm),
    }
    return {name: calls(*row) for name, row in rows.items()}


def calls(shapes: list, layer: Callable) -> dict[str, Callable]:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s, dtype=np.float32) * 0.3 for s in shapes]
    ours = [ag.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    grad = rng.standard_normal(layer(F, *ours).shape, dtype=np.float32)

    def run(f, tensors, gradient):
        for tensor in tensors:
            tensor.grad = None
        layer(f, *tensors).backward(gradient)

    our_grad, their_grad = ag.tensor(grad), torch.tensor(grad)
    return {
        "ours": lambda: run(F, ours, our_grad),
        "torch": lambda: run(TF, theirs, their_grad),
    }


def run_lstm(f, x, *parameters):
    shape = 1, x.shape[1], parameters[1].shape[1]
    if f is F:
        start = ag.Tensor(np.zeros(shape[1:], np.float32))
        return f.lstm(x, start, start, *parameters)[0]
    start = torch.zeros(shape)
    flags = True, 1, 0.0, True, False, False
    return torch.lstm(x, (start, start), parameters, *flags)[0]


def index(f, numbers: np.ndarray):
    return ag.Tensor(numbers) if f is F else torch.from_numpy(numbers)


if __name__ == "__main__":
    sys.exit(main())
