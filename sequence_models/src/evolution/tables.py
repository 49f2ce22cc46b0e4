"""The tables of a bench's page, as HTML."""

from collections.abc import Callable, Iterable, Sequence
from html import escape

from .comparison import LEVEL, Comparison
from .results import Results, Row


def result_table(
    rows: list[Row], saved: dict[str, int], label: Callable[[str], str]
) -> str:
    head = (
        "model", "recipe", "parameters", "seeds", "bits per byte", "sd", "nats a token",
        "accuracy", "tokens per CPU-s", "bytes per CPU-s", "CPU-s a run", "peak MB",
        "kept for backward, MB",
    )  # fmt: skip
    best = min(rows, key=lambda row: row.bpb)
    lines = []
    for row in rows:
        lines.append(
            (
                "best" if row is best else "",
                label(row.entry),
                row.recipe,
                f"{row.parameters:,}",
                str(len(row.seeds)),
                f"{row.bpb:.4f}",
                f"{row.sd:.4f}",
                f"{row.loss:.4f}",
                f"{row.accuracy:.3f}",
                f"{row.tokens_per_cpu_second:,.0f}",
                f"{row.bytes_per_cpu_second:,.0f}",
                f"{row.cpu_seconds:.0f}",
                f"{row.peak_bytes / 1e6:.0f}",
                f"{saved[f'{row.entry}-{row.recipe}'] / 1e6:.1f}",
            )
        )
    body = "".join(
        f'<tr class="{kind}">'
        + "".join(f"<td>{escape(c)}</td>" for c in cells)
        + "</tr>"
        for kind, *cells in lines
    )
    return html_table(head, body)


def matrix(
    family: Sequence[Comparison], results: Results, label: Callable[[str], str]
) -> str:
    """Row minus column, the best first; coloured where it is significant."""
    means = {f"{row.entry}-{row.recipe}": row.bpb for row in results.rows}
    names = sorted({n for f in family for n in (f.a, f.b)}, key=means.__getitem__)
    found = {(f.a, f.b): (1, f) for f in family} | {(f.b, f.a): (-1, f) for f in family}
    body = ""
    for one in names:
        cells = ""
        for other in names:
            if one == other:
                cells += "<td></td>"
                continue
            sign, test = found.get((one, other), (0, None))
            if test is None:
                cells += "<td>?</td>"
                continue
            difference = sign * test.difference
            kind = ("better" if difference < 0 else "worse") if test.significant else ""
            tip = (
                f"t-test p = {test.p_t:.2g}, after Holm {test.p_holm:.2g}, sign-flip "
                f"p = {test.p_flip:.2g}, {test.pairs} pairs"
            )
            cells += f'<td class="{kind}" title="{tip}">{difference:+.3f}</td>'
        body += f"<tr><td>{escape(label(one))}</td>{cells}</tr>"
    note = (
        "Row minus column in bits per byte, over the pairs of runs of one seed. Blue: "
        f"the row is significantly better (p < {LEVEL} after Holm), orange: worse. The "
        "p-values show when the pointer rests on a cell, and are in results.json."
    )
    return html_table(("", *map(label, names)), body) + paragraph(note, "small")


def pair_table(family: Sequence[Comparison], label: Callable[[str], str]) -> str:
    head = (
        "model", "pairs", "era minus common", "95 % interval", "t-test p", "after Holm",
        "sign-flip p",
    )  # fmt: skip
    body = ""
    for f in family:
        kind = ("worse" if f.difference > 0 else "better") if f.significant else ""
        cells = (
            label(f.a), f.pairs, f"{f.difference:+.4f}",
            f"{f.low:+.4f} to {f.high:+.4f}",
            f"{f.p_t:.2g}", f"{f.p_holm:.2g}", f"{f.p_flip:.2g}",
        )  # fmt: skip
        shown = [f"<td>{escape(str(cell))}</td>" for cell in cells]
        shown[2] = shown[2].replace("<td", f'<td class="{kind}"')
        body += "<tr>" + "".join(shown) + "</tr>"
    return html_table(head, body)


def html_table(head: Iterable[str], body: str) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    return (
        f'<div class="scroll"><table><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"
