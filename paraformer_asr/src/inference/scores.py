"""What one method made of a split, as counts, rates, tables, and plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..metrics.calibration import calibration_bins, expected_calibration_error
from ..metrics.error_rate import cer, wer
from ..metrics.report import (
    Scored,
    by_length,
    by_speaker,
    confusion_table,
    confusions,
    difference_interval_95,
    inline,
    interval_95,
    speed,
    total,
    worst,
)


WORST = 20
"""Utterances, and confusions, that are listed."""
KINDS = ("substitutions", "deletions", "insertions")
FEW = 32
"""Tokens whose table of confusions is kept."""


@dataclass(frozen=True, slots=True)
class Said:
    """Texts of a split by one method, each utterance in its place."""

    scored: Sequence[Scored]
    references: Sequence[str]
    texts: Sequence[str]
    processing_s: float

    def audio_s(self) -> float:
        return sum(s.seconds for s in self.scored)


def summary(said: Said) -> dict[str, Any]:
    """Everything about one method: counts first, then the ratios made of them."""
    scored, counts = said.scored, total(said.scored)
    bins = calibration_bins(scored)
    names, table = confusion_table(scored)
    found = {
        "tokens": counts.to_dict(),
        "interval_95": list(interval_95(scored)),
        "words": wer(said.references, said.texts).to_dict(),
        "characters": cer(said.references, said.texts).to_dict(),
        "utterances_right": sum(s.counts.errors == 0 for s in scored),
        "tokens_too_many": counts.insertions - counts.deletions,
        "speed": speed(said.processing_s, said.audio_s()),
        "calibration_error": expected_calibration_error(bins),
        "calibration_bins": [b._asdict() for b in bins],
        "confusions": [
            {"reference": p.reference, "hypothesis": p.hypothesis, "times": times}
            for p, times in confusions(scored)[:WORST]
        ],
        "by_length": _groups(by_length(scored)),
        "by_speaker": _groups(by_speaker(scored)),
        "worst": [s.id for s in worst(scored)[:WORST]],
    }
    if len(names) <= FEW + 1:
        found["confusion_table"] = {"tokens": names, "times": table}
    return found


def utterance_rows(methods: Mapping[str, Said], unit: str) -> list[dict[str, Any]]:
    """A row for each utterance and method, in the order of the split."""
    first = next(iter(methods.values()))
    return [
        {
            "id": first.scored[i].id,
            "speaker": first.scored[i].speaker,
            "seconds": first.scored[i].seconds,
            "reference": first.references[i],
            "method": name,
            "text": said.texts[i],
            "tokens": said.scored[i].counts.reference,
            **dict(zip(KINDS, said.scored[i].counts[:3], strict=True)),
            "differences": inline(said.scored[i].pairs, between(unit)),
        }
        for i in range(len(first.scored))
        for name, said in methods.items()
    ]


def disagreements(methods: Mapping[str, Said]) -> list[dict[str, Any]]:
    """The first method against each other: where the texts differ, and who is right."""
    (name, first), *others = methods.items()
    return [
        {
            "first": name,
            "second": other,
            **_against(first, second),
        }
        for other, second in others
    ]


def between(unit: str) -> str:
    """What stands between two tokens in a line."""
    return " " if unit == "word" else ""


def _against(first: Said, second: Said) -> dict[str, Any]:
    pairs = list(zip(first.scored, second.scored, strict=True))
    differ = [i for i, (a, b) in enumerate(pairs) if a.hypothesis != b.hypothesis]
    right = [(pairs[i][0].counts.errors, pairs[i][1].counts.errors) for i in differ]
    return {
        "utterances": len(differ),
        "only_first_right": sum(a == 0 for a, _ in right),
        "only_second_right": sum(b == 0 for _, b in right),
        "neither_right": sum(a > 0 and b > 0 for a, b in right),
        "difference": total(first.scored).rate - total(second.scored).rate,
        "difference_interval_95": list(
            difference_interval_95(first.scored, second.scored)
        ),
        "ids": [pairs[i][0].id for i in differ],
    }


def _groups(groups: Mapping[str, Sequence[Scored]]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "utterances": len(group),
            **total(group).to_dict(),
            "interval_95": list(interval_95(group)),
        }
        for name, group in groups.items()
    ]
