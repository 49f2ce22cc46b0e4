"""From a configuration to a tokenizer and the splits that are trained and scored on."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import Dataset

from ..tokenizers import Tokenizer, TokenizerConfig, build_tokenizer, from_dict
from ..utils.errors import InputError
from ..utils.logging import log
from .classification import LabelledTexts
from .config import DataConfig, check_fits
from .documents import BOS, PackedDocuments, join_documents, split_documents
from .labelled import class_names, class_numbers, hold_out, read_labelled, survey
from .masking import MASK, PAD, Masked
from .memmap import open_tokens
from .stories import write_stories
from .streams import Streams
from .text import read_files, read_text, split_text
from .toy_tasks import SPECIALS, SPLITS, PairLines, Pairs, alphabet
from .windows import EveryWindow, RandomWindows


@dataclass(frozen=True, slots=True)
class TextInfo:
    """What a checkpoint keeps about its data, beside the tokenizer."""

    vocab: int
    context: int
    class_names: tuple[str, ...] = ()
    fingerprint: str = ""
    """Sha256 over the tokens, or over what makes them."""


class Opened(NamedTuple):
    kind: str
    """The task: lm, answer, pairs, mlm or classify."""
    datasets: dict[str, Dataset]
    """ "train", "val" and, where there is one, "test"."""
    tokenizer: Tokenizer
    info: TextInfo
    title: str
    """A line for people."""
    problems: Any = None
    """Of the task reason: the `Problems` of each split."""


def open_data(
    config: DataConfig, task: str, seed: int, tokenizer: Tokenizer | None = None
) -> Opened:
    """The splits of `config` for a task, cut by `tokenizer` or by one made for them.

    Raises InputError for data that is not here, cannot be read or does not fit.
    """
    check_fits(config, task)
    return _OPENERS[config.name](config, task, seed, tokenizer)


def _open_toy_task(
    config: DataConfig, task: str, seed: int, tokenizer: Tokenizer | None
) -> Opened:
    toy = config.toy_task
    if tokenizer is None:
        kind = TokenizerConfig(kind="char")
        tokenizer = build_tokenizer(kind, alphabet(toy), SPECIALS)
    datasets, tokens = {}, {}
    for split in SPLITS:
        pairs = Pairs(toy, split, seed, tokenizer)
        tokens[split] = tokenizer.encode_array("".join(pairs.questions))
        datasets[split] = PairLines(pairs) if task == "answer" else pairs
    return _opened(config, task, datasets, tokenizer, tokens)


def _open_text(
    config: DataConfig, task: str, seed: int, tokenizer: Tokenizer | None
) -> Opened:
    if config.name == "toy_grammar":
        texts = {
            split: write_stories(seed, getattr(config.toy, f"n_{split}"), number)
            for number, split in enumerate(SPLITS)
        }
    else:
        parts = split_text(read_text(config.root), config.val_share)
        texts = dict(zip(SPLITS, parts, strict=False))
    if tokenizer is None:
        specials = (MASK, PAD) if task == "mlm" else ()
        tokenizer = _learn(config, texts, specials)
    tokens = {split: tokenizer.encode_array(text) for split, text in texts.items()}
    if task == "mlm":
        datasets = {
            split: Masked(part, config.block, tokenizer, seed, config.masked)
            for split, part in tokens.items()
        }
    else:
        datasets = _language(config, tokens, seed)
    return _opened(config, task, datasets, tokenizer, tokens)


def _open_documents(
    config: DataConfig, task: str, seed: int, tokenizer: Tokenizer | None
) -> Opened:
    documents = [d for text in read_files(config.root) for d in split_documents(text)]
    held = min(max(1, round(len(documents) * config.val_share)), len(documents) - 1)
    if len(documents) < 2:
        raise InputError(
            f"{config.root}: {len(documents)} documents; two are needed, one to train "
            "on and one to validate on. An empty line ends a document"
        )
    parts = {"train": documents[:-held], "val": documents[-held:]}
    if tokenizer is None:
        texts = {split: "\n".join(part) for split, part in parts.items()}
        tokenizer = _learn(config, texts, (BOS,))
    tokens = {split: join_documents(part, tokenizer) for split, part in parts.items()}
    datasets: dict[str, Dataset] = {
        split: PackedDocuments(part, config.block, tokenizer.specials[BOS])
        for split, part in tokens.items()
    }
    return _opened(config, task, datasets, tokenizer, tokens)


def _open_memmap(
    config: DataConfig, task: str, seed: int, tokenizer: Tokenizer | None
) -> Opened:
    stored = open_tokens(config.root)
    own = from_dict(stored.tokenizer)
    if tokenizer is not None and tokenizer.to_dict() != own.to_dict():
        raise InputError(
            f"{config.root}: its ids are of another tokenizer than the model's; encode "
            "the text again with scripts/tokenizer.py encode --tokenizer CHECKPOINT"
        )
    cut = int(len(stored.tokens) * (1 - config.val_share))
    tokens = {"train": stored.tokens[:cut], "val": stored.tokens[cut:]}
    datasets = _language(config, tokens, seed)
    return _opened(config, task, datasets, own, tokens, stored.checksum)


def _open_labelled(
    config: DataConfig, task: str, seed: int, tokenizer: Tokenizer | None
) -> Opened:
    whole = read_labelled(config.root)
    names = class_names(whole.labels)
    parts = dict(zip(SPLITS, hold_out(whole, config.val_share, seed), strict=False))
    if config.test:
        parts["test"] = read_labelled(config.test)
    for line in survey(parts):
        log.info(line)
    if tokenizer is None:
        texts = {split: "\n".join(part.texts) for split, part in parts.items()}
        tokenizer = _learn(config, texts, (PAD,))
    datasets, tokens = {}, {}
    for split, part in parts.items():
        rows = [tokenizer.encode(text) for text in part.texts]
        tokens[split] = np.concatenate(rows)
        datasets[split] = LabelledTexts(
            rows, class_numbers(part, names),
            pad=tokenizer.specials[PAD], longest=config.block,
        )  # fmt: skip
        if datasets[split].cut:
            log.info(
                f"{split}: {datasets[split].cut} texts have more than data.block = "
                f"{config.block} tokens; what comes after these is left out"
            )
    return _opened(config, task, datasets, tokenizer, tokens, class_names=names)


def _learn(
    config: DataConfig, texts: dict[str, str], specials: tuple[str, ...]
) -> Tokenizer:
    """Merges from the training part alone; characters from all of it."""
    learnt = [texts["train"]] if config.tokenizer.kind == "bpe" else texts.values()
    return build_tokenizer(config.tokenizer, learnt, specials)


def _language(
    config: DataConfig, tokens: dict[str, np.ndarray], seed: int
) -> dict[str, Dataset]:
    """Windows at random or streams to train on; windows side by side to score."""
    train, block = tokens["train"], config.block
    datasets: dict[str, Dataset] = {
        split: EveryWindow(part, config.eval_block or block)
        for split, part in tokens.items()
    }
    if config.stateful:
        datasets["train"] = Streams(train, block, config.batch_size, config.samples)
    else:
        samples = config.samples or max(len(train) // block, 1)
        datasets["train"] = RandomWindows(train, block, samples, seed)
    return datasets


def _opened(
    config: DataConfig,
    task: str,
    datasets: dict[str, Dataset],
    tokenizer: Tokenizer,
    tokens: dict[str, np.ndarray],
    fingerprint: str = "",
    class_names: tuple[str, ...] = (),
) -> Opened:
    """`fingerprint`: of tokens too many to be read for it."""
    if not fingerprint:
        digest = hashlib.sha256()
        for part in tokens.values():
            digest.update(part.tobytes())
        fingerprint = digest.hexdigest()
    info = TextInfo(tokenizer.vocab_size, config.context, class_names, fingerprint)
    counts = " / ".join(f"{len(part):,} {split}" for split, part in tokens.items())
    title = f"{config.name} {counts} tokens · {tokenizer.kind}, {info.vocab} tokens"
    return Opened(task, datasets, tokenizer, info, title)


Opener = Callable[[DataConfig, str, int, Tokenizer | None], Opened]
_OPENERS: dict[str, Opener] = {
    "toy_grammar": _open_text,
    "toy_task": _open_toy_task,
    "text": _open_text,
    "documents": _open_documents,
    "memmap": _open_memmap,
    "labelled": _open_labelled,
}
