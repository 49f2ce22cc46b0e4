"""From a configuration to problems, their tokenizer, and what is trained on."""

import hashlib
import sys
from collections.abc import Iterable
from typing import Any

from ..data import Opened, TextInfo
from ..data.config import DataConfig
from ..data.toy_tasks import SPECIALS
from ..tokenizers import CharTokenizer, Tokenizer, WordTokenizer
from ..utils.errors import InputError
from .config import ReasonConfig
from .curriculum import Curriculum, Exam
from .problems import Problems, create_dataset


def open_problems(
    data: DataConfig, reason: ReasonConfig, seed: int, tokenizer: Tokenizer | None
) -> Opened:
    """The problems of each split; questions of one split are in no other.

    Raises InputError for problems that there are not, or that `data.block` cuts.
    """
    given, count = reason.problems, reason.demonstrations

    def create(size: int, split: str, **more: Any) -> Problems:
        options = given.given() | more
        return create_dataset(given.name, size, seed, split, **options)

    problems = {
        "train": create(given.n_train, "train"),
        "val": create(given.n_val, "val"),
        "test": create(given.n_test, "test"),
    }
    train = problems["train"]
    _check_block(data.block, train)
    if tokenizer is None:
        kind = CharTokenizer if isinstance(train.words, str) else WordTokenizer
        tokenizer = kind(train.words, SPECIALS)
    demonstrated = create(count, "train", unique=True) if count else train
    samples = data.samples or max(count, data.batch_size)
    warm_up = sys.maxsize if reason.algorithm == "supervised" else reason.warm_up
    curriculum = Curriculum(
        demonstrated, train, tokenizer, samples, warm_up, reason.group, seed,
        endless=count == 0,
    )  # fmt: skip
    exams = {
        split: Exam(problems[split], tokenizer, reason.samples, seed, split)
        for split in ("val", "test")
    }
    known = _fingerprint([*problems.values(), demonstrated])
    info = TextInfo(tokenizer.vocab_size, data.context, (), known)
    sizes = " / ".join(f"{len(part):,} {split}" for split, part in problems.items())
    shown = f"{count:,} demonstrations" if count else "demonstrations without end"
    title = f"{given.name} {shown}, {sizes} problems · {info.vocab} tokens"
    return Opened(
        "reason", {"train": curriculum, **exams}, tokenizer, info, title, problems
    )


def _check_block(block: int, problems: Problems) -> None:
    needed = problems.longest_question + problems.longest_response + 3  # BOS, SEP, EOS
    if block < needed - 1:
        raise InputError(
            f"data.block = {block}: a question of {problems.name} and its answer "
            f"have up to {needed} tokens; set data.block={needed - 1} or more"
        )


def _fingerprint(parts: Iterable[Problems]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update("\n".join(part[i]["question"] for i in range(len(part))).encode())
    return digest.hexdigest()
