"""What is left out of a data set, and a table that says how much, why and which.

A fault is something to mend; the other reasons are what a config asked for.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..audio.front_end import FrontEnd
from ..tokenizers import Tokenizer, normalise
from ..tokenizers.normalise import Normalise
from ..utils.errors import InputError
from .config import DataConfig
from .dataset import count_frames
from .recordings import Recordings
from .utterance import SPLITS, Splits, Utterance


FAULTS = (
    "empty text",
    "unreadable audio",
    "twice in a split",
    "in two splits",
    "unknown character",
)
CHOICES = ("too short", "too long", "too many tokens")
SHOWN = 3
"""Examples of each reason that the table has."""


@dataclass(slots=True)
class Dropped:
    """(split, reason) -> what was left out for it: an id or place and what was seen."""

    rows: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, split: str, reason: str, utterance: Utterance, seen: str) -> None:
        named = f"{utterance.where or utterance.id}: {seen}"
        self.rows.setdefault((split, reason), []).append(named)

    def count(self, reasons: Iterable[str] = FAULTS + CHOICES) -> int:
        wanted = set(reasons)
        return sum(len(r) for (_, why), r in self.rows.items() if why in wanted)

    def table(self) -> str:
        """A line per reason with its counts and the first examples; "" for none."""
        reasons = [r for r in FAULTS + CHOICES if self.count([r])]
        if not reasons:
            return ""
        width = max(map(len, [*reasons, "left out"]))
        splits = [s for s in SPLITS if any(split == s for split, _ in self.rows)]
        head = "".join(f"{split:>8}" for split in splits)
        lines = [f"{'left out':<{width}}{head}  for example"]
        for reason in reasons:
            found = [self.rows.get((split, reason), []) for split in splits]
            cells = "".join(f"{len(rows) or '-':>8}" for rows in found)
            examples = [row for rows in found for row in rows][:SHOWN]
            lines.append(f"{reason:<{width}}{cells}  {examples[0]}")
            indent = " " * (width + 8 * len(splits) + 2)
            lines += [f"{indent}{example}" for example in examples[1:]]
        return "\n".join(lines)

    def sentence(self, split: str) -> str:
        """The same of one split: "3 too short (a.jsonl:1: ...), 1 empty text (...)"."""
        return ", ".join(
            f"{len(rows)} {reason} ({rows[0]})"
            for (part, reason), rows in self.rows.items()
            if part == split
        )

    def plain(self) -> list[dict]:
        """For JSON: all of them."""
        return [
            {"split": split, "reason": reason, "what": rows}
            for (split, reason), rows in self.rows.items()
        ]


Check = Callable[[Utterance], tuple[str, str] | None]
"""The reason to leave an utterance out and what was seen, or None."""


def keep(splits: Splits, dropped: Dropped, check: Check) -> Splits:
    """The utterances that `check` has nothing against."""
    kept: Splits = {}
    for split, utterances in splits.items():
        kept[split] = []
        for utterance in utterances:
            found = check(utterance)
            if found is None:
                kept[split].append(utterance)
            else:
                dropped.add(split, found[0], utterance, found[1])
    return kept


def without_empty(splits: Splits, dropped: Dropped, rules: Normalise) -> Splits:
    """Only what has a transcript once the rules of the tokenizer were applied."""

    def check(utterance: Utterance) -> tuple[str, str] | None:
        if normalise(utterance.text, rules):
            return None
        return "empty text", f"the text {utterance.text[:40]!r}"

    return keep(splits, dropped, check)


def without_copies(splits: Splits, dropped: Dropped, recordings: Recordings) -> Splits:
    """Each recording once: of two in two splits the one that is tested stays.

    The same means the same part of the same file, or the same samples where they are
    kept in memory.
    """
    seen: dict[object, tuple[str, Utterance]] = {}
    kept: Splits = {}
    for split in sorted(splits, key=("test", "val", "train").index):
        kept[split] = []
        for utterance in splits[split]:
            marks = recordings.marks(utterance)
            other = next((seen[mark] for mark in marks if mark in seen), None)
            if other is None:
                kept[split].append(utterance)
                seen.update(dict.fromkeys(marks, (split, utterance)))
                continue
            reason = "twice in a split" if other[0] == split else "in two splits"
            where = other[1].where or other[1].id
            dropped.add(split, reason, utterance, f"as {where} ({other[0]})")
    return {split: kept[split] for split in splits}


def without_unheard(
    splits: Splits, dropped: Dropped, recordings: Recordings, config: DataConfig
) -> Splits:
    """Only what can be decoded and lasts as long as the config allows."""

    def check(utterance: Utterance) -> tuple[str, str] | None:
        try:
            seconds = recordings.samples(utterance) / recordings.sample_rate
        except InputError as error:
            return "unreadable audio", str(error)
        if seconds < config.min_seconds:
            return "too short", f"{seconds:.3f} s < {config.min_seconds:g} s"
        if seconds > config.max_seconds:
            return "too long", f"{seconds:.1f} s > {config.max_seconds:g} s"
        return None

    return keep(splits, dropped, check)


def without_unwritten(
    splits: Splits,
    dropped: Dropped,
    recordings: Recordings,
    config: DataConfig,
    tokenizer: Tokenizer,
    front_end: FrontEnd,
) -> Splits:
    """Only what the tokenizer can write, in no more tokens than CTC can align.

    CTC needs a frame for each token and one for the blank between two equal ones.
    """

    def check(utterance: Utterance) -> tuple[str, str] | None:
        unknown = tokenizer.unknown_pieces(utterance.text)
        if unknown:
            return "unknown character", " ".join(map(repr, unknown[:5]))
        ids = tokenizer.encode(utterance.text)
        least = len(ids) + sum(a == b for a, b in zip(ids, ids[1:], strict=False))
        frames = int(count_frames(front_end, recordings.samples(utterance)))
        if math.ceil(frames / config.frames_per_token) < least:
            return "too many tokens", (
                f"{least} tokens and repeats for {frames} frames, "
                f"{config.frames_per_token} needed for each"
            )
        return None

    return keep(splits, dropped, check)
