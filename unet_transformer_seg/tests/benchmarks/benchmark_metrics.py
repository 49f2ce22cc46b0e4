"""Confusion matrix, HD95 and components beside torchmetrics, MONAI and scikit-image.

    python tests/benchmarks/benchmark_metrics.py [--rounds 15] [--json FILE]

One thread, variants interleaved in one process, medians of CPU seconds, contracts off.
A ratio below 1 means that ours is faster. Each pair is first checked to give the same.
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
from typing import NamedTuple


os.environ["JAXTYPING_DISABLE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from src.data.sampling import smooth  # noqa: E402
from src.metrics import components, confusion_matrix, hd95  # noqa: E402
from tests.benchmarks.measure import device_info  # noqa: E402
from tests.benchmarks.rows import ratio_row  # noqa: E402


SIDE = 512


class Case(NamedTuple):
    name: str
    ours: Callable[[], object]
    reference: str
    theirs: Callable[[], object]


def main() -> None:
    arguments = parse()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = [measure(case, arguments.rounds) for case in cases()]
    print(f"{'case':34} {'ours ms':>8} {'beside':>28} {'ms':>8} {'ratio':>6}")
    for r in rows:
        print(
            f"{r['case']:34} {r['ours_ms']:8.2f} {r['reference']:>28}"
            f" {r['theirs_ms']:8.2f} {r['ratio']:6.2f}"
        )
    if arguments.json:
        report = {"side": SIDE, "rounds": arguments.rounds, "cases": rows}
        report["device"] = device_info()
        report["rows"] = [
            ratio_row(r["case"], r["reference"], r["ours_ms"], r["theirs_ms"])
            for r in rows
        ]
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def measure(case: Case, rounds: int) -> dict[str, object]:
    same = np.allclose(case.ours(), case.theirs(), rtol=1e-6)
    if not same:
        raise SystemExit(f"{case.name}: not the result of {case.reference}")
    seconds = [(clock(case.ours), clock(case.theirs)) for _ in range(rounds)]
    ours, theirs = (1e3 * statistics.median(one) for one in zip(*seconds, strict=True))
    return {
        "case": case.name,
        "ours_ms": ours,
        "reference": case.reference,
        "theirs_ms": theirs,
        "ratio": ours / theirs,
    }


def clock(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def cases() -> list[Case]:
    return [*confusion_cases(), *distance_cases(), *component_cases()]


def confusion_cases() -> list[Case]:
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    generator = torch.Generator().manual_seed(0)
    pred, target = torch.randint(4, (2, 8, 256, 256), generator=generator)
    target[torch.rand(target.shape, generator=generator) < 0.01] = 255

    def theirs(checked: bool) -> Tensor:
        return multiclass_confusion_matrix(
            pred, target, 4, ignore_index=255, validate_args=checked
        )

    def ours() -> Tensor:
        return confusion_matrix(pred, target, 4)

    name = "confusion 8x256x256, 4 classes"
    return [
        Case(name, ours, "torchmetrics", lambda: theirs(True)),
        Case(name, ours, "torchmetrics, unchecked", lambda: theirs(False)),
    ]


def distance_cases() -> list[Case]:
    from monai.metrics import compute_hausdorff_distance

    def theirs(pred: Tensor, truth: Tensor) -> float:
        both = (mask[None, None].float() for mask in (pred, truth))
        return compute_hausdorff_distance(
            *both, include_background=True, percentile=95
        ).item()

    def case(name: str, pred: Tensor, truth: Tensor) -> Case:
        ours, reference = (lambda: hd95(pred, truth)), (lambda: theirs(pred, truth))
        return Case(f"HD95 512x512, {name}", ours, "MONAI", reference)

    return [
        case("one object", disc(200, 240), disc(206, 231)),
        case("many cells", field(1, 6) > 0, field(1, 6) + 0.3 * field(2, 3) > 0),
        case("thin membranes", field(1, 2) > 0, field(1, 2) + 0.3 * field(2, 1) > 0),
        case("unrelated masks", field(1, 20) > 0, field(2, 20) > 0),
    ]


def component_cases() -> list[Case]:
    from skimage.measure import label

    def case(name: str, mask: Tensor) -> Case:
        def reference() -> np.ndarray:
            return label(mask.numpy(), connectivity=1)

        name = f"components 512x512, {name}"
        return Case(name, lambda: components(mask), "skimage.measure.label", reference)

    return [
        case("cells", field(1, 6).abs() > 0.2),
        case("noise", field(1, 0) > 0),
    ]


def disc(y: int, x: int, radius: int = 90) -> Tensor:
    rows, columns = torch.meshgrid(
        torch.arange(SIDE), torch.arange(SIDE), indexing="ij"
    )
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def field(seed: int, sigma: float) -> Tensor:
    """Smoothed noise of standard deviation 1."""
    generator = torch.Generator().manual_seed(seed)
    noise = smooth(torch.randn(1, SIDE, SIDE, generator=generator), sigma)[0]
    return noise / noise.std()


if __name__ == "__main__":
    main()
