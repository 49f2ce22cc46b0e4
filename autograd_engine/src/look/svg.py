"""Boxes and arrows as SVG: no program and no library draws them but the browser."""

from collections.abc import Sequence
from html import escape

from .geometry import PAD, Arrow, Box, arrange
from .nodes import NOT_KEPT, NOT_YET, Node


COLOURS = {
    "leaf": ("#0072B2", "#EAF4FB"),
    "constant": ("#7F8C8D", "#F4F6F6"),
    "sum": ("#00805E", "#E8F6F1"),
    "product": ("#B86E00", "#FDF4E3"),
    "nonlinear": ("#A3508A", "#FAEEF5"),
    "reduction": ("#C24A00", "#FDEFE6"),
    "movement": ("#5D6D7E", "#EFF2F5"),
}
"""Family -> header, body: dark and light tones of Okabe and Ito's colours."""

STYLE = """
text { font: 12px 'DejaVu Sans', Verdana, sans-serif; fill: #1B2631; }
.title { font-weight: bold; fill: #fff; }
.label { fill: #6C7A89; }
.faint { fill: #8A97A3; font-style: italic; }
.local { font-size: 10px; fill: #4A5A6A; paint-order: stroke; stroke: #fff;
  stroke-width: 3px; }
.edge { fill: none; stroke: #95A2AE; stroke-width: 1.4; }
.tip { fill: #95A2AE; }
.caption { font-size: 14px; font-weight: bold; }
"""


def render(nodes: Sequence[Node], caption: str = "", *, ids: str = "") -> str:
    """The picture; the boxes have the ids `{ids}n0`, `{ids}n1`, ... for scripts."""
    picture = arrange(nodes, caption)
    width, height = f"{picture.width:.0f}", f"{picture.height:.0f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    if caption:
        parts.append(f'<text class="caption" x="20" y="28">{escape(caption)}</text>')
    parts += [_arrow(arrow, ids) for arrow in picture.arrows]
    parts += [
        _local(arrow, nodes[arrow.target].locals[arrow.use])
        for arrow in picture.arrows
        if nodes[arrow.target].locals
    ]
    boxes = zip(nodes, picture.boxes, strict=True)
    parts += [_box(i, node, box, ids) for i, (node, box) in enumerate(boxes)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _arrow(arrow: Arrow, ids: str) -> str:
    return (
        f'<g class="arrow" id="{ids}e{arrow.target}-{arrow.use}"><path class="edge" '
        f'd="{arrow.path}"/><path class="tip" d="M{arrow.x:.1f},{arrow.y:.1f} '
        f'l-9,-4 l0,8 z"/></g>'
    )


def _local(arrow: Arrow, text: str) -> str:
    """The local gradient, above the tip of its arrow."""
    return (
        f'<text class="local" x="{arrow.x - 11:.1f}" y="{arrow.y - 4:.1f}" '
        f'text-anchor="end">{escape(text)}</text>'
    )


def _box(number: int, node: Node, box: Box, ids: str) -> str:
    dark, light = COLOURS[node.family]
    parts = [
        f'<g class="node" id="{ids}n{number}"><title>{escape(node.rule)}</title>',
        f'<rect class="body" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="6" fill="{light}" stroke="{dark}"/>',
        f'<path d="{box.header}" fill="{dark}"/>',
        f'<text class="title" x="{box.x + box.width / 2:.1f}" y="{box.y + 16:.1f}" '
        f'text-anchor="middle">{escape(node.title)}</text>',
    ]
    for i, ((label, text), line) in enumerate(zip(node.rows, box.lines, strict=True)):
        faint = text in (NOT_YET, NOT_KEPT)
        if label:
            parts.append(
                f'<text class="label" x="{box.x + PAD:.1f}" y="{line:.1f}">'
                f"{escape(label)}</text>"
            )
        parts.append(
            f'<text class="{"faint" if faint else "value"}" '
            f'id="{ids}n{number}r{i}" x="{box.text:.1f}" y="{line:.1f}">'
            f"{escape(text)}</text>"
        )
    return "".join([*parts, "</g>"])
