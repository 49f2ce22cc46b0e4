"""How fast are convolutions and pooling, and networks of them, beside torch's?

    python tests/benchmarks/benchmark_conv.py --json conv.json

Layers run forward and backward, the gradient of the input included; their input is the
output of a layer before, as inside a network. The steps: W3, LeNet on 28x28 (with and
without padding of the first convolution), batch 64; a CNN of widths 32, 64, 128 and a
ResNet of 8 layers, both on 32x32 in batches of 128. Measured as in `benchmark_layers`:
one thread, in turns, medians of CPU time, ratios. Contracts are off.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks import threads  # noqa: F401, I001

import numpy as np
import torch
import torch.nn.functional as TF

import src as ag
from src import functional as F
from tests.benchmarks.benchmark_layers import interleave
from tests.benchmarks.rows import ratio_row
from tests.benchmarks.steps import pair, weights


# name -> batch, channels, side, kernels, kernel, stride, padding, groups
CONVOLUTIONS = {
    "conv 5x5 1-6 @28": (64, 1, 28, 6, 5, 1, 2, 1),
    "conv 5x5 6-16 @14": (64, 6, 14, 16, 5, 1, 0, 1),
    "conv 3x3 3-32 @32": (128, 3, 32, 32, 3, 1, 1, 1),
    "conv 3x3 32-64 @16": (128, 32, 16, 64, 3, 1, 1, 1),
    "conv 3x3 64-128 @8": (128, 64, 8, 128, 3, 1, 1, 1),
    "conv 3x3 16-16 @32": (128, 16, 32, 16, 3, 1, 1, 1),
    "conv 3x3 64-64 @8": (128, 64, 8, 64, 3, 1, 1, 1),
    "conv 3x3 16-32 @32 /2": (128, 16, 32, 32, 3, 2, 1, 1),
    "conv 1x1 64-128 @16": (128, 64, 16, 128, 1, 1, 0, 1),
    "conv 3x3 64 depthwise": (128, 64, 16, 64, 3, 1, 1, 64),
    "conv 3x3 64-64 @56 N=1": (1, 64, 56, 64, 3, 1, 1, 1),
}


WORDS = {
    "max_pool 2 @32": "max pooling 2x2",
    "max_pool 3 /2 @32": "max pooling 3x3 by 2, padded",
    "avg_pool 2 @32": "average pooling 2x2",
    "mean of 8x8": "global average pooling",
    "bilinear to 2x @16": "bilinear upsampling by 2",
    "W3 LeNet": "training step of LeNet, no padding",
    "CNN 32-64-128": "training step of a CNN, widths 32, 64, 128",
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="timed rounds (15)")
    parser.add_argument("--only", metavar="WORDS", help="names with one of a,b,c")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    result = {"device": device(), "options": vars(options), "times": {}, "rows": []}
    for name, make in cases().items():
        if options.only and not any(word in name for word in options.only.split(",")):
            continue
        times = interleave(make(), options.rounds, 1)
        row = {f"{k}_ms": 1e3 * t for k, t in times.items()}
        row["ratio"] = times["ours"] / times["torch"]
        result["times"][name] = row
        if name != "W3 LeNet, padding 2":  # a row of benchmark_workloads
            words = in_words(name)
            result["rows"].append(
                ratio_row(words, "torch", times["ours"], times["torch"])
            )
        print(
            f"{name:<26}{row['ours_ms']:>9.2f} ms{row['torch_ms']:>9.2f} ms"
            f"{row['ratio']:>8.2f}",
            flush=True,
        )
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def device() -> dict:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "threads": 1,
    }


def in_words(name: str) -> str:
    if name not in CONVOLUTIONS:
        return WORDS.get(name, f"training step of {name}")
    batch, channels, side, kernels, kernel, stride, _, groups = CONVOLUTIONS[name]
    kind = "depthwise convolution" if groups > 1 else "convolution"
    step = f" by {stride}" if stride > 1 else ""
    widths = f"{channels} to {kernels} channels of {side}x{side}"
    return f"{kind} {kernel}x{kernel}{step}, {widths}, batch {batch}"


def cases() -> dict[str, Callable]:
    made: dict[str, Callable] = {
        name: lambda numbers=numbers: convolution(*numbers)
        for name, numbers in CONVOLUTIONS.items()
    }
    made |= {
        "max_pool 2 @32": lambda: layer(lambda f, x: f.max_pool2d(x, 2), 64, 32, 32),
        "max_pool 3 /2 @32": lambda: layer(
            lambda f, x: f.max_pool2d(x, 3, 2, 1), 64, 32, 32
        ),
        "avg_pool 2 @32": lambda: layer(lambda f, x: f.avg_pool2d(x, 2), 64, 32, 32),
        "mean of 8x8": lambda: layer(
            lambda f, x: f.adaptive_avg_pool2d(x, 1), 128, 64, 8
        ),
        "bilinear to 2x @16": lambda: layer(
            lambda f, x: f.interpolate(x, scale_factor=2, mode="bilinear"), 32, 16, 16
        ),
        "W3 LeNet, padding 2": lambda: lenet(2),
        "W3 LeNet": lambda: lenet(0),
        "CNN 32-64-128": lambda: images(cnn_shapes(), cnn_loss),
        "ResNet-8": lambda: images(resnet_shapes(), resnet_loss),
    }
    return made


def convolution(batch, channels, side, kernels, kernel, stride, padding, groups):
    w = np.random.default_rng(1).standard_normal(
        (kernels, channels // groups, kernel, kernel), np.float32
    )
    pairs = {F: ag.tensor(w, requires_grad=True), TF: torch.tensor(w)}
    pairs[TF].requires_grad_()

    def run(f, x):
        return f.conv2d(x, pairs[f], None, stride, padding, 1, groups)

    return layer(run, batch, channels, side)


def layer(run: Callable, batch: int, channels: int, side: int) -> dict[str, Callable]:
    """Forward and backward, from an input and a gradient as a network has them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, channels, side, side), np.float32)
    ours = ag.from_numpy(batch_last(x)).requires_grad_()
    theirs = torch.tensor(x, requires_grad=True)
    g = rng.standard_normal(run(F, ours).shape, np.float32)
    our_g, their_g = ag.from_numpy(batch_last(g)), torch.tensor(g)

    def our_call() -> None:
        ours.grad = None
        run(F, ours).backward(our_g)

    def their_call() -> None:
        theirs.grad = None
        run(TF, theirs).backward(their_g)

    return {"ours": our_call, "torch": their_call}


def batch_last(x: np.ndarray) -> np.ndarray:
    """The same values in the memory order that our convolutions produce."""
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)


def lenet(padding: int) -> dict[str, Callable]:
    flat = 16 * (5 if padding else 4) ** 2
    shapes = {"c1": (6, 1, 5, 5), "d1": (6,), "c2": (16, 6, 5, 5), "d2": (16,)}
    for i, (a, b) in enumerate(((flat, 120), (120, 84), (84, 10))):
        shapes |= {f"w{i}": (b, a), f"b{i}": (b,)}
    rng = np.random.default_rng(1)
    x = rng.standard_normal((64, 1, 28, 28), np.float32)
    batch = x, rng.integers(0, 10, 64)

    def loss(f, p, x, target):
        x = f.max_pool2d(f.relu(f.conv2d(x, p["c1"], p["d1"], 1, padding)), 2)
        x = f.max_pool2d(f.relu(f.conv2d(x, p["c2"], p["d2"])), 2).flatten(1)
        x = f.relu(f.linear(x, p["w0"], p["b0"]))
        x = f.relu(f.linear(x, p["w1"], p["b1"]))
        return f.cross_entropy(f.linear(x, p["w2"], p["b2"]), target)

    return pair(weights(shapes), loss, batch, False)


def images(shapes: dict, loss: Callable) -> dict[str, Callable]:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((128, 3, 32, 32), np.float32)
    return pair(weights(shapes), loss, (x, rng.integers(0, 10, 128)), False)


def cnn_shapes() -> dict:
    shapes, width = {"w": (10, 128), "b": (10,)}, 3
    for i, wider in enumerate((32, 64, 128)):
        shapes |= {f"c{i}": (wider, width, 3, 3), f"d{i}": (wider,)}
        width = wider
    return shapes


def cnn_loss(f, p, x, target):
    for i in range(3):
        x = f.max_pool2d(f.relu(f.conv2d(x, p[f"c{i}"], p[f"d{i}"], 1, 1)), 2)
    x = f.adaptive_avg_pool2d(x, 1).flatten(1)
    return f.cross_entropy(f.linear(x, p["w"], p["b"]), target)


def resnet_shapes() -> dict:
    shapes = {"w": (10, 64), "b": (10,), "stem": (16, 3, 3, 3)} | norm("stem", 16)
    width = 16
    for i, wider in enumerate((16, 32, 64)):
        shapes |= {f"{i}a": (wider, width, 3, 3), f"{i}b": (wider, wider, 3, 3)}
        shapes |= norm(f"{i}a", wider) | norm(f"{i}b", wider)
        if wider != width:
            shapes[f"{i}c"] = (wider, width, 1, 1)
        width = wider
    return shapes


def norm(name: str, width: int) -> dict:
    return {f"{name}.scale": (width,), f"{name}.shift": (width,)}


def resnet_loss(f, p, x, target):
    def block(x, name, stride=1):
        x = f.conv2d(x, p[name], None, stride, 1)
        shift = p[f"{name}.shift"]
        return f.batch_norm(x, None, None, p[f"{name}.scale"], shift, training=True)

    x = f.relu(block(x, "stem"))
    for i in range(3):
        short = f.conv2d(x, p[f"{i}c"], None, 2) if f"{i}c" in p else x
        inner = f.relu(block(x, f"{i}a", 1 + (i > 0)))
        x = f.relu(block(inner, f"{i}b") + short)
    x = f.adaptive_avg_pool2d(x, 1).flatten(1)
    return f.cross_entropy(f.linear(x, p["w"], p["b"]), target)


if __name__ == "__main__":
    sys.exit(main())
