"""results.json, results.csv, index.html and runs.png of a bench, from its runs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..generation.generate import generate
from ..generation.sampling import Sampling
from ..training.load import load_model
from ..utils.atomic import write_atomically
from ..utils.environment import describe_environment
from ..utils.errors import InputError
from ..utils.logging import log
from ..utils.plots import save_figure
from ..utils.run_dir import to_json
from .children import Failure
from .cost import saved_bytes_of
from .figures import dots
from .page import page
from .plan import Plan
from .results import collect, to_csv, to_plain
from .verdict import conclude, labels


TEMPERATURE = 0.8


def report(plan: Plan, folder: Path, failed: Sequence[Failure] = ()) -> dict[str, Any]:
    """Write the four files; gives what is in the JSON. InputError without any run."""
    results = collect(plan, folder)
    if not results.runs:
        raise InputError(f"{folder} has no finished run yet; leave out --report")
    names = {(row.entry, row.recipe) for row in results.rows}
    pairs = [pair for pair in plan.pairs if (pair.entry, pair.recipe) in names]
    content = {
        "bench": plan.name,
        "environment": describe_environment(),
        **to_plain(results),
        "conclusion": conclude(plan, results, [failure.job.name for failure in failed]),
        "failed": {failure.job.name: failure.why for failure in failed},
        "saved_for_backward": {pair.name: saved_bytes_of(pair) for pair in pairs},
        "samples": samples(plan, folder),
        "swept": [row._asdict() for row in plan.swept],
        "page": str(folder / "index.html"),
    }
    text = to_json(content, indent=1) + "\n"
    write_atomically(folder / "results.json", text.encode())
    write_atomically(folder / "results.csv", to_csv(results.runs).encode())
    write_atomically(folder / "index.html", page(plan, results, content).encode())
    save_figure(dots(plan, results, labels(plan)), folder / "runs.png")
    return content


def samples(plan: Plan, folder: Path) -> dict[str, str]:
    """A text of each pair's first seed, kept in samples.json while its weights stay."""
    file = folder / "samples.json"
    try:
        kept = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        kept = {}
    shown = {}
    for pair in plan.pairs:
        path = (
            folder / f"{pair.name}-s{plan.bench.seeds[0]}" / "checkpoints" / "best.pt"
        )
        if not path.exists():
            continue
        stamp = [path.stat().st_mtime_ns, plan.bench.prompt, plan.bench.sample]
        if kept.get(pair.name, {}).get("of") != stamp:
            log.info(f"{pair.name}: a sample of {plan.bench.sample} tokens")
            text = write_text(path, plan.bench.prompt, plan.bench.sample)
            kept[pair.name] = {"of": stamp, "text": text}
        shown[pair.name] = kept[pair.name]["text"]
    write_atomically(file, to_json(kept, indent=1).encode())
    return shown


@torch.no_grad()
def write_text(checkpoint: Path, prompt: str, count: int) -> str:
    """The prompt, and what the model goes on with."""
    loaded = load_model(checkpoint)
    ids = torch.tensor([loaded.tokenizer.encode(prompt)])
    made = generate(loaded.model, ids, count, Sampling(temperature=TEMPERATURE), seed=0)
    return loaded.tokenizer.decode([*ids[0].tolist(), *made[0].tolist()])
