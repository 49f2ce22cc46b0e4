"""What a data set holds and what is wrong with it, before training."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..audio.front_end import FeatureConfig
from ..tokenizers import SPECIALS, Tokenizer, TokenizerConfig
from .batch import Samples
from .config import DataConfig
from .filters import FAULTS
from .opening import read_data


MOST_ROWS = 20
"""Speakers and tokens that are printed; the JSON has all."""
RARE = 10
"""A token that training has fewer times is worth a note."""


@dataclass(frozen=True, slots=True)
class Part:
    """One split, as training would have it."""

    samples: int
    recordings: int
    minutes: float
    seconds: tuple[float, float, float]
    """Shortest, median and longest recording."""
    tokens: float
    """Of a recording, on average."""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings; `faults` should be mended, `notes` are worth knowing."""

    title: str
    parts: dict[str, Part]
    speakers: dict[str, dict[str, int]]
    """Speaker -> recordings of each part."""
    tokens: dict[str, dict[str, int]]
    """Piece -> how often it is said in each part."""
    batches: str = ""
    left_out: str = ""
    faults: int = 0
    notes: list[str] = field(default_factory=list)
    dropped: list[dict] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def check_data(
    config: DataConfig, features: FeatureConfig, tokenizer: TokenizerConfig, seed: int
) -> Report:
    """Open the data as training does and count what is in it.

    Raises InputError where training could not begin.
    """
    opened = read_data(config, features, tokenizer, seed)
    speakers: dict[str, dict[str, int]] = {}
    tokens: dict[str, dict[str, int]] = {
        piece: {} for piece in opened.tokenizer.pieces[len(SPECIALS) :]
    }
    parts = {}
    for split, data in opened.datasets.items():
        texts, seconds, who = _contents(data, features)
        counts = _count(texts, opened.tokenizer)
        for piece, count in counts.items():
            tokens[piece][split] = count
        for speaker, count in Counter(who).items():
            speakers.setdefault(speaker, {})[split] = count
        middle = (seconds.min(), np.median(seconds), seconds.max())
        parts[split] = Part(
            len(data),
            len(texts),
            round(float(seconds.sum()) / 60, 2),
            tuple(round(float(value), 3) for value in middle),
            round(counts.total() / len(texts), 2),
        )
    dropped = opened.dropped
    left_out = dropped.table()
    warnings = [said for said in opened.warnings if said != left_out]
    return Report(
        opened.title,
        parts,
        speakers,
        tokens,
        _batches(opened.datasets["train"], config),
        left_out,
        dropped.count(FAULTS),
        warnings + _notes(parts, speakers, tokens),
        dropped.plain(),
    )


def format_report(report: Report) -> str:
    """The report as text for a terminal."""
    names = list(report.parts)
    lines = [
        report.title,
        "",
        f"{'part':<7}{'samples':>8}{'recordings':>11}{'minutes':>9}  seconds, shortest"
        " / median / longest   tokens each",
    ]
    for name, part in report.parts.items():
        low, middle, high = part.seconds
        lines.append(
            f"{name:<7}{part.samples:>8,}{part.recordings:>11,}{part.minutes:>9.1f}"
            f"{low:>19.2f} / {middle:>6.2f} / {high:>7.2f}{part.tokens:>14.1f}"
        )
    if any(report.speakers):
        lines += ["", *_table("speaker", report.speakers, names)]
    lines += ["", *_table("token", report.tokens, names)]
    lines += ["", report.batches] if report.batches else []
    lines += ["", report.left_out] if report.left_out else []
    return "\n".join([*lines, *(f"\nnote: {note}" for note in report.notes)])


def _contents(
    data: Samples, features: FeatureConfig
) -> tuple[list[str], np.ndarray, list[str]]:
    """Texts, seconds and speakers of the recordings of a split."""
    if hasattr(data, "utterances"):
        seconds = data.samples / features.sample_rate
        return data.texts, seconds, [u.speaker for u in data.utterances]
    return data.texts, data.lengths * features.frame_seconds, [""] * len(data)


def _count(texts: Sequence[str], tokenizer: Tokenizer) -> Counter[str]:
    counts: Counter[int] = Counter()
    for text in texts:
        counts.update(tokenizer.encode(text))
    return Counter({tokenizer.pieces[n]: count for n, count in counts.items()})


def _batches(train: Samples, config: DataConfig) -> str:
    """How many batches an epoch has, and how much of them is padding."""
    if not config.batch_frames:
        return ""
    lengths, sizes = train.lengths(0), train.order.sizes(1)
    batches = train.order.batches(0, 0, 1)
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    real = sum(int(lengths[batch].sum()) for batch in batches)
    return (
        f"batches  {len(sizes)} an epoch of {min(sizes)} to {max(sizes)} samples, "
        f"{100 * (1 - real / padded):.1f} % of their frames are padding"
    )


def _notes(
    parts: dict[str, Part],
    speakers: dict[str, dict[str, int]],
    tokens: dict[str, dict[str, int]],
) -> list[str]:
    notes = []
    held = [who for who, counts in speakers.items() if who and "test" in counts]
    if held and all("train" in speakers[who] for who in held):
        notes.append(
            "every speaker of the test part is trained on too; data.leave_out_speaker "
            "tests on one that is not"
        )
    rare = [piece for piece, counts in tokens.items() if counts.get("train", 0) < RARE]
    if rare:
        shown = " ".join(map(repr, rare[:MOST_ROWS]))
        more = f" and {len(rare) - MOST_ROWS} more" if len(rare) > MOST_ROWS else ""
        notes.append(f"training has these fewer than {RARE} times: {shown}{more}")
    if "test" not in parts:
        notes.append("there is no test part")
    return notes


def _table(name: str, rows: dict[str, dict[str, int]], parts: list[str]) -> list[str]:
    """The commonest rows with a bar of their share of the training part."""
    order = sorted(rows, key=lambda row: -rows[row].get(parts[0], 0))
    shown = {row: repr(row) if row.strip() != row else row for row in order[:MOST_ROWS]}
    width = max(len(name), *(len(text) for text in shown.values()))
    most = max(1, rows[order[0]].get(parts[0], 0))
    lines = [f"{name:<{width}}" + "".join(f"{part:>9}" for part in parts)]
    for row, text in shown.items():
        cells = "".join(f"{rows[row].get(part, 0):>9,}" for part in parts)
        bar = "#" * round(20 * rows[row].get(parts[0], 0) / most)
        lines.append(f"{text:<{width}}{cells}  {bar}".rstrip())
    if len(order) > MOST_ROWS:
        lines.append(f"... and {len(order) - MOST_ROWS} more")
    return lines
