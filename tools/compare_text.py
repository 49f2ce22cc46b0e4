"""A comparison as tables to read, as CSV and as JSON."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from tools.comparison import Comparison, Difference, Group, Unit
from tools.tables import counted, table


SETTINGS = 4  # of a group that are written out
MANY = 36  # differences, those of nine groups, up to which all are shown


def text(found: Comparison, more: Mapping[str, Sequence[str]] | None = None) -> str:
    """Groups, differences with their verdicts, the other tests, notes.

    `more`: further columns of the groups, a cell for each of them.
    """
    parts = [
        f"{found.metric}: {found.better} is better ({found.why})",
        table(*_groups(found.groups, more or {})),
    ]
    if chosen := shown(found):
        parts += [table(*_differences(chosen)), table(*_tests(chosen))]
    notes = [f"note  {note}" for note in found.notes]
    if (all_of := len(found.differences)) > len(chosen):
        first = found.groups[0].label
        notes.append(
            f"note  shown are those with {first}; python -m tools compare RUN --csv "
            f"FILE has all {all_of}"
        )
    notes = "\n".join(notes)
    return "\n\n".join([*parts, notes] if notes else parts)


def shown(found: Comparison) -> list[Difference]:
    """All differences; of too many to read, those from the first group."""
    first = found.groups[0].label
    if len(found.differences) <= MANY:
        return list(found.differences)
    return [one for one in found.differences if one.first == first]


def as_csv(found: Comparison) -> str:
    """A line a comparison, with all digits; what there is not is an empty cell."""
    groups = {group.label: group for group in found.groups}
    rows = [
        {"metric": found.metric}
        | _sides(groups[one.first], groups[one.second])
        | _row(one)
        for one in found.differences
    ]
    heads = dict.fromkeys(["metric", *_sides(found.groups[0], found.groups[0])])
    heads |= dict.fromkeys(field.name for field in fields(Difference))
    heads = {head: None for head in heads if head not in ("tests", "effects")}
    heads |= dict.fromkeys(key for row in rows for key in row)
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(heads), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        known = {key: "" if value != value else value for key, value in row.items()}
        writer.writerow(known)
    return file.getvalue()


def as_json(found: Comparison) -> str:
    """Everything; a number that there is not is null."""
    content = {
        "metric": found.metric,
        "better": found.better,
        "why": found.why,
        "groups": [
            {
                "label": group.label,
                "settings": group.settings,
                "runs": [str(run.path) for run in group.runs],
                "units": [str(unit) for unit in group.units],
                "folds": group.folds,
                "values": list(group.values),
                "mean": group.mean,
                "sd": group.sd,
                "interval_95": [group.low, group.high],
            }
            for group in found.groups
        ],
        "differences": [asdict(one) for one in found.differences],
        "notes": list(found.notes),
    }
    return json.dumps(_strict(content), indent=1, default=str, allow_nan=False) + "\n"


def settings_in_words(group: Group) -> str:
    """What not all groups share; the name of a run where that is much or nothing."""
    name, settings = group.runs[0].name, group.settings
    if len(settings) > SETTINGS:
        return f"as {name} ({len(settings)} settings differ)"
    return ", ".join(f"{key}={_short(settings[key])}" for key in settings) or name


def units_in_words(units: Sequence[Unit]) -> str:
    """Seeds as ranges, "seeds 0-2, 5"; of (seed, fold) also how many folds."""
    pairs = [unit if isinstance(unit, tuple) else (unit, 0) for unit in units]
    seeds = sorted({seed for seed, _ in pairs if isinstance(seed, int)})
    if not seeds:
        return counted(len(units), "run")  # that do not tell their seed
    ranges: list[list[int]] = []
    for seed in seeds:
        if ranges and seed == ranges[-1][-1] + 1:
            ranges[-1].append(seed)
        else:
            ranges.append([seed])
    text = ", ".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in ranges)
    folds = len({fold for _, fold in pairs})
    words = f"seed{'s' * (len(seeds) > 1)} {text}"
    return f"{words} x {folds} folds" if folds > 1 else words


def _groups(
    groups: Sequence[Group], more: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    heads = ["", "values", "of", "mean", "sd", "95 % interval", *more, "settings"]
    return heads, [
        [
            group.label,
            str(len(group.values)),
            _units(group),
            f"{group.mean:.5g}",
            _number(group.sd, ".2g"),
            _interval(group.low, group.high, 5),
            *(column[place] for column in more.values()),
            settings_in_words(group),
        ]
        for place, group in enumerate(groups)
    ]


def _differences(chosen: Sequence[Difference]) -> tuple[list[str], list[list[str]]]:
    heads = ["", "pairs", "difference", "95 % interval", "test", "p", "Holm", "verdict"]
    return heads, [
        [
            f"{one.second} - {one.first}",
            str(one.n) if one.pairs else "none",
            f"{one.difference:+.3g}",
            _interval(one.low, one.high, 3),
            one.test,
            _p(one.p),
            _p(one.p_holm),
            one.verdict,
        ]
        for one in chosen
    ]


def _tests(differences: Sequence[Difference]) -> tuple[list[str], list[list[str]]]:
    """What the verdict does not use: the other tests, and sizes without a unit."""
    tests = list(dict.fromkeys(name for one in differences for name in one.tests))
    sizes = list(dict.fromkeys(name for one in differences for name in one.effects))
    heads = ["", *(f"p {name}" for name in tests), "least p possible", *sizes]
    return heads, [
        [
            f"{one.second} - {one.first}",
            *(_p(one.tests.get(name, math.nan)) for name in tests),
            _p(one.smallest_p),
            *(_number(one.effects.get(name, math.nan), "+.2f") for name in sizes),
        ]
        for one in differences
    ]


def _sides(first: Group, second: Group) -> dict[str, Any]:
    """What the two letters of a difference stand for."""
    return {
        f"{side}{what}": value
        for side, group in (("first", first), ("second", second))
        for what, value in (
            ("", group.label),
            ("_settings", settings_in_words(group)),
            ("_mean", group.mean),
        )
    }


def _row(one: Difference) -> dict[str, Any]:
    row = {key: value for key, value in asdict(one).items() if type(value) is not dict}
    row |= {f"p {name}": p for name, p in one.tests.items()}
    return row | one.effects


def _units(group: Group) -> str:
    """Which seeds, or how many samples of which run."""
    if len(group.runs) < len(group.units):
        return f"samples of {group.runs[0].name}"
    return units_in_words(group.units)


def _interval(low: float, high: float, digits: int) -> str:
    if math.isnan(low):
        return "-"
    sign = "+" if digits == 3 else ""
    return f"{low:{sign}.{digits}g} to {high:{sign}.{digits}g}"


def _p(value: float) -> str:
    if math.isnan(value):
        return "-"
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else f"{value:{form}}"


def _short(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=str).strip('"')


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
