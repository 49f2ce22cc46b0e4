"""How many tokens a second beside transformers' cached `generate`, and without a cache?

    python tests/benchmarks/benchmark_generate.py --json generate.json

One row, 256 greedy tokens behind 16, the same weights in all: our gpt_2020 (4 layers,
4 heads, 128 numbers a token, context 512), `GPT2LMHeadModel` of transformers with its
cache, and nanoGPT's way, a plain model that reads the whole text again for each token.
They must write the same text. gpt_2025 stands beside them for what its parts cost, and
so does drawing from the distribution in place of taking the likeliest. Contracts are
off. Variants take turns in one process, one thread; only ratios travel.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.generation.generate import generate
from src.generation.sampling import GREEDY, PLAIN
from src.models import ModelConfig, build_model
from tests.benchmarks.measure import contracts, device_info, interleave
from tests.benchmarks.plain_gpt import PlainGPT, copy_weights
from tests.benchmarks.rows import ratio_row
from tests.transformers_weights import gpt2_from


RIVALS = {
    "transformers, cached": "transformers' generate, cached",
    "plain, no cache": "nanoGPT's way, no cache",
}
VOCAB, CONTEXT, PROMPT = 65, 512, 16


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    texts: dict[str, Tensor] = {}
    calls = make_calls(options.count, options.batch, texts)
    with contracts(False):
        rows = interleave(calls, options.rounds)
    for name in ("transformers, cached", "plain, no cache"):
        if not torch.equal(texts[name], texts["gpt_2020"]):
            raise SystemExit(f"gpt_2020 and {name} write different texts")
    show(rows, options.count * options.batch)
    if options.json:
        result = {"device": device_info(), "options": vars(options), "times": rows}
        ours = rows["gpt_2020"]["cpu_s"]
        result["rows"] = [
            ratio_row("greedy generation, gpt_2020", rival, ours, rows[name]["cpu_s"])
            for name, rival in RIVALS.items()
        ]
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=256, help="tokens (256)")
    parser.add_argument("--batch", type=int, default=1, help="rows (1)")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds (7)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    return parser.parse_args(arguments)


def make_calls(
    count: int, batch: int, texts: dict[str, Tensor]
) -> dict[str, Callable[[], None]]:
    """A call for each variant, which leaves its text in `texts`."""
    prompt = torch.randint(VOCAB, (batch, PROMPT))
    ours, modern = gpt("gpt_2020"), gpt("gpt_2025")
    plain, theirs = PlainGPT(VOCAB, CONTEXT).eval(), gpt2_from(ours, attention="sdpa")
    copy_weights(ours, plain)
    settings = {
        "max_new_tokens": count,
        "do_sample": False,
        "use_cache": True,
        "attention_mask": torch.ones_like(prompt),
        "pad_token_id": 0,
    }
    tails = {
        "transformers, cached": lambda: theirs.generate(prompt, **settings)[:, PROMPT:],
        "plain, no cache": lambda: plain.generate(prompt, count)[:, PROMPT:],
        "gpt_2020": lambda: generate(ours, prompt, count, GREEDY),
        "gpt_2020, drawn": lambda: generate(ours, prompt, count, PLAIN),
        "gpt_2025": lambda: generate(modern, prompt, count, GREEDY),
    }

    def keep(name: str, call: Callable[[], Tensor]) -> Callable[[], None]:
        return lambda: texts.update({name: call()})

    return {name: keep(name, call) for name, call in tails.items()}


def gpt(name: str) -> nn.Module:
    """Larger weights than at the start, so that the text does not repeat one token."""
    model = build_model(ModelConfig(name), VOCAB, CONTEXT).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    return model


def show(rows: dict, tokens: int) -> None:
    print(f"{'':<24}{'CPU s':>9}{'tokens/CPU-s':>14}{'speed':>8}{'of no cache':>13}")
    for name, row in rows.items():
        cached = rows["transformers, cached"]["cpu_s"] / row["cpu_s"]
        uncached = rows["plain, no cache"]["cpu_s"] / row["cpu_s"]
        print(
            f"{name:<24}{row['cpu_s']:>9.3f}{tokens / row['cpu_s']:>14.0f}"
            f"{cached:>8.2f}{uncached:>13.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
