"""What an evaluation leaves behind: JSON, a report to read, a table, a picture."""

import csv
import io
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..metrics.report import inline, worst
from ..training.load import run_folder
from ..utils.errors import FaultError
from ..utils.folders import make_folder
from ..utils.logging import table
from ..utils.plots import write_bytes
from ..utils.run_dir import resolve, to_json
from .report_picture import UNITS, draw_errors
from .scores import WORST, Said, between, utterance_rows


SHOWN = 8
"""Utterances and confusions in what is printed; the report has more."""


def write_report(
    result: dict[str, Any], said: Mapping[str, Said], out: Path, stem: str
) -> None:
    """Write `<stem>.json .txt .csv .png`; adds "files" and what differs to `result`.

    Raises InputError if nothing can be written there, FaultError for a full disk.
    """
    make_folder(out)
    kinds = ("json", "txt", "csv", "png")
    files = {kind: out / f"{stem}.{kind}" for kind in kinds}
    result["files"] = {kind: str(path) for kind, path in files.items()}
    first = next(iter(said.values()))
    result["worst"] = [
        {
            "id": s.id,
            "differences": inline(s.pairs, between(result["unit"])),
            "errors": s.counts.errors,
        }
        for s in worst(first.scored)[:WORST]
    ]
    result["differing"] = _differing(said)
    try:
        write_bytes(files["csv"], _csv(utterance_rows(said, result["unit"])))
        draw_errors(result, files["png"], run_name(result["checkpoint"]))
        write_bytes(files["txt"], (text(result, WORST) + "\n").encode(*_ANY))
        write_bytes(files["json"], (to_json(result, indent=1) + "\n").encode(*_ANY))
    except OSError as error:
        raise FaultError(f"cannot write to {out}: {error.strerror}") from None


_ANY = ("utf-8", "surrogateescape")
_LEGEND = (
    "rate = token errors / true tokens; (d->*): said d, heard nothing; (*->d): heard "
    "d, said nothing"
)


def text(result: dict[str, Any], shown: int = SHOWN) -> str:
    """How many errors, which, of whom, how fast; the files, and what to type next."""
    methods = result["methods"]
    name, first = next(iter(methods.items()))
    lines = [
        f"{run_name(result['checkpoint'])} · {result['split']} · "
        f"{result['utterances']} utterances of {result['data']}, "
        f"{result['audio_s']:.1f} s",
        "",
        _method_table(result),
        _LEGEND,
        "",
        f"errors of {name}: {_sentence(first)}",
    ]
    lines += _confusions(first, shown)
    for key, title in (("by_speaker", "speaker"), ("by_length", UNITS[result["unit"]])):
        if len(first[key]) > 1:
            lines += ["", _group_table(first[key], title)]
    if result["worst"]:
        lines += ["", "worst utterances, (said->heard):"]
        lines += [f"  {w['id']}: {w['differences']}" for w in result["worst"][:shown]]
    for pair in result["disagreements"]:
        lines += ["", _disagreement(pair)]
        rows = [d for d in result["differing"] if d["method"] == pair["second"]]
        lines += [
            f"  {d['id']}: said {d['reference']!r}, {pair['first']} {d['first']!r}, "
            f"{pair['second']} {d['text']!r}"
            for d in rows[:shown]
        ]
    lines += ["", *(f"note   {note}" for note in result["notes"])]
    lines.append(
        f"note   RTF: seconds from features to text by seconds of audio, batches of "
        f"{result['batch']}, {result['threads']} threads, {result['device']}, "
        "without the first batch's warm-up"
    )
    lines.append("saved  " + "\n       ".join(result["files"].values()))
    lines.append(f"next   {_next(result)}")
    return "\n".join(lines)


def _method_table(result: dict[str, Any]) -> str:
    rows = []
    for name, one in result["methods"].items():
        low, high = one["interval_95"]
        rows.append(
            (
                name,
                f"{one['tokens']['errors']} of {one['tokens']['reference']}",
                percent(one["tokens"]["rate"]),
                f"{100 * low:.2f}-{100 * high:.2f}",
                percent(one["words"]["rate"]),
                percent(one["characters"]["rate"]),
                f"{one['utterances_right']} of {result['utterances']}",
                f"{one['speed']['processing_s']:.2f} s",
                f"{one['speed']['rtf']:.4f}",
                f"{one['speed']['rtfx']:.0f}",
            )
        )
    header = ("method", "errors", "rate", "95 %", "WER", "CER", "all right")
    return table(rows, (*header, "time", "RTF", "RTFx"))


def _sentence(one: dict[str, Any]) -> str:
    counts = one["tokens"]
    return (
        f"{counts['substitutions']} substitutions, {counts['deletions']} deletions, "
        f"{counts['insertions']} insertions over {counts['reference']} tokens"
        + (
            f"; confidence against accuracy: {100 * one['calibration_error']:.1f} "
            "points apart"
            if one["calibration_error"] == one["calibration_error"]
            else ""
        )
    )


def _confusions(one: dict[str, Any], shown: int) -> list[str]:
    parts = [
        f"{_name(c['reference'])}->{_name(c['hypothesis'])} {c['times']}x"
        for c in one["confusions"][:shown]
    ]
    return [f"most often: {', '.join(parts)}"] if parts else []


def _group_table(groups: Sequence[dict[str, Any]], title: str) -> str:
    rows = [
        (
            group["name"] or "-",
            group["utterances"],
            group["reference"],
            group["errors"],
            percent(group["rate"]),
            "{:.2f}-{:.2f}".format(*(100 * end for end in group["interval_95"])),
        )
        for group in groups
    ]
    return table(rows, (title, "utterances", "tokens", "errors", "rate", "95 %"))


def _disagreement(pair: dict[str, Any]) -> str:
    low, high = (100 * end for end in pair["difference_interval_95"])
    return (
        f"{pair['first']} and {pair['second']} differ in {pair['utterances']} "
        f"utterances: only {pair['first']} right {pair['only_first_right']}, only "
        f"{pair['second']} {pair['only_second_right']}, neither "
        f"{pair['neither_right']}; {100 * pair['difference']:+.2f} points, "
        f"95 % {low:+.2f} to {high:+.2f}"
    )


def _differing(said: Mapping[str, Said]) -> list[dict[str, str]]:
    """The first utterances in which a method differs from the first one."""
    (_, first), *others = said.items()
    return [
        {
            "id": first.scored[i].id,
            "method": method,
            "reference": first.references[i],
            "first": first.texts[i],
            "text": other.texts[i],
        }
        for method, other in others
        for i in [i for i, t in enumerate(other.texts) if t != first.texts[i]][:WORST]
    ]


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode(*_ANY)


def _next(result: dict[str, Any]) -> str:
    given = f"--checkpoint {shlex.quote(result['checkpoint'])}"
    infer = f"python scripts/infer.py {given} --input FILE_OR_FOLDER"
    if len(result["methods"]) > 1:
        return infer
    return f"python scripts/eval.py {given} --method all\n       {infer}"


def run_name(checkpoint: Path | str) -> str:
    """What a report calls the model: its run, or the file where it lies in none."""
    path = resolve(checkpoint)
    return (run_folder(path) or path).resolve().name


def percent(share: float) -> str:
    """`-` where it is undefined."""
    return "-" if share != share else f"{100 * share:.2f} %"


def _name(token: str | None) -> str:
    return {None: "*", " ": "␣"}.get(token, token)
