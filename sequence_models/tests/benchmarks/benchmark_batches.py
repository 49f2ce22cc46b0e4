"""Batches of random windows, all rows at once, beside ways that make row by row.

    python tests/benchmarks/benchmark_batches.py [--rounds 7] [--json FILE]

A file of a million uint16 ids -> batches of int64 tokens and targets, `--batches` of
them a round, in one process of one thread; interleaved, medians of CPU seconds.
`get_batch` is what nanoGPT calls at each step; `dataset` is a torch Dataset of single
windows with a DataLoader that shuffles, and torch's own collate function. `ours` is the
dataset alone, `ours, loader` with the DataLoader as in training. The ratio is that of
batches a second.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402

from src.data.dataloader import EpochBatches, train_loader  # noqa: E402
from src.data.memmap import open_tokens, write_tokens  # noqa: E402
from src.data.windows import RandomWindows  # noqa: E402
from src.tokenizers import ByteTokenizer  # noqa: E402
from tests.benchmarks.measure import contracts, device_info, interleave  # noqa: E402
from tests.benchmarks.rows import ratio_row  # noqa: E402


PAIRS = (
    ("batches", "nanoGPT's get_batch", "ours", "get_batch"),
    ("DataLoader of batches", "DataLoader of windows", "ours, loader", "dataset"),
)
SIZES = ((12, 64), (32, 256), (64, 1024))


def get_batch(path: Path, batch: int, block: int) -> tuple[Tensor, Tensor]:
    """A row at a time, from a map opened anew, as nanoGPT has it."""
    data = np.memmap(path, np.uint16, "r")
    starts = torch.randint(len(data) - block, (batch,))
    rows = [torch.from_numpy(data[i : i + block].astype(np.int64)) for i in starts]
    behind = starts + 1
    targets = [torch.from_numpy(data[i : i + block].astype(np.int64)) for i in behind]
    return torch.stack(rows), torch.stack(targets)


class OneWindow(Dataset):
    """A window at a time, at any place of the text."""

    def __init__(self, data: np.ndarray, block: int, samples: int):
        self.data, self.block, self.samples = data, block, samples

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, _: int) -> tuple[Tensor, Tensor]:
        start = int(torch.randint(len(self.data) - self.block, ()))
        row = self.data[start : start + self.block + 1].astype(np.int64)
        return torch.from_numpy(row[:-1]), torch.from_numpy(row[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=100, help="in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = {"batches": options.batches, "device": device_info(), "sizes": []}
    report["rows"] = []
    with tempfile.TemporaryDirectory() as folder, contracts(on=False):
        ids = np.random.default_rng(0).integers(0, 256, 10**6).astype(np.uint16)
        ids.tofile(plain := Path(folder) / "plain.bin")
        write_tokens(
            ours := Path(folder) / "ours.bin", [ids], ByteTokenizer().to_dict()
        )
        for batch, block in SIZES:
            calls = variants(plain, ours, batch, block, options.batches)
            times = interleave(calls, options.rounds)
            each = {n: 1e6 * t["cpu_s"] / options.batches for n, t in times.items()}
            print(f"batch {batch}, block {block}")
            for name, spent in each.items():
                ratio = each["get_batch"] / spent
                print(f"  {name:12} {spent:8,.0f} us a batch, {ratio:6.2f}")
            row = {"batch": batch, "block": block, "cpu_us_a_batch": each}
            report["sizes"].append(row)
            report["rows"] += [
                ratio_row(f"{words} {batch}x{block}", rival, each[ours], each[theirs])
                for words, rival, ours, theirs in PAIRS
            ]
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))


def variants(
    plain: Path, ours: Path, batch: int, block: int, count: int
) -> dict[str, Callable[[], None]]:
    """`count` batches of each kind, to be called."""
    samples, epochs = batch * count, iter(range(10**6))
    windows = RandomWindows(open_tokens(ours).tokens, block, samples, seed=0)
    single = OneWindow(np.memmap(plain, np.uint16, "r"), block, samples)

    def batches() -> EpochBatches:
        return EpochBatches(samples, batch, seed=0, epoch=next(epochs))

    return {
        "get_batch": lambda: consume(
            get_batch(plain, batch, block) for _ in range(count)
        ),
        "dataset": lambda: consume(DataLoader(single, batch, shuffle=True)),
        "ours": lambda: consume(map(windows.__getitems__, batches())),
        "ours, loader": lambda: consume(train_loader(windows, batches())),
    }


def consume(batches) -> None:
    for _ in batches:
        pass


if __name__ == "__main__":
    main()
