"""One page that says what a bench found: self-contained, readable without a network."""

from collections.abc import Callable
from html import escape
from itertools import groupby
from typing import Any

from .figures import costs, curves, dots, to_svg
from .plan import Plan
from .rates import best_rate
from .results import Results
from .tables import html_table, matrix, pair_table, paragraph, result_table
from .verdict import labels


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: 13px; }
td { font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child, td.text { text-align: left; }
td:first-child { white-space: nowrap; }
thead th { border-bottom: 2px solid #888; vertical-align: bottom; }
td.better { background: #cfe3f3; font-weight: 600; }
td.worse { background: #fbdcc0; font-weight: 600; }
tr.best td { font-weight: 600; }
.scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; }
pre { white-space: pre-wrap; background: #f5f5f5; padding: .7rem; font-size: 12.5px; }
.small { color: #555; font-size: 13px; } summary { cursor: pointer; }
"""


def page(plan: Plan, results: Results, content: dict[str, Any]) -> str:
    """The page as HTML; `content` is what results.json has."""
    label, common = labels(plan), plan.bench.common
    seeds = len({run.seed for run in results.runs})
    tokens = results.runs[0].tokens
    parts = [
        f"<h1>{escape(plan.name)}: language models of equal size</h1>",
        paragraph(
            f"{len({r.entry for r in results.rows})} models of about "
            f"{plan.bench.parameters:,} parameters (± {plan.bench.tolerance:.0%}), the "
            f"same text, tokenizer and {tokens:,} tokens for each of {seeds} seeds. "
            f"Each is trained by the recipe of its era, and all by the recipe {common}."
        ),
        "<h2>Conclusion</h2>",
        "<ul>"
        + "".join(f"<li>{escape(s)}</li>" for s in content["conclusion"])
        + "</ul>",
        "<h2>Every run</h2>",
        to_svg(dots(plan, results, label)),
        "<h2>Table</h2>",
        result_table(results.rows, content["saved_for_backward"], label),
        _notes(plan),
        "<h2>Learning curves</h2>",
        curves(plan, results, label),
    ]
    for title, family in (
        (f"Differences under the recipe {common}", results.common),
        ("Differences, each with the recipe of its era", results.era),
    ):
        if len(family) > 0:
            parts += [f"<h2>{escape(title)}</h2>", matrix(family, results, label)]
    if results.recipe:
        parts += [
            f"<h2>Recipe of the era against {escape(common)}</h2>",
            pair_table(results.recipe, label),
        ]
    parts += [
        "<h2>What it costs</h2>",
        costs(results.rows, common, label),
        "<h2>Samples</h2>",
        _samples(plan, content["samples"], label),
        "<h2>Learning rates</h2>",
        _swept(plan, label),
        "<h2>How it was made</h2>",
        _made(content),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(plan.name)}</title><style>{STYLE}</style></head>\n<body>"
        + "\n".join(parts)
        + "</body></html>\n"
    )


NOTES = """
Bits per byte are of the whole validation text after the last step: nothing was chosen
by them. Mean and sd are over the seeds, speed and memory are medians. Peak: the largest
resident set of the child process, PyTorch itself (about 0.3 GB) included. Kept for
backward: what the forward pass of one batch stores, parameters left out. Rates are of
the training with its evaluations; CPU-s a run is all in.
"""


SWEPT = """
Each pair was swept alike: rates a factor of two apart until the best had a worse one on
both sides, a run each of a share of the tokens, with a seed that the table does not
use, judged on the end of the training text. Where longer runs were made they decide.
"""


def _notes(plan: Plan) -> str:
    common, said = plan.bench.common, []
    for name, entry in plan.entries.items():
        who = entry.label or name
        if entry.same:
            other = plan.entries[entry.same].label or entry.same
            said.append(
                f"{who} is the network of {other} with another recipe: under {common} "
                "they are one, which is run once."
            )
        if entry.recipes[0] == common:
            said.append(f"{common} is the recipe of the era of {who}.")
    return paragraph(" ".join([*said, plan.bench.note, NOTES]), "small")


def _samples(plan: Plan, texts: dict[str, str], label: Callable[[str], str]) -> str:
    parts = []
    for pair in plan.pairs:
        if pair.name in texts:
            title = f"{label(pair.entry)}, recipe {pair.recipe}"
            shown = " open" if pair.recipe == plan.bench.common else ""
            parts.append(
                f"<details{shown}><summary>{escape(title)}</summary>"
                f"<pre>{escape(texts[pair.name])}</pre></details>"
            )
    note = "The model of the first seed goes on from the same prompt, temperature 0.8."
    return paragraph(note, "small") + "".join(parts)


def _swept(plan: Plan, label: Callable[[str], str]) -> str:
    if not plan.swept:
        return paragraph("No rate was swept: each is that of its recipe.")
    body, order = "", list(plan.entries)
    rows = [row for row in plan.swept if row.entry in order]
    rows.sort(key=lambda t: (order.index(t.entry), t.recipe, t.share, t.lr))
    for (entry, recipe, share), group in groupby(
        rows, key=lambda t: (t.entry, t.recipe, t.share)
    ):
        chosen = best_rate(plan.swept, entry, recipe)
        longest = max(t.share for t in rows if t[:2] == (entry, recipe))
        shown = [
            f"<b>{t.lr:g}: {t.bpb:.3f}</b>"
            if t.lr == chosen and share == longest
            else f"{t.lr:g}: {t.bpb:.3f}"
            for t in group
        ]
        body += (
            f"<tr><td>{escape(label(entry))}</td><td>{escape(recipe)}</td>"
            f'<td>{share:.0%}</td><td class="text">{" &middot; ".join(shown)}</td></tr>'
        )
    head = ("model", "recipe", "tokens", "rate: bits per byte, chosen in bold")
    return paragraph(SWEPT, "small") + html_table(head, body)


def _made(content: dict[str, Any]) -> str:
    about = content["environment"]
    kept = ("command", "start", "git", "python", "torch", "machine")
    shown = {name: about[name] for name in kept if about.get(name)}
    shown["command"] = " ".join(shown.get("command", []))
    text = "\n".join(f"{name}: {value}" for name, value in shown.items())
    return f"<pre>{escape(text)}</pre>"
