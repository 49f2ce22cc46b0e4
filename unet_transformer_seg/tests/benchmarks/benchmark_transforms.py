"""Each transform of an image and its target beside scipy.ndimage and MONAI.

    python tests/benchmarks/benchmark_transforms.py [--rounds 20] [--json FILE]

One grey image and its target, one thread, one process, variants interleaved, medians of
CPU seconds. A ratio below 1 means that ours is faster. MONAI interpolates its elastic
field from a coarse grid, ours is smoothed at full size as scipy's. Contracts are off.
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

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy import ndimage  # noqa: E402

from src.data import intensity, transforms  # noqa: E402
from tests.benchmarks.measure import device_info  # noqa: E402
from tests.benchmarks.rows import ratio_row  # noqa: E402


ALPHA, SIGMA, DEGREES, SCALE = 300.0, 12.0, 17.0, 1.1
Variant = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="side in pixels")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    image = torch.from_numpy(
        rng.random((1, arguments.size, arguments.size), np.float32)
    )
    target = torch.from_numpy(rng.integers(0, 4, image.shape[1:]))
    tables = {"ours": ours, "scipy": by_scipy, "MONAI": by_monai}
    variants = {
        (who, name): run
        for who, table in tables.items()
        for name, run in table(image, target).items()
    }
    times = measure(variants, arguments.rounds)
    rows = [row(name, times) for who, name in variants if who == "ours"]
    print(f"{'transform':16} {'ours ms':>8} {'of scipy':>9} {'of MONAI':>9}")
    for r in rows:
        ratios = (f"{r[k]:9.2f}" if r[k] else f"{'-':>9}" for k in ("scipy", "MONAI"))
        print(f"{r['transform']:16} {r['ours_ms']:8.2f}", *ratios)
    if arguments.json:
        report = {"size": arguments.size, "transforms": rows, "device": device_info()}
        report["rows"] = [
            ratio_row(f"{r['transform']} of an image and its mask", rival, r[who], 1)
            for r in rows
            for who, rival in (("scipy", "scipy.ndimage"), ("MONAI", "MONAI"))
            if r[who]
        ]
        arguments.json.write_text(json.dumps(report, indent=2))


def ours(image: torch.Tensor, target: torch.Tensor) -> dict[str, Variant]:
    half = (image.shape[1] // 2, image.shape[2] // 2)
    rng = np.random.default_rng(0)
    t = transforms
    return {
        "flip": lambda: t.flip_horizontal(image, target),
        "rot90": lambda: t.rot90(image, target, 1),
        "affine": lambda: t.affine(image, target, degrees=DEGREES, scale=SCALE),
        "elastic": lambda: t.elastic(image, target, rng, alpha=ALPHA, sigma=SIGMA),
        "random_crop": lambda: t.random_crop(image, target, rng, half),
        "balanced_crop": lambda: t.balanced_crop(image, target, rng, half),
        "resize": lambda: t.resize(image, target, half),
        "blur": lambda: intensity.blur(image, 2.0),
    }


def by_scipy(image: torch.Tensor, target: torch.Tensor) -> dict[str, Variant]:
    pixels, mask = image[0].numpy(), target.numpy()
    rng = np.random.default_rng(0)
    inverse = transforms.inverse_matrix(DEGREES, SCALE, 0.0)
    centre = (np.array(mask.shape) - 1) / 2
    offset = centre - inverse @ centre
    grid = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)

    def affine() -> None:
        ndimage.affine_transform(pixels, inverse, offset, order=1, mode="reflect")
        ndimage.affine_transform(mask, inverse, offset, order=0, cval=255)

    def elastic() -> None:
        field = 2 * rng.random((2, *mask.shape), dtype=np.float32) - 1
        place = grid + ALPHA * ndimage.gaussian_filter(field, (0, SIGMA, SIGMA))
        ndimage.map_coordinates(pixels, place, order=1, mode="reflect")
        ndimage.map_coordinates(mask, place, order=0, cval=255)

    return {
        "flip": lambda: (np.flip(pixels, 1).copy(), np.flip(mask, 1).copy()),
        "rot90": lambda: (np.rot90(pixels).copy(), np.rot90(mask).copy()),
        "affine": affine,
        "elastic": elastic,
        "resize": lambda: (
            ndimage.zoom(ndimage.gaussian_filter(pixels, 0.5), 0.5, order=1),
            ndimage.zoom(mask, 0.5, order=0),
        ),
        "blur": lambda: ndimage.gaussian_filter(pixels, 2.0),
    }


def by_monai(image: torch.Tensor, target: torch.Tensor) -> dict[str, Variant]:
    from monai import transforms as m

    sample = {"image": image, "target": target[None]}
    keys, modes, half = (
        ("image", "target"),
        ("bilinear", "nearest"),
        target.shape[0] // 2,
    )
    bend = m.Rand2DElasticd(
        keys, spacing=(24, 24), magnitude_range=(8, 8), prob=1.0, mode=modes
    )
    angle = float(np.deg2rad(DEGREES))
    steps = {
        "flip": m.Flipd(keys, 1),
        "rot90": m.Rotate90d(keys, 1),
        "affine": m.Affined(
            keys,
            rotate_params=angle,
            scale_params=(1 / SCALE, 1 / SCALE),
            mode=modes,
            padding_mode="reflection",
        ),
        "elastic": bend,
        "random_crop": m.RandSpatialCropd(keys, (half, half), random_size=False),
        "balanced_crop": m.RandCropByLabelClassesd(
            keys, "target", (half, half), num_classes=4, num_samples=1
        ),
        "resize": m.Resized(
            keys, (half, half), mode=modes, anti_aliasing=(True, False)
        ),
        "blur": m.GaussianSmoothd(("image",), 2.0),
    }
    return {name: lambda step=step: step(sample) for name, step in steps.items()}


def measure(
    variants: dict[tuple[str, str], Variant], rounds: int
) -> dict[tuple[str, str], float]:
    """Median CPU milliseconds of each variant; every round runs all of them once."""
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in variants}
    for number in range(rounds + 2):
        for key, run in variants.items():
            start = time.process_time_ns()
            run()
            if number >= 2:  # the first rounds warm up
                taken[key].append((time.process_time_ns() - start) / 1e6)
    return {key: statistics.median(values) for key, values in taken.items()}


def row(name: str, times: dict[tuple[str, str], float]) -> dict:
    mine = times["ours", name]
    ratios = {
        who: mine / times[who, name] if (who, name) in times else None
        for who in ("scipy", "MONAI")
    }
    return {"transform": name, "ours_ms": mine, **ratios}


if __name__ == "__main__":
    main()
