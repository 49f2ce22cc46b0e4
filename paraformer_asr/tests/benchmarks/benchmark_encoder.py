"""How long do our encoders take beside torch's nn.TransformerEncoder?

    python tests/benchmarks/benchmark_encoder.py --json encoder.json

Four utterances of 10 s (1,000 frames of 80 mels, the last three a little shorter) go
through the same convolutional front end, then through 6 layers of width 256 (feed
forward 2048, 4 heads): torch's TransformerEncoder with norms first, our Transformer,
Conformer (two such feed-forward networks a layer) and SAN-M. The front end has 256
channels, as the papers have; `narrow front` has our 32; `small` is width 64, 3 layers,
feed forward 256, the size of the configs. No dropout anywhere. Variants take turns in
one process; a figure is the median of CPU seconds, and its share of torch's.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.models.encoder import Encoder
from src.utils.allocator import keep_freed_memory
from src.utils.lengths import length_mask
from tests.benchmarks.measure import contracts, device_info, interleave
from tests.benchmarks.rows import ratio_row


LARGE = {"d_model": 256, "layers": 6, "ff": 2048, "channels": 256}
SIZES = {
    "large": LARGE,
    "narrow front": LARGE | {"channels": 32},
    "small": {"d_model": 64, "layers": 3, "ff": 256, "channels": 32},
}
WORDS = {"transformer": "Transformer", "conformer": "Conformer", "sanm": "SAN-M"}
MELS, LENGTHS = 80, (1000, 960, 920, 880)
Calls = dict[str, Callable[[], None]]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds (7)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (2)")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    keep_freed_memory()  # as training does
    result = {"device": device_info(), "options": vars(options), "times": {}}
    with contracts(False):
        for name in options.sizes:
            for mode in (infer, train):
                rows = interleave(make_calls(SIZES[name], mode), options.rounds)
                result["times"][f"{name}, {mode.__name__}"] = rows
                show(f"{name}, {mode.__name__}", rows)
    result["rows"] = [
        ratio_row(
            f"{WORDS[kind]} encoder, {name}",
            "torch.nn.TransformerEncoder",
            times[kind]["cpu_s"],
            times["torch"]["cpu_s"],
        )
        for name, times in result["times"].items()
        for kind in WORDS
        if kind == "transformer" or name.startswith("large")
    ]
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


class Torchs(nn.Module):
    """nn.TransformerEncoder behind our front end."""

    def __init__(self, d_model: int, layers: int, ff: int, channels: int):
        super().__init__()
        ours = Encoder(
            MELS, "transformer", d_model=d_model, channels=channels, layers=0
        )
        layer = nn.TransformerEncoderLayer(
            d_model, 4, ff, 0.0, batch_first=True, norm_first=True
        )
        self.front = ours.front
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        x = self.front(features, lengths)
        padding = ~length_mask(self.front.lengths(lengths), x.shape[1])
        return self.encoder(x, src_key_padding_mask=padding)


def make_calls(size: dict[str, int], mode: Callable) -> Calls:
    inputs = torch.randn(len(LENGTHS), max(LENGTHS), MELS), torch.tensor(LENGTHS)
    models: dict[str, nn.Module] = {"torch": Torchs(**size)}
    for kind in ("transformer", "conformer", "sanm"):
        models[kind] = Encoder(MELS, kind, heads=4, dropout=0.0, **size)
    models["front end alone"] = models["torch"].front
    return {name: mode(model, *inputs) for name, model in models.items()}


def infer(model: nn.Module, *inputs: Tensor) -> Callable[[], None]:
    model.eval()

    def call() -> None:
        with torch.inference_mode():
            model(*inputs)

    return call


def train(model: nn.Module, *inputs: Tensor) -> Callable[[], None]:
    model.train()

    def call() -> None:
        model.zero_grad()
        output = model(*inputs)
        hidden = output if isinstance(output, Tensor) else output.hidden
        hidden.square().mean().backward()

    return call


def show(title: str, rows: dict[str, dict]) -> None:
    print(f"{title:42} {'ms':>8} {'of torch':>9}")
    for name, row in rows.items():
        share = row["cpu_s"] / rows["torch"]["cpu_s"]
        print(f"  {name:40} {row['cpu_s'] * 1e3:8.1f} {share:9.2f}")


if __name__ == "__main__":
    sys.exit(main())
