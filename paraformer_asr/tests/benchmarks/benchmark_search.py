"""What a search costs for 10 s of sound, beside a prefix beam written with dicts.

    python tests/benchmarks/benchmark_search.py --json search.json

250 frames of 500 tokens, about 50 of them said: peaked posteriors as CTC learns them,
and flat ones as it begins with. `dicts` is algorithm 1 of Hannun et al. 2014 written
down with a dict from texts, as tuples, to probabilities, as in WeNet; it must find the
same texts. A trigram and 100 hot words are what `lm` and `context` add. Contracts are
off, one thread, CPU time, variants in turn.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.decoding.context_graph import ContextGraph
from src.decoding.ctc_search import ctc_greedy, ctc_prefix_beam
from src.decoding.greedy import nar_beam, nar_greedy
from src.decoding.ngram import NGram, TokenLm
from tests.benchmarks.measure import contracts, device_info, interleave
from tests.benchmarks.plain_search import with_dicts
from tests.benchmarks.rows import ratio_row


FRAMES, VOCAB, SAID, WIDTH, TOP_K = 250, 500, 50, 10, 10


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    results = {}
    for kind in ("peaked", "flat"):
        calls = make_calls(posteriors(kind))
        with contracts(False):
            rows = interleave(calls, options.rounds)
        results[kind] = rows
        print(f"\n{kind} posteriors")
        for name, row in rows.items():
            part = row["cpu_s"] / (FRAMES * 0.04)
            print(
                f"  {name:<40}{1000 * row['cpu_s']:>8.1f} ms{part:>10.4f} of real time"
            )
        ratio = rows["prefix beam, dicts"]["cpu_s"] / rows["prefix beam"]["cpu_s"]
        print(f"  the prefix beam beside dicts: {ratio:.2f} times as fast")
    if options.json:
        content = {"device": device_info(), "options": vars(options)}
        content |= {"times": results, "rows": ratio_rows(results)}
        Path(options.json).write_text(json.dumps(content, indent=2) + "\n")
    return 0


def ratio_rows(results: dict) -> list[dict]:
    return [
        ratio_row(
            f"CTC prefix beam search, {kind} posteriors",
            "the same with dicts, as WeNet's",
            times["prefix beam"]["cpu_s"],
            times["prefix beam, dicts"]["cpu_s"],
        )
        for kind, times in results.items()
    ]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds (7)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    return parser.parse_args(arguments)


def posteriors(kind: str) -> Tensor:
    """Log-probabilities of one utterance."""
    torch.manual_seed(0)
    logits = 2 * torch.randn(1, FRAMES, VOCAB)
    if kind == "peaked":
        said = torch.randint(1, VOCAB, (SAID,))
        logits[0, :, 0] += 14
        for place, token in enumerate(said.tolist()):
            frame = place * FRAMES // SAID
            logits[0, frame, [0, token]] += torch.tensor([-14.0, 9.0])
    return logits.log_softmax(-1)


def make_calls(log_probs: Tensor) -> dict[str, Callable[[], object]]:
    lengths = torch.tensor([FRAMES])
    draw = random.Random(0)
    pieces = [str(token) for token in range(VOCAB)]
    texts = [draw.choices(pieces, k=20) for _ in range(2000)]
    lm = TokenLm(NGram.train(texts, 3), pieces)
    context = ContextGraph([draw.choices(range(1, VOCAB), k=4) for _ in range(100)])
    ours = ctc_prefix_beam(log_probs, lengths, WIDTH, top_k=TOP_K)[0]
    theirs = with_dicts(log_probs[0], WIDTH, TOP_K)
    if [tuple(one.tokens) for one in ours] != [text for text, _ in theirs]:
        raise SystemExit("the two prefix beams find different texts")
    places, fifty = log_probs[:, :SAID], torch.tensor([SAID])
    return {
        "greedy": lambda: ctc_greedy(log_probs, lengths),
        "prefix beam": lambda: ctc_prefix_beam(log_probs, lengths, WIDTH, top_k=TOP_K),
        "prefix beam, dicts": lambda: with_dicts(log_probs[0], WIDTH, TOP_K),
        "prefix beam, trigram, hot words": lambda: ctc_prefix_beam(
            log_probs, lengths, WIDTH, top_k=TOP_K, lm=lm, context=context
        ),
        "NAR greedy": lambda: nar_greedy(places, fifty),
        "NAR beam, trigram, hot words": lambda: nar_beam(
            places, fifty, lm=lm, context=context
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
