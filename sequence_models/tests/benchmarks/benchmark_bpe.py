"""How long do training and encoding take beside Hugging Face's and plain BPE?

    python tests/benchmarks/benchmark_bpe.py ../../shared/data/tinyshakespeare/input.txt

Same text, same vocabulary, one thread. Our merges and ids must equal Hugging Face's, or
nothing is printed. `encode` begins with an empty cache of chunks each time; "warm" is
with the cache of the run before. The plain trainer counts all pairs of all chunks for
each merge, and gets a shorter text and fewer merges. Variants take turns in one
process; a figure is the median over rounds; only ratios travel between machines.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path


os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
import tiktoken
import tokenizers


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.tokenizers import BPETokenizer
from src.tokenizers.gpt2_symbols import to_symbols
from tests.benchmarks.measure import device_info, interleave
from tests.benchmarks.plain_bpe import GPT4, plain_train
from tests.benchmarks.rows import ratio_row


OURS = ("ours", "ours, array")
RIVALS = {
    "hugging face": "Hugging Face's tokenizers",
    "tiktoken": "tiktoken",
    "plain": "counting all pairs anew",
}


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    text = Path(options.text).read_text("utf-8") if options.text else own_text()
    ours = BPETokenizer.train([text], options.vocab_size)
    check(ours, train_hf(text, ours.vocab_size), text)
    result = {"device": device_info() | {"threads": 1}, "options": vars(options)}
    result["rows"] = []
    short, few = text[: options.plain_size], options.plain_merges
    for name, calls in {
        f"train, {len(text):,} characters, {ours.vocab_size} ids": {
            "hugging face": lambda: train_hf(text, ours.vocab_size),
            "ours": lambda: BPETokenizer.train([text], ours.vocab_size),
        },
        f"train, {len(short):,} characters, {256 + few} ids": {
            "plain": lambda: plain_train(short, few),
            "ours": lambda: BPETokenizer.train([short], 256 + few),
        },
        f"encode, {len(text):,} characters": encoders(ours, text),
    }.items():
        result[name] = interleave(calls, options.rounds)
        show(name, result[name])
        own = next(result[name][one]["cpu_s"] for one in OURS if one in result[name])
        words = f"byte pairs, {name.partition(',')[0]}"
        result["rows"] += [
            ratio_row(words, RIVALS[who], own, row["cpu_s"])
            for who, row in result[name].items()
            if who in RIVALS
        ]
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="?", help="a text file (the sources here)")
    parser.add_argument("--vocab-size", type=int, default=1024, help="(1024)")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds (5)")
    parser.add_argument("--plain-size", type=int, default=100_000, help="(100000)")
    parser.add_argument("--plain-merges", type=int, default=32, help="(32)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    return parser.parse_args(arguments)


def own_text() -> str:
    """The program text and the documents of this sub-project."""
    root = Path(__file__).resolve().parents[2]
    files = sorted([*root.glob("src/**/*.py"), *root.glob("docs/*.md")])
    return "".join(file.read_text("utf-8") for file in files)


def empty_hf() -> tokenizers.Tokenizer:
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    cut = tokenizers.pre_tokenizers.Split(tokenizers.Regex(GPT4.pattern), "isolated")
    symbols = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([cut, symbols])
    return made


def train_hf(text: str, vocab_size: int) -> tokenizers.Tokenizer:
    made = empty_hf()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([text], trainer)
    return made


def encoders(ours: BPETokenizer, text: str) -> dict[str, Callable[[], object]]:
    hf = train_hf(text, ours.vocab_size)
    ranks = {piece: number for number, piece in enumerate(ours.token_bytes())}
    tik = tiktoken.Encoding(
        "ours", pat_str=GPT4.pattern, mergeable_ranks=ranks, special_tokens={}
    )
    if tik.encode_ordinary(text) != ours.encode(text):
        raise SystemExit("tiktoken's ids differ from ours")

    def cold(encode: Callable[[str], object]) -> Callable[[], object]:
        def call() -> None:
            ours._cache.clear()
            encode(text)

        return call

    return {
        "hugging face": lambda: hf.encode(text).ids,
        "tiktoken": lambda: tik.encode_ordinary(text),
        "ours, list": cold(ours.encode),
        "ours, array": cold(ours.encode_array),
        "ours, array, warm": lambda: ours.encode_array(text),
    }


def check(ours: BPETokenizer, hf: tokenizers.Tokenizer, text: str) -> None:
    symbols = {to_symbols(p): number for number, p in enumerate(ours.token_bytes())}
    if hf.get_vocab() != symbols or hf.encode(text).ids != ours.encode(text):
        raise SystemExit("Hugging Face's vocabulary or ids differ from ours")


def show(name: str, rows: dict) -> None:
    reference = next(iter(rows.values()))
    print(f"{name:<44}{'CPU s':>9}{'wall s':>9}{'speed':>8}")
    for variant, row in rows.items():
        speed = reference["cpu_s"] / row["cpu_s"]
        print(f"  {variant:<42}{row['cpu_s']:>9.4f}{row['wall_s']:>9.4f}{speed:>8.2f}")


if __name__ == "__main__":
    sys.exit(main())
