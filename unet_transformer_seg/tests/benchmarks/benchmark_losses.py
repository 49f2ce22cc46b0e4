"""Forward and backward of each loss beside MONAI's (cross entropy: torch's).

    python tests/benchmarks/benchmark_losses.py [--rounds 40] [--json FILE]

4 classes, 4x128x128, one thread, variants interleaved in one process, medians of CPU
time. Below 1 ours is faster. MONAI has no Lovasz and no boundary loss. Contracts are
off; where a loss of MONAI can ignore pixels it does, as ours do.
"""

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path


os.environ["JAXTYPING_DISABLE"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from src.losses import TERMS, LossConfig, build_loss  # noqa: E402
from tests.benchmarks.measure import device_info  # noqa: E402
from tests.benchmarks.rows import ratio_row  # noqa: E402


CLASSES, SIZE = 4, (4, 128, 128)
Loss = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(SIZE[0], CLASSES, *SIZE[1:], generator=generator)
    target = blobs(generator)
    times = measure(variants(), logits, target, arguments.rounds)
    rows = [row(name, times) for name in TERMS if ("ours", name) in times]
    print(f"{'loss':18} {'ours ms':>8} {'theirs ms':>10} {'ratio':>6}")
    for r in rows:
        theirs = f"{r['theirs_ms']:10.2f} {r['ratio']:6.2f}" if r["ratio"] else ""
        print(f"{r['loss']:18} {r['ours_ms']:8.2f} {theirs}")
    if arguments.json:
        report = {"size": SIZE, "classes": CLASSES, "losses": rows}
        report |= {"device": device_info(), "rows": ratio_rows(rows)}
        arguments.json.write_text(json.dumps(report, indent=2))


def ratio_rows(losses: list[dict]) -> list[dict]:
    return [
        ratio_row(
            f"{one['loss']} loss, forward and backward",
            "torch" if one["loss"] == "cross_entropy" else "MONAI",
            one["ours_ms"],
            one["theirs_ms"],
        )
        for one in losses
        if one["theirs_ms"]
    ]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def blobs(generator: torch.Generator) -> Tensor:
    """Classes in connected regions, as masks have them, with 1 % ignored pixels."""
    noise = torch.randn(SIZE[0], CLASSES, *SIZE[1:], generator=generator)
    target = torch.nn.functional.avg_pool2d(noise, 15, 1, 7).argmax(1)
    target[torch.rand(SIZE, generator=generator) < 0.01] = 255
    return target


def variants() -> dict[tuple[str, str], Loss]:
    counts = (1,) * CLASSES
    ours = {
        ("ours", name): build_loss(LossConfig(terms={name: 1.0}), counts)
        for name in TERMS
        if name != "lovasz_hinge"
    }
    return ours | {("theirs", name): loss for name, loss in theirs().items()}


def theirs() -> dict[str, Loss]:
    """The same formulas; generalised Dice cannot ignore pixels and gets class 3."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai import losses
    pooled = {"softmax": True, "to_onehot_y": True, "batch": True}
    ignoring = pooled | {"ignore_index": 255}
    monai = {
        "dice": losses.DiceLoss(**ignoring),
        "jaccard": losses.DiceLoss(jaccard=True, **ignoring),
        "generalised_dice": losses.GeneralizedDiceLoss(**pooled),
        "tversky": losses.TverskyLoss(alpha=0.3, beta=0.7, **ignoring),
        "focal": losses.FocalLoss(
            use_softmax=True, to_onehot_y=True, gamma=2.0, ignore_index=255
        ),
    }

    def with_channel(name: str, loss: Loss) -> Loss:
        if name == "generalised_dice":
            return lambda logits, target: loss(logits, target.clamp(max=3)[:, None])
        return lambda logits, target: loss(logits, target[:, None])

    torch_cross_entropy = torch.nn.CrossEntropyLoss(ignore_index=255)
    monai = {name: with_channel(name, loss) for name, loss in monai.items()}
    return monai | {"cross_entropy": torch_cross_entropy}


def measure(
    losses: dict[tuple[str, str], Loss], logits: Tensor, target: Tensor, rounds: int
) -> dict[tuple[str, str], float]:
    """Median milliseconds of CPU time of one forward and backward, after two rounds."""
    seconds: dict[tuple[str, str], list[float]] = {name: [] for name in losses}
    for _ in range(rounds + 2):
        for name, loss in losses.items():
            x = logits.clone().requires_grad_()
            start = time.process_time()
            loss(x, target).backward()
            seconds[name].append(time.process_time() - start)
    return {name: 1e3 * statistics.median(s[2:]) for name, s in seconds.items()}


def row(
    name: str, times: dict[tuple[str, str], float]
) -> dict[str, float | str | None]:
    ours, other = times["ours", name], times.get(("theirs", name))
    ratio = ours / other if other else None
    return {"loss": name, "ours_ms": ours, "theirs_ms": other, "ratio": ratio}


if __name__ == "__main__":
    main()
