"""Train, use and look at a tokenizer: see `python scripts/tokenizer.py --help`."""

# Not tokenize.py: Python's own module of that name would be hidden by it.
import sys
from pathlib import Path
from typing import Annotated, Literal


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `src` importable

from typer import Argument, Option

from src.utils.cli import run


def command(
    action: Annotated[Literal["train", "encode", "show"], Argument()],
    text: Annotated[list[Path], Argument(help="UTF-8 text files")],
    tokenizer: Annotated[
        Path | None, Option(help="Saved tokenizer, GPT-2 folder or checkpoint .pt")
    ] = None,
    out: Annotated[
        Path | None, Option(help="Default: runs/tokenizer.json, encode runs/tokens.bin")
    ] = None,
    kind: Annotated[Literal["char", "byte", "bpe"], Option(help="train")] = "bpe",
    vocab_size: Annotated[int, Option(help="train: specials included")] = 1024,
    split: Annotated[Literal["gpt2", "gpt4"], Option(help="train")] = "gpt4",
    special: Annotated[
        list[str] | None, Option(help="train: such as '<|bos|>'; may be repeated")
    ] = None,
    limit: Annotated[int, Option(help="show: characters, from the beginning")] = 500,
) -> None:
    """Train a tokenizer, encode texts into a token file, or show how a text is cut.

    Example: scripts/tokenizer.py train input.txt --out runs/bpe.json

    then scripts/tokenizer.py show input.txt --tokenizer runs/bpe.json
    """
    from src.inference import tokenize_text
    from src.tokenizers import TokenizerConfig

    if action == "train":
        config = TokenizerConfig(kind, vocab_size, split)
        out = out or Path("runs/tokenizer.json")
        print(tokenize_text.train(text, config, special or [], out))
        print(f"next  scripts/tokenizer.py show {text[0]} --tokenizer {out}")
        return
    chosen = tokenize_text.open_tokenizer(tokenizer)
    if action == "encode":
        print(tokenize_text.encode(text, chosen, out or Path("runs/tokens.bin")))
    else:
        coloured = sys.stdout.isatty()
        for path in text:
            print(tokenize_text.show(path, chosen, limit, coloured))


if __name__ == "__main__":
    run(command)
