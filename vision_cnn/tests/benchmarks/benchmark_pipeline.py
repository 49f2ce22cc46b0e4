"""The input pipeline, whole batches at once, beside datasets that make image by image.

    python tests/benchmarks/benchmark_pipeline.py [--rounds 7] [--json FILE]

Images of bytes in memory -> crop (padded by 4, mirrored), flip, normalise -> DataLoader
-> batch, one epoch a round, in one process of one thread. The variants are interleaved;
medians of CPU seconds. `torch` writes the transforms plainly in tensors, `numpy` in
arrays, both with torch's own collate function. The ratio is that of images a second.
"""

import argparse
import json
import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402

from src.data.augment import Augment, AugmentConfig  # noqa: E402
from src.data.dataloader import EpochBatches, train_loader  # noqa: E402
from src.data.image_set import ImageSet  # noqa: E402
from src.data.info import DataInfo  # noqa: E402
from src.data.source import Labelled  # noqa: E402
from tests.benchmarks.measure import device_info, interleave  # noqa: E402
from tests.benchmarks.rows import ratio_row  # noqa: E402


RIVALS = {  # their images a second over ours: our time over theirs
    "torch": "torch Dataset, image by image",
    "numpy": "numpy, image by image",
}
PAD, MEAN, STD = 4, (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)


class PlainTorch(Dataset):
    """One image at a time, in tensors."""

    def __init__(self, images: Tensor, labels: Tensor):
        self.images, self.labels = images, labels
        self.mean, self.std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = self.images[index].float() / 255
        height, width = image.shape[1:]
        image = F.pad(image[None], (PAD,) * 4, mode="reflect")[0]
        top, left = torch.randint(0, 2 * PAD + 1, (2,)).tolist()
        image = image[:, top : top + height, left : left + width]
        if torch.rand(()) < 0.5:
            image = image.flip(-1)
        return (image - self.mean) / self.std, self.labels[index]


class PlainNumpy(Dataset):
    """One image at a time, in arrays."""

    def __init__(self, images: Tensor, labels: Tensor):
        self.images, self.labels = images.numpy(), labels.tolist()
        self.mean, self.std = (
            np.array(v, np.float32).reshape(3, 1, 1) for v in (MEAN, STD)
        )
        self.rng = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        image = self.images[index]
        height, width = image.shape[1:]
        image = np.pad(image, ((0, 0), (PAD, PAD), (PAD, PAD)), "reflect")
        top, left = self.rng.integers(0, 2 * PAD + 1, 2)
        image = image[:, top : top + height, left : left + width]
        if self.rng.random() < 0.5:
            image = image[:, :, ::-1]
        image = image.astype(np.float32) / np.float32(255)
        return (image - self.mean) / self.std, self.labels[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=8000, help="in an epoch")
    parser.add_argument("--size", type=int, default=32, help="side in pixels")
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    shape = (options.images, 3, options.size, options.size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)
    labels = torch.randint(0, 10, (options.images,), generator=random)

    times = interleave(variants(images, labels, options.batch), options.rounds)
    speed = {name: options.images / taken["cpu_s"] for name, taken in times.items()}
    for name, value in speed.items():
        print(
            f"{name:8} {value:9,.0f} images a CPU second, {value / speed['torch']:.2f}"
        )
    if options.json:
        report = {
            "images": options.images,
            "size": options.size,
            "batch": options.batch,
            "images_per_cpu_s": speed,
            "ours_over_torch": speed["ours"] / speed["torch"],
            "ours_over_numpy": speed["ours"] / speed["numpy"],
            "device": device_info(),
            "rows": [
                ratio_row("augmented batches", rival, speed[name], speed["ours"])
                for name, rival in RIVALS.items()
            ],
        }
        options.json.write_text(json.dumps(report, indent=2))


def variants(images: Tensor, labels: Tensor, batch: int) -> dict:
    """An epoch of each, to be called."""
    names = [f"{index:05d}" for index in range(len(labels))]
    size = images.shape[2:]
    info = DataInfo(3, *size, ("",) * 10, MEAN, STD, (0,) * 10, "")
    config = AugmentConfig(flip="random", crop=PAD)
    augment = Augment(config, info, 0, len(labels))
    ours = ImageSet(Labelled(images, labels, names), info, augment)
    epochs = iter(range(10**6))

    def vectorised() -> None:
        batches = EpochBatches(len(labels), batch, seed=0, epoch=next(epochs))
        consume(train_loader(ours, batches))

    def plain(kind: type[Dataset]) -> DataLoader:
        return DataLoader(kind(images, labels), batch, shuffle=True)

    return {
        "ours": vectorised,
        "torch": lambda: consume(plain(PlainTorch)),
        "numpy": lambda: consume(plain(PlainNumpy)),
    }


def consume(loader: DataLoader) -> None:
    for _ in loader:
        pass


if __name__ == "__main__":
    main()
