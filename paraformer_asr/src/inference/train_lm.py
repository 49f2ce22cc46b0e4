"""Learn a language model of a checkpoint's tokens, for `--lm` of scripts/infer.py.

python -m src.inference.train_lm --checkpoint BEST.pt --text LINES.txt --out LM.arpa
"""

from pathlib import Path
from typing import Annotated

from typer import Option

from ..decoding.ngram import NGram, words_of
from ..tokenizers import UNK
from ..training.load import load_model
from ..utils.cli import run
from ..utils.errors import InputError
from ..utils.logging import log, start_logging


def train_lm(
    checkpoint: Annotated[Path, Option(help="whose tokenizer cuts the text")],
    text: Annotated[Path, Option(help="a sentence a line, UTF-8")],
    out: Annotated[Path, Option(help="the ARPA file to write")],
    order: Annotated[int, Option(help="tokens that are counted together")] = 3,
) -> None:
    """Count what follows what, by modified Kneser-Ney, and write an ARPA file."""
    start_logging()
    tokenizer = load_model(checkpoint).tokenizer
    try:
        lines = text.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{text}: cannot be read as UTF-8 text: {error}") from None
    words = words_of(tokenizer.pieces)
    said = [tokenizer.encode(line, unknown="keep") for line in lines if line.strip()]
    if not any(said):
        raise InputError(f"{text}: has no text; give a sentence a line")
    unknown = sum(one.count(UNK) for one in said)
    if unknown:
        named = (p for line in lines for p in tokenizer.unknown_pieces(line))
        first = next(named, tokenizer.pieces[UNK])
        log.warning(
            f"warning: {text}: {unknown:,} of {sum(map(len, said)):,} tokens, such as "
            f"{first!r}, are not the model's and were counted as <unk>"
        )
    model = NGram.train(([words[token] for token in one] for one in said), order)
    try:
        model.write(out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}") from None
    tokens = sum(len(one) + 1 for one in said)
    print(
        f"{out}: {len(model.logs):,} n-grams of {len(said):,} lines, {tokens:,} tokens"
    )


if __name__ == "__main__":
    run(train_lm)
