"""From a configuration to problems, their tokenizer, and what is trained on."""

import hashlib
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
    needed = train.longest_question + train.longest_response + 3  # BOS, SEP, EOS
    if data.block < needed - 1:
        raise InputError(
            f"data.block = {data.block}: a question of {given.name} and its answer "
            f"have up to {needed} tokens; set data.block={needed - 1} or more"
        )
    if tokenizer is None:
        kind = CharTokenizer if isinstance(train.words, str) else WordTokenizer
        tokenizer = kind(train.words, SPECIALS)
    demonstrated = create(count, "train", unique=True) if count else train
    curriculum = Curriculum(
        demonstrated, train, tokenizer, data.samples or max(count, data.batch_size),
        reason.warm_up, reason.group, seed, endless=count == 0,
    )  # fmt: skip
    if reason.algorithm == "supervised":
        curriculum.warm_up = 2**31
    exams = {
        split: Exam(problems[split], tokenizer, reason.samples, seed, split)
        for split in ("val", "test")
    }
    digest = hashlib.sha256()
    for part in [*problems.values(), demonstrated]:
        digest.update("\n".join(part[i]["question"] for i in range(len(part))).encode())
    info = TextInfo(tokenizer.vocab_size, data.context, (), digest.hexdigest())
    sizes = " / ".join(f"{len(part):,} {split}" for split, part in problems.items())
    shown = f"{count:,} demonstrations" if count else "demonstrations without end"
    title = f"{given.name} {shown}, {sizes} problems · {info.vocab} tokens"
    return Opened(
        "reason", {"train": curriculum, **exams}, tokenizer, info, title, problems
    )
