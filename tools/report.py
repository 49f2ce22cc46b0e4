"""All runs on one page: a file of HTML that needs no network and no server.

    python -m tools report                       every sub-project's runs
    python -m tools report vision_cnn/runs       those in or below a folder
    python -m tools report --out /tmp/runs.html  elsewhere than runs/report.html

The page has the runs as a table, their curves one over the other, how their settings
differ, their pictures, and what `parity`, `benchmark` and the specifications show.
"""

import argparse
import base64
import hashlib
import html
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.files import replace_whole
from tools.processes import handle_signals, say
from tools.projects import ROOT, WorkspaceError, find_projects
from tools.report_curves import POINTS, limited, points_for
from tools.report_data import plain, read_all, settings_of
from tools.report_evidence import evidence, record_coverage
from tools.report_pictures import RULE, pictures_of


PAGE = Path(__file__).with_name("report_page")
SCRIPTS = (
    "base.js", "table.js", "runs.js", "filters.js", "series.js", "chart.js",
    "curves.js", "settings.js", "pictures.js", "evidence.js", "page.js",
)  # fmt: skip
NO_PLACE = "a folder with runs in it, or one run; without any: every sub-project's runs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; exit code 2 if a place holds no run."""
    given = _parser().parse_args(arguments)
    handle_signals()
    try:
        places = _places(given.places, ROOT)
        if given.spec:
            record_coverage(ROOT)
        page, counts = build(places, ROOT)
        _write(given.out, page)
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print(f"{given.out}  {counts}, {len(page) / 1e6:.1f} MB; open it in a browser")
    return 0


def build(places: Sequence[Path], root: Path) -> tuple[bytes, str]:
    """(the page, what is in it); the same files give the same bytes."""
    read = read_all(places)
    say(f"{len(read)} runs read")
    common, settings = settings_of([run for run, _, _ in read])
    points = points_for([curves for _, _, curves in read])
    blocks, rows = [], []
    paths = [run.path for run, _, _ in read]
    for number, pictures in enumerate(pictures_of(paths)):
        run, row, curves = read[number]
        if run.path.is_relative_to(root):
            row["path"] = run.path.relative_to(root).as_posix()
        names = []
        for place, picture in enumerate(pictures):
            if "data" in picture:
                blocks.append(_block(f"picture-{number}-{place}", picture.pop("data")))
            names.append(picture)
        small = limited(curves, points)
        blocks.append(_block(f"curves-{number}", plain(_short(small))))
        metrics = {split: list(parts) for split, parts in small.items()}
        rows.append(row | settings[number] | {"metrics": metrics, "pictures": names})
    data = {"runs": rows, "common": common, "evidence": plain(evidence(root))}
    data["rules"] = [_curve_rule(points), RULE]
    projects = len({row["project"] for row in rows})
    counts = f"{_some(len(rows), 'run')} of {_some(projects, 'sub-project')}"
    return _page(counts, [_block("data", data), *blocks]), counts


def _page(counts: str, blocks: list[str]) -> bytes:
    style = "\n" + (PAGE / "page.css").read_text(encoding="utf-8")
    texts = [(PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    script = '\n"use strict";\n' + "\n".join(texts)
    parts = {
        "style": style,
        "style-hash": _hash(style),
        "script": script,
        "script-hash": _hash(script),
        "counts": html.escape(counts),
        "blocks": "\n".join(blocks),
    }
    template = (PAGE / "page.html").read_text(encoding="utf-8")
    text = re.sub(r"\{\{([a-z-]+)\}\}", lambda found: parts[found[1]], template)
    return text.encode()


def _block(name: str, content: Any) -> str:
    """Data that the page reads when it is needed; nothing in it can end the block."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    text = text.replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def _hash(text: str) -> str:
    """How a Content-Security-Policy names the one script or style that may act."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _short(curves: dict) -> dict:
    """Values with six digits, as in metrics.csv; whole numbers without a point."""
    return {
        split: {
            metric: [steps, [_six(value) for value in values]]
            for metric, (steps, values) in parts.items()
        }
        for split, parts in curves.items()
    }


def _six(value: float) -> float | int:
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _curve_rule(points: int) -> str:
    why = "" if points == POINTS else ", so few because there are many"
    return (
        f"A curve has at most {points} points{why}: both ends, and of each stretch its "
        "smallest and largest value and the first that is not finite."
    )


def _places(given: Sequence[Path], root: Path) -> list[Path]:
    for place in given:
        if not place.is_dir():
            raise WorkspaceError(f"{place} is no folder; give {NO_PLACE}")
        if not any(place.rglob("meta.json")):
            raise WorkspaceError(
                f"{place} holds no run (no meta.json); give {NO_PLACE}"
            )
    return list(given) or [project / "runs" for project in find_projects(root)]


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(path, lambda part: part.write_bytes(content))
    except OSError as error:
        raise WorkspaceError(
            f"{path} cannot be written ({error.strerror}); choose another with --out"
        ) from None


def _some(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("places", nargs="*", type=Path, metavar="PLACE", help=NO_PLACE)
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "runs" / "report.html",
        metavar="FILE",
        help="where to write (default: runs/report.html of the workspace)",
    )
    parser.add_argument(
        "--spec",
        action="store_true",
        help="first run all tests, to know which sentences of SPEC.md hold (minutes)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
