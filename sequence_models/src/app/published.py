"""What the repository says of the bench when nothing was run here: README and sweep."""

import re
from pathlib import Path
from typing import Any

from ..evolution.rates import rates_file, read_rates
from ..utils.errors import InputError
from ..utils.yaml12 import read_yaml
from .curves import Curves, number


ROOT = Path(__file__).resolve().parents[2]
BENCH = Path("configs") / "evolve_small.yaml"
HEAD = "| model | parameters | recipe of its era |"
ABOUT = (
    "Measured for the README, six seeds a row.",
    "The curves are those of the sweep of learning rates, one run a point.",
    "For learning curves: python scripts/evolve.py --config configs/evolve_small.yaml "
    "(70 CPU-minutes).",
)

Table = dict[str, Any]


def labels(bench: Path) -> dict[str, str]:
    """Entry -> what it is called on a page; its name, where the file is not there."""
    entries = _read(bench).get("entries", {})
    return {name: said.get("label", name) for name, said in entries.items()}


def published(root: Path = ROOT) -> Table | None:
    """The table of the README with the curves of the sweep; None without the files."""
    said = _read(root / BENCH)
    if not said:
        return None
    figures, rows, curves = readme_figures(root / "README.md"), [], Curves()
    swept = read_rates(rates_file(root / BENCH))
    for name, entry in said["entries"].items():
        label = entry.get("label", name)
        for recipe in entry["recipes"]:
            kind = "modern" if recipe == said["common"] else "era"
            values = figures.get(label, {}).get(kind, {})
            rows.append({"name": label, "recipe": recipe, "values": values})
            tried = [t for t in swept if (t.entry, t.recipe) == (name, recipe)]
            longest = max((t.share for t in tried), default=1.0)
            points = sorted((t.lr, t.bpb) for t in tried if t.share == longest)
            if points:
                rates, bpb = (list(part) for part in zip(*points, strict=True))
                metric = "bits per byte, end of the training text"
                curves.add(metric, len(rows) - 1, 0, bpb, rate=rates)
    return {
        "title": "the bench as published: ten models of 0.8 million parameters",
        "about": list(ABOUT),
        "rows": rows,
        "curves": curves.found,
        "axes": curves.axes(),
    }


def readme_figures(readme: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Model -> "era" or "modern" -> figures, from the README's table of the bench."""
    try:
        _, _, text = readme.read_text("utf-8").partition(HEAD)
    except (OSError, UnicodeDecodeError):
        return {}
    found = {}
    for line in text.partition("\n\n")[0].splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        model, parameters, era, modern, speeds, peak = cells
        model = re.sub(r" \(.*\)$", "", model)
        said = {"era": _spread(era), "modern": _spread(modern)}
        there = [kind for kind, spread in said.items() if spread]
        fast = [float(v.replace(",", "")) for v in re.findall(r"[\d,]*\d", speeds)]
        rates = dict(zip(there, fast, strict=True))
        # The memory is one figure a model, whatever the recipe.
        same = {
            "parameters": float(parameters.replace(",", "")),
            "peak_mb": float(peak),
        }
        found[model] = {
            kind: {**said[kind], "tokens_per_cpu_second": rates[kind], **same}
            for kind in there
        }
    return found


def _spread(cell: str) -> dict[str, float]:
    """`2.768 ± 0.008` as bpb and sd; nothing for a cell without figures."""
    numbers = [number(part) for part in cell.split("±")]
    if len(numbers) != 2 or None in numbers:
        return {}
    return {"bpb": numbers[0], "sd": numbers[1]}


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_yaml(path)[0]
    except InputError:
        return {}
