"""Curves for the report: metrics.csv by split and metric, with few enough points.

Of a long curve the extremes, the ends and the places that are not finite stay.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise


Curve = tuple[list[int], list[float]]  # steps and values
Curves = dict[str, dict[str, Curve]]  # split -> metric -> curve

POINTS = 500  # a curve
KNOTS = 100  # of the scales that tell epochs and seconds
ALL_POINTS = 1_000_000  # in one page; about 15 MB
ROWS = ("step", "epoch", "split")


def curves_of(rows: Sequence[Mapping[str, str | float]]) -> Curves:
    """The columns of metrics.csv with at most `POINTS` points each."""
    found: Curves = defaultdict(lambda: defaultdict(lambda: ([], [])))
    for row in rows:
        if not _finite(row.get("step")):
            continue
        for metric, value in row.items():
            if metric not in ROWS and isinstance(value, float):
                steps, values = found[str(row.get("split", ""))][metric]
                steps.append(int(row["step"]))
                values.append(value)
    return limited({split: dict(parts) for split, parts in found.items()}, POINTS)


def limited(curves: Curves, points: int) -> Curves:
    """All curves with at most so many points each."""
    return {
        split: {metric: decimate(*curve, points) for metric, curve in parts.items()}
        for split, parts in curves.items()
    }


def points_for(all_curves: Sequence[Curves]) -> int:
    """How many points a curve may have, for all to fit in one page."""
    lengths = [
        len(steps)
        for curves in all_curves
        for parts in curves.values()
        for steps, _ in parts.values()
    ]
    for points in (POINTS, 400, 300, 200, 150, 100, 75, 50):
        if sum(min(length, points) for length in lengths) <= ALL_POINTS:
            return points
    return 30


def decimate(steps: Sequence[int], values: Sequence[float], points: int) -> Curve:
    """At most `points` of a curve: both ends, and of each stretch between them the
    smallest and the largest value and the first that is not finite."""
    if len(steps) <= points:
        return list(steps), list(values)
    stretches = max(1, (points - 2) // 3)
    inner = len(steps) - 2
    edges = [1 + inner * number // stretches for number in range(stretches + 1)]
    kept = {0, len(steps) - 1}
    for begin, end in pairwise(edges):
        finite = [i for i in range(begin, end) if math.isfinite(values[i])]
        if len(finite) < end - begin:
            kept.add(next(i for i in range(begin, end) if not _finite(values[i])))
        if finite:
            kept |= {min(finite, key=values.__getitem__)}
            kept |= {max(finite, key=values.__getitem__)}
    order = sorted(kept)
    return [steps[i] for i in order], [values[i] for i in order]


def scales(
    events: Sequence[Mapping], rows: Sequence[Mapping[str, str | float]]
) -> dict[str, Curve]:
    """What a step is in epochs and in seconds, as knots between which one draws a line.

    Epochs: where the validations were, or else the last row. Seconds: from the times of
    the events, without the pauses before a run was resumed.
    """
    found = {}
    told = [
        row for row in rows if _finite(row.get("step")) and _finite(row.get("epoch"))
    ]
    ends = [row for row in told if row.get("split") == "val"] or told[-1:]
    if ends and ends[-1]["step"] > 0:
        points = [(int(row["step"]), row["epoch"]) for row in ends]
        found["epoch"] = _knots([(0, 0.0), *points])
    if len(clock := _clock(events)) > 1:
        found["seconds"] = _knots(clock)
    return found


def _clock(events: Sequence[Mapping]) -> list[tuple[int, float]]:
    """(step, seconds) of the events; a resumed run goes back to its checkpoint."""
    knots: list[tuple[int, float]] = []
    began = 0.0
    for event in events:
        step, now = event.get("step"), _seconds(event.get("t"))
        if not _finite(step) or now is None:
            continue
        if not knots or event.get("event") in ("start", "resume"):
            knots = [knot for knot in knots if knot[0] <= step]
            began = now - (knots[-1][1] if knots else 0.0)
        if not knots or step > knots[-1][0]:
            knots.append((int(step), now - began))
    return knots


def _knots(points: list[tuple[int, float]]) -> Curve:
    stride = -(-len(points) // (KNOTS - 1))
    kept = points[:-1:stride] + points[-1:]
    return [x for x, _ in kept], [y for _, y in kept]


def _seconds(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
