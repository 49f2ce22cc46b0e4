"""What a person reads of what `infer` did: on stdout the texts, on stderr the rest."""

from collections.abc import Iterator
from typing import Any

from ..utils.logging import table
from ..utils.run_dir import to_json
from .quality import quality_table


Summary = dict[str, Any]


def text(summary: Summary, json: bool = False) -> str:
    """For stdout: the texts that were written, or a table of the answers; or JSON."""
    if json:
        return to_json(summary, indent=1) + "\n"
    if "streamed" in summary:
        return ""
    lines = list(_texts(summary)) if "texts" in summary else _answers(summary)
    return "".join(f"{line}\n" for line in lines)


def verdict(summary: Summary) -> str:
    """For stderr: figures, what failed, and where the results are."""
    lines = []
    if "quality" in summary:
        lines.append(quality_table(summary["quality"]))
    for one in summary.get("texts", []):
        if "acceptance" in one:
            lines.append(
                f"{one['acceptance']:.1%} of the guesses accepted, "
                f"{one['tokens_per_call']:.2f} tokens per call of the model"
            )
    failures = summary.get("failures", [])
    if failures:
        done = len(summary["results"])
        lines.append(f"{done} of {done + len(failures)} done")
    lines += [f"  {failure['reason']}" for failure in failures]
    lines.append("saved  " + "\n       ".join(summary["files"].values()))
    return "\n".join(lines)


def exit_code(summary: Summary) -> int:
    """0 if all was done, else 2."""
    return 2 if summary.get("failures") else 0


def _texts(summary: Summary) -> Iterator[str]:
    texts = summary["texts"]
    for number, one in enumerate(texts, 1):
        if len(texts) > 1:
            yield f"--- {number} of {len(texts)}"
        yield summary["prompt"] + one["text"]


def _answers(summary: Summary) -> list[str]:
    rows = summary["results"]
    if not rows:
        return []
    if summary["task"] == "score":
        names = ("bits_per_byte", "perplexity", "bytes")
        lines = [(one["input"], *(one[name] for name in names)) for one in rows]
        return [table(lines, ("input", "bits per byte", "perplexity", "bytes"))]
    if summary["task"] == "classify":
        lines = [
            (
                one["input"],
                *(f"{g['class']} {g['probability']:.3f}" for g in one["top"]),
            )
            for one in rows
        ]
        return [table(lines, ("input", "class", *[""] * (len(lines[0]) - 2)))]
    if summary["task"] == "mlm":
        return [line for one in rows for line in (one["text"], *_words(one))]
    if len(rows) == 1:
        return [rows[0]["answer"]]
    pairs = [(one["given"], one["answer"]) for one in rows]
    return [table(pairs, ("question", "answer"))]


def _words(filled: Summary) -> Iterator[str]:
    """A line for each hidden token: the likeliest, with their shares."""
    for number, mask in enumerate(filled["masks"], 1):
        words = (f"{one['token']!r} {one['probability']:.3f}" for one in mask)
        yield f"  {number}: {', '.join(words)}"
