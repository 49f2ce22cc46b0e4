"""How fast is a training step, and how much memory does it keep for the backward pass?

    python tests/benchmarks/benchmark_step.py --json step.json

Compares our U-Net as the trainer runs it on a CPU (channels_last, fused AdamW) with
MONAI's BasicUNet and with `plain_unet.py`, each as its user would write it: contiguous
tensors, `torch.optim.AdamW` without options. One more row gives the plain one our
memory format and optimiser, so that what remains is the model. Contracts are off.
Variants take turns in one process, a figure is the median over rounds, and only ratios
travel between machines.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.models import ModelConfig, build_model
from src.models.attention import SelfAttention
from tests.benchmarks.measure import (
    contracts,
    device_info,
    interleave,
    saved_for_backward,
)
from tests.benchmarks.plain_unet import PlainUNet
from tests.benchmarks.rows import ratio_row


CLASSES, CHANNELS = 4, 3
RIVALS = {
    "ours / plain": "plain U-Net",
    "ours / plain, tuned": "plain U-Net, our layout and optimiser",
    "ours / MONAI": "MONAI BasicUNet",
}


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    result = {"device": device_info(), "options": vars(options)}
    with contracts(False):
        result |= measure_models(options)
        result["contracts_percent"] = measure_contracts(options)
        result["attention"] = measure_attention(options)
    result["rows"] = ratio_rows(result)
    show(result)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def ratio_rows(result: dict) -> list[dict]:
    """Time and memory beside each model; torch's kernel beside explicit attention."""
    ratios = result["ratios"]
    rows = [
        ratio_row("training step of the U-Net", RIVALS[name], ratio[key], 1, quantity)
        for name, ratio in ratios.items()
        for key, quantity in (("cpu_s", "CPU time"), ("saved_mib", "memory"))
    ]
    return rows + [
        ratio_row(f"self-attention, {name.split(', ')[1]}", "explicit form", 1, ratio)
        for name, ratio in result["attention"].items()
    ]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=4, help="images (4)")
    parser.add_argument("--side", type=int, default=128, help="multiple of 16 (128)")
    parser.add_argument(
        "--width", type=int, default=32, help="channels at the top (32)"
    )
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (9)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (2)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    options = parser.parse_args(arguments)
    if options.side % 16 or options.side < 32:
        parser.error(f"--side {options.side} is not a multiple of 16 from 32 up")
    return options


def measure_models(options: argparse.Namespace) -> dict:
    """Time and memory of a training step of each model, and the ratios that matter."""
    sizes = (CHANNELS, CLASSES)
    models = {
        "plain": PlainUNet(*sizes, options.width),
        "plain, tuned": channels_last(PlainUNet(*sizes, options.width)),
        "ours": channels_last(build_model(ModelConfig(width=options.width), *sizes)),
        "MONAI": monai_unet(options.width),
    }
    models = {name: model for name, model in models.items() if model is not None}
    image, target = batch(options)
    steps = {
        name: training_step(
            model, image, target, fused=name in ("plain, tuned", "ours")
        )
        for name, model in models.items()
    }
    times = interleave(steps, options.rounds)
    rows = {
        name: times[name]
        | {
            "saved_mib": saved_for_backward(
                model, lambda m=model: F.cross_entropy(m(image), target)
            ),
            "parameters": sum(p.numel() for p in model.parameters()),
        }
        for name, model in models.items()
    }
    ratios = {
        f"ours / {name}": {key: rows["ours"][key] / row[key] for key in row}
        for name, row in rows.items()
        if name != "ours"
    }
    return {"models": rows, "ratios": ratios}


def measure_contracts(options: argparse.Namespace) -> float:
    """What contracts add to a training step of ours, in percent of CPU time."""
    model = channels_last(
        build_model(ModelConfig(width=options.width), CHANNELS, CLASSES)
    )
    step = training_step(model, *batch(options), fused=True)

    def checked() -> None:
        with contracts(True):
            step()

    times = interleave({"off": step, "on": checked}, options.rounds)
    return 100 * (times["on"]["cpu_s"] / times["off"]["cpu_s"] - 1)


def measure_attention(options: argparse.Namespace) -> dict[str, float]:
    """CPU time of `explicit` over `sdpa`, forward and backward, by number of tokens."""
    ratios = {}
    for tokens in (64, 1024):
        x = torch.randn(options.batch, tokens, 16 * options.width, requires_grad=True)
        layers = {
            kind: SelfAttention(16 * options.width, 8, attention=kind)
            for kind in ("explicit", "sdpa")
        }
        calls = {
            kind: lambda layer=layer, x=x: layer(x).sum().backward()
            for kind, layer in layers.items()
        }
        times = interleave(calls, options.rounds)
        ratios[f"explicit / sdpa, {tokens} tokens"] = (
            times["explicit"]["cpu_s"] / times["sdpa"]["cpu_s"]
        )
    return ratios


def training_step(
    model: nn.Module, image: Tensor, target: Tensor, *, fused: bool
) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), fused=fused or None)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(image), target).backward()
        optimizer.step()

    return step


def batch(options: argparse.Namespace) -> tuple[Tensor, Tensor]:
    size = options.batch, options.side, options.side
    image = torch.randn(options.batch, CHANNELS, options.side, options.side)
    return image, torch.randint(CLASSES, size)


def channels_last(model: nn.Module) -> nn.Module:
    return model.to(memory_format=torch.channels_last)


def monai_unet(width: int) -> nn.Module | None:
    try:
        from monai.networks.nets import BasicUNet
    except ImportError:
        return None
    features = (width, 2 * width, 4 * width, 8 * width, 16 * width, width)
    return BasicUNet(2, CHANNELS, CLASSES, features=features)


def show(result: dict) -> None:
    device = result["device"]
    print(
        f"torch {device['torch']}, {device['threads']} threads, "
        f"{device['cores']} cores, {device['cpu_capability']}"
    )
    print(f"{'training step':<16}{'CPU s':>9}{'wall s':>9}{'saved MiB':>11}")
    for name, row in result["models"].items():
        print(
            f"{name:<16}{row['cpu_s']:>9.4f}{row['wall_s']:>9.4f}{row['saved_mib']:>11.1f}"
        )
    print(f"{'ratio':<20}{'CPU':>7}{'wall':>7}{'saved':>7}")
    for name, row in result["ratios"].items():
        print(
            f"{name:<20}{row['cpu_s']:>7.2f}{row['wall_s']:>7.2f}{row['saved_mib']:>7.2f}"
        )
    print(f"contracts add {result['contracts_percent']:.1f} % of CPU time")
    for name, ratio in result["attention"].items():
        print(f"attention {name}: {ratio:.2f}")


if __name__ == "__main__":
    sys.exit(main())
