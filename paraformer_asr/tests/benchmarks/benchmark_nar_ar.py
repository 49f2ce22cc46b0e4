"""How much faster is naming all tokens at once than one after the other?

    python tests/benchmarks/benchmark_nar_ar.py --json nar_ar.json

10 s of sound (1,000 frames of 80 numbers), 50 tokens, two threads, random weights: a
Paraformer and an autoregressive Transformer of the same encoder, depth and width.
`base` has 12 + 6 layers of 256 numbers, 2,048 hidden ones and 4,233 tokens (AISHELL's),
`small` 6 + 3 of 144, 576 and 500. The autoregressive decoder keeps its keys and values,
and those of the encoding are computed once; `no cache` reads all again for each token.
The number of tokens is imposed on both: integrate-and-fire is scaled to it, and the end
of the sentence is out of reach. Contracts are off. All variants take turns in one
process; ratios are of the times within a round: the median, quartiles in brackets.
`--clock cpu` with one thread is the one to use where others use the machine too.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.decoding.autoregressive import ar_greedy
from src.decoding.greedy import nar_greedy
from src.models import ModelConfig, build_model
from src.models.ar_decoder import ARDecoder
from src.models.encoder import Encoded
from src.tokenizers import EOS, SOS
from src.utils.lengths import length_mask
from tests.benchmarks.measure import contracts, device_info
from tests.benchmarks.rows import ratio_row


FRAMES, MELS, TOKENS = 1000, 80, 50
SIZES = {
    "base": (
        4233,
        {"encoder_layers": 12, "decoder_layers": 6, "d_model": 256, "ff": 2048},
    ),
    "small": (
        500,
        {"encoder_layers": 6, "decoder_layers": 3, "d_model": 144, "ff": 576},
    ),
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
PAIRS = {
    "decoder, NAR against AR with its cache": ("AR decoder", "NAR decoder"),
    "end to end, NAR against AR with its cache": ("AR", "NAR"),
    "decoder, NAR against AR without": ("AR decoder, no cache", "NAR decoder"),
}

WORDS = (
    ("Paraformer's decoder", "autoregressive decoder with a cache"),
    ("Paraformer", "autoregressive Transformer with a cache"),
    ("Paraformer's decoder", "autoregressive decoder without a cache"),
)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    results = {}
    for size in options.size.split(","):
        for batch in map(int, options.batch.split(",")):
            name = f"{size}, {options.encoder} encoder, batch {batch}"
            with contracts(False), torch.inference_mode():
                calls = make_calls(size, options.encoder, batch)
                times = take_turns(calls, options.rounds, CLOCKS[options.clock])
            results[name] = report(name, times)
    if options.json:
        content = {"device": device_info(), "options": vars(options)}
        content |= {"times": results, "rows": ratio_rows(results, options.clock)}
        Path(options.json).write_text(json.dumps(content, indent=2) + "\n")
    return 0


def ratio_rows(results: dict, clock: str) -> list[dict]:
    """The other way round than what is printed: ours over the autoregressive one."""
    quantity = {"wall": "wall time", "cpu": "CPU time"}[clock]
    return [
        ratio_row(f"{component}, {name}", rival, 1, pairs[key]["ratio"], quantity)
        for name, result in results.items()
        for pairs in [result["ratios"]]
        for key, (component, rival) in zip(PAIRS, WORDS, strict=True)
    ]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="base,small", help="base, small (both)")
    parser.add_argument("--encoder", default="transformer", help="(transformer)")
    parser.add_argument("--batch", default="1,8", help="utterances at once (1,8)")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds (7)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (2)")
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help="(wall)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    return parser.parse_args(arguments)


def make_calls(size: str, encoder: str, batch: int) -> dict[str, Callable[[], None]]:
    vocab, options = SIZES[size]
    torch.manual_seed(0)
    nar, ar = (
        build_model(ModelConfig(name, encoder, **options), MELS, vocab).eval()
        for name in ("paraformer", "transformer")
    )
    ar.decoder.head.bias[EOS] = -1e4
    features = torch.randn(batch, FRAMES, MELS)
    lengths = torch.full((batch,), FRAMES)
    counts = torch.full((batch,), TOKENS)
    encoded = ar.encode(features, lengths)
    tokens = torch.zeros(batch, TOKENS, dtype=torch.long)

    def listen(encoded: Encoded) -> torch.Tensor:
        return nar.predict(encoded, nar.ctc_head(encoded.hidden), tokens, counts).embeds

    def name_all(embeds: torch.Tensor, encoded: Encoded) -> None:
        found = nar_greedy(nar.decode(embeds, counts, encoded), counts)
        assert all(len(one.tokens) == TOKENS for one in found)

    def write(encoded: Encoded) -> None:
        found = ar_greedy(ar.decoder, encoded.hidden, encoded.lengths, limit=TOKENS)
        assert all(len(one.tokens) == TOKENS for one in found)

    def hear_and_name() -> None:
        encoded = nar.encode(features, lengths)
        name_all(listen(encoded), encoded)

    embeds = listen(encoded)
    return {
        "encoder": lambda: ar.encode(features, lengths),
        "NAR decoder": lambda: name_all(embeds, encoded),
        "AR decoder": lambda: write(encoded),
        "AR decoder, no cache": lambda: read_again(ar.decoder, encoded),
        "NAR": hear_and_name,
        "AR": lambda: write(ar.encode(features, lengths)),
    }


def read_again(decoder: ARDecoder, encoded: Encoded) -> None:
    """Greedy decoding that keeps nothing."""
    mask = length_mask(encoded.lengths, encoded.hidden.shape[1])
    tokens = torch.full((len(mask), 1), SOS)
    for _ in range(TOKENS):
        real = torch.ones_like(tokens, dtype=torch.bool)
        logits = decoder(tokens, real, encoded.hidden, mask)[:, -1]
        tokens = torch.cat((tokens, logits.argmax(-1, keepdim=True)), 1)


def take_turns(
    calls: dict[str, Callable], rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each call in each round; the first round does not count."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            started = clock()
            call()
            if number:
                times[name].append(clock() - started)
    return times


def report(title: str, times: dict[str, list[float]]) -> dict:
    print(f"\n{title}: 10 s of sound, {TOKENS} tokens")
    for name, seconds in times.items():
        print(f"  {name:<24}{1000 * statistics.median(seconds):>10.1f} ms")
    rows = {}
    for name, (slow, fast) in PAIRS.items():
        ratios = [a / b for a, b in zip(times[slow], times[fast], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"  {name:<44}{middle:>6.2f} times  ({low:.2f} to {high:.2f})")
        rows[name] = {"ratio": middle, "quartiles": [low, high]}
    return {"seconds": times, "ratios": rows}


if __name__ == "__main__":
    sys.exit(main())
