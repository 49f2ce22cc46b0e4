"""How long is a training step beside nanoGPT's model, written plainly?

    python tests/benchmarks/benchmark_gpt.py --json gpt.json

The reference has the structure of nanoGPT's model: pre-norm, one matrix for queries,
keys and values, `F.scaled_dot_product_attention`, exact GELU, tied embedding; ours is
gpt_2020 with the same sizes and the same weights. Both in float32, both with
`AdamW(fused=True)`; nanoGPT itself takes the loop on a CPU, which is a row of its own.
4 layers, 4 heads, 128 numbers a token, 64 tokens, 12 rows: its recipe for a CPU.
Contracts are off, but for one row. Variants take turns in one process; a figure is the
median over rounds; only ratios travel between machines.

The plain model multiplies by `nn.Linear`, which is MKL; ours by oneDNN where that is
faster (`src/models/linear.py`). The row "gpt_2020, MKL" is ours with MKL's product too:
its speed is what the model's own code gains or loses, the rest is the library. Below
the table stand both products alone, forward.
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
from src.models.linear import linear
from tests.benchmarks.measure import contracts, device_info, interleave
from tests.benchmarks.plain_gpt import PlainGPT, copy_weights
from tests.benchmarks.rows import ratio_row


RIVALS = {
    "plain": "nanoGPT's model",
    "plain, AdamW in a loop": "nanoGPT's model, AdamW in a loop",
}
VOCAB, CONTEXT = 65, 64


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    steps = make_steps(options.batch)
    with contracts(False):
        rows = interleave(steps, options.rounds)
        products = interleave(make_products(), options.rounds)
    show(rows, options.batch * CONTEXT)
    show_products(products)
    if options.json:
        result = {"device": device_info(), "options": vars(options), "times": rows}
        result["products"] = products
        ours = rows["gpt_2020"]["cpu_s"]
        result["rows"] = [
            ratio_row("training step of gpt_2020", rival, ours, rows[name]["cpu_s"])
            for name, rival in RIVALS.items()
        ]
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=12, help="rows (12)")
    parser.add_argument("--rounds", type=int, default=40, help="timed rounds (40)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    return parser.parse_args(arguments)


def make_steps(batch: int) -> dict[str, Callable[[], None]]:
    """A training step for each variant, all on the same tokens, begun alike."""
    tokens = torch.randint(VOCAB, (batch, CONTEXT + 1))
    data = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    loop, plain = PlainGPT(VOCAB, CONTEXT), PlainGPT(VOCAB, CONTEXT)
    ours = {
        name: gpt(name) for name in ("gpt_2020", "gpt_2017", "gpt_2023", "gpt_2025")
    }
    copy_weights(ours["gpt_2020"], plain)
    with torch.no_grad():
        error = (plain(data[0]) - ours["gpt_2020"](data[0])[0]).abs().max()
    if error > 1e-5:
        raise SystemExit(f"the models differ by {error}")
    steps = {
        "plain": training_step(plain, adamw(plain), *data),
        "plain, AdamW in a loop": training_step(loop, adamw(loop, False), *data),
    }
    for name, model in ours.items():
        steps[name] = training_step(lambda x, m=model: m(x)[0], adamw(model), *data)
    steps["gpt_2020, MKL"] = without_onednn(steps["gpt_2020"])
    steps["gpt_2020, contracts"] = with_contracts(steps["gpt_2020"])
    return steps


def gpt(name: str) -> nn.Module:
    return build_model(ModelConfig(name), VOCAB, CONTEXT)


def adamw(model: nn.Module, fused: bool = True) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        model.parameters(), 1e-3, betas=(0.9, 0.99), weight_decay=0.1, fused=fused
    )


def training_step(
    logits_of: Callable[[Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    tokens: Tensor,
    targets: Tensor,
) -> Callable[[], None]:
    def step() -> None:
        loss = F.cross_entropy(logits_of(tokens).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def make_products() -> dict[str, Callable[[], None]]:
    """The same product by MKL and by oneDNN, twenty times."""
    x, weight = torch.randn(768, 128), torch.randn(384, 128)

    def repeat(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(20):
                function(x, weight)

        return run

    return {"F.linear": repeat(F.linear), "linear": repeat(linear)}


def with_contracts(step: Callable[[], None]) -> Callable[[], None]:
    def checked() -> None:
        with contracts(True):
            step()

    return checked


def without_onednn(step: Callable[[], None]) -> Callable[[], None]:
    def plain() -> None:
        torch.backends.mkldnn.enabled = False
        step()
        torch.backends.mkldnn.enabled = True

    return plain


def show(rows: dict, tokens: int) -> None:
    print(f"{'':<24}{'CPU ms':>9}{'wall ms':>9}{'tokens/CPU-s':>14}{'speed':>8}")
    for name, row in rows.items():
        speed = rows["plain"]["cpu_s"] / row["cpu_s"]
        print(
            f"{name:<24}{1e3 * row['cpu_s']:>9.1f}{1e3 * row['wall_s']:>9.1f}"
            f"{tokens / row['cpu_s']:>14.0f}{speed:>8.2f}"
        )


def show_products(rows: dict) -> None:
    for name, row in rows.items():
        speed = 20 * 2 * 768 * 128 * 384 / row["cpu_s"] / 1e9
        print(f"{name:<10}768 x 128 by 128 x 384: {speed:>6.0f} GFLOP/s")


if __name__ == "__main__":
    sys.exit(main())
