"""How long is a training step beside the same network written plainly?

    python tests/benchmarks/benchmark_step.py --json step.json

The reference (`plain_models.py`) runs as one writes it first: float32, contiguous
tensors, `torch.optim.SGD` without options. Ours runs as the trainer does: memory kept
between steps, channels_last, fused SGD, in float32 and in bf16 autocast. Which of the
two `train.precision: auto` would take is measured, not assumed. Contracts are off, but
for one row. Variants take turns in one process; a figure is the median over rounds;
only ratios travel between machines.
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
from src.training.optim import OptimConfig, build_optimizer
from src.utils.allocator import keep_freed_memory
from tests.benchmarks.measure import contracts, device_info, interleave
from tests.benchmarks.plain_models import PlainCNN, PlainResNet18
from tests.benchmarks.rows import ratio_row


PLAIN = {"resnet18": PlainResNet18, "simple_cnn": PlainCNN}
VARIANTS = ("plain", "ours fp32", "ours bf16", "ours bf16, contracts")


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if options.keep_memory:
        keep_freed_memory()
    result = {
        "device": device_info(),
        "options": vars(options),
        "models": {},
        "rows": [],
    }
    for name in PLAIN:
        steps = make_steps(name, options.batch)
        rows = interleave(steps, options.rounds)
        result["models"][name] = rows
        result["rows"] += [
            ratio_row(
                f"training step of {name}, {kind}",
                "the plain network, float32",
                rows[f"ours {kind}"]["cpu_s"],
                rows["plain"]["cpu_s"],
            )
            for kind in ("fp32", "bf16")
        ]
        show(name, rows)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=64, help="images (64)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (9)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument(
        "--no-keep-memory", dest="keep_memory", action="store_false",
        help="leave malloc as it is, for the reference too",
    )  # fmt: skip
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    return parser.parse_args(arguments)


def make_steps(name: str, batch: int) -> dict[str, Callable[[], None]]:
    """A training step for each variant, all on the same images."""
    image, target = torch.randn(batch, 3, 32, 32), torch.randint(10, (batch,))
    plain = PLAIN[name]()
    optimizer = torch.optim.SGD(plain.parameters(), 0.1, 0.9, weight_decay=5e-4)
    steps = {"plain": training_step(plain, optimizer, image, target)}
    for variant in VARIANTS[1:]:
        model = build_model(ModelConfig(name), 3, 10, (32, 32))
        model = model.to(memory_format=torch.channels_last)
        config = OptimConfig(name="sgd", lr=0.1, weight_decay=5e-4)
        step = training_step(
            model,
            build_optimizer(config, model),
            image.to(memory_format=torch.channels_last),
            target,
            bf16="bf16" in variant,
        )
        steps[variant] = with_contracts(step, "contracts" in variant)
    check_same_size(plain, model)
    return steps


def training_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    image: Tensor,
    target: Tensor,
    *,
    bf16: bool = False,
) -> Callable[[], None]:
    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(model(image), target)
        loss.backward()
        optimizer.step()

    return step


def with_contracts(step: Callable[[], None], on: bool) -> Callable[[], None]:
    def checked() -> None:
        with contracts(on):
            step()

    return checked


def check_same_size(plain: nn.Module, ours: nn.Module) -> None:
    counts = [sum(p.numel() for p in model.parameters()) for model in (plain, ours)]
    if counts[0] != counts[1]:
        raise SystemExit(f"the networks differ: {counts[0]} and {counts[1]} parameters")


def show(name: str, rows: dict) -> None:
    print(f"{name:<24}{'CPU s':>9}{'wall s':>9}{'ratio':>8}")
    for variant, row in rows.items():
        ratio = row["cpu_s"] / rows["plain"]["cpu_s"]
        print(f"  {variant:<22}{row['cpu_s']:>9.4f}{row['wall_s']:>9.4f}{ratio:>8.2f}")
    faster = min(("fp32", "bf16"), key=lambda kind: rows[f"ours {kind}"]["cpu_s"])
    print(f"  train.precision: auto takes {faster} here")


if __name__ == "__main__":
    sys.exit(main())
