"""Boxes and arrows as SVG: no program and no library draws them but the browser."""

from collections.abc import Sequence
from html import escape
from unicodedata import east_asian_width

from .layout import lay_out
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

HEAD, ROW, PAD, GAP_Y = 22, 17, 9, 16
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
    boxes = [_size(node) for node in nodes]
    layout = lay_out([n.parents for n in nodes], [h + GAP_Y for _, h in boxes])
    widths = [0.0] * (max(layout.layers) + 1)
    for layer, (width, _) in zip(layout.layers, boxes, strict=True):
        widths[layer] = max(widths[layer], width)
    gap = 40 + max((_width(t, 6.5) for n in nodes for t in n.locals), default=16)
    lefts = [20.0]
    for width in widths:
        lefts.append(lefts[-1] + width + gap)
    points = [y for *_, way in layout.routes for _, y in way]
    extent = [
        y + side * h / 2
        for y, (_, h) in zip(layout.heights, boxes, strict=True)
        for side in (-1, 1)
    ]
    top = min(extent + points) - (44 if caption else 20)
    height = max(extent + points) + 20 - top
    width = max(lefts[-1] - gap + 20, 40 + _width(caption, 9))
    places = [
        (lefts[layer] + (widths[layer] - box[0]) / 2, y - top - box[1] / 2, *box)
        for layer, y, box in zip(layout.layers, layout.heights, boxes, strict=True)
    ]
    routes = [
        (s, t, use, [(lefts[i], lefts[i] + widths[i], y - top) for i, y in way])
        for s, t, use, way in layout.routes
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>',
    ]
    if caption:
        parts.append(f'<text class="caption" x="20" y="28">{escape(caption)}</text>')
    parts += _edges(nodes, places, routes, ids)
    parts += [_box(i, node, places[i], ids) for i, node in enumerate(nodes)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _edges(nodes: Sequence[Node], places: list, routes: list, ids: str) -> list[str]:
    """Arrows from input to result, spread over the left side of the result."""
    arriving: dict[int, list[tuple[float, int]]] = {}
    for number, (source, target, _, way) in enumerate(routes):
        last = way[-1][2] if way else places[source][1] + places[source][3] / 2
        arriving.setdefault(target, []).append((last, number))
    ports = {}
    for target, ends in arriving.items():
        _, y, _, h = places[target]
        for rank, (_, number) in enumerate(sorted(ends)):
            ports[number] = y + h * (rank + 1) / (len(ends) + 1)
    drawn, labels = [], []
    for number, (source, target, use, way) in enumerate(routes):
        x, y, w, h = places[source]
        end = places[target][0]
        points = [(x + w, x + w, y + h / 2), *way, (end - 7, end - 7, ports[number])]
        path = [f"M{points[0][1]:.1f},{points[0][2]:.1f}"]
        for (_, a, p), (b, c, q) in zip(points, points[1:], strict=False):
            middle = (a + b) / 2
            path.append(
                f"C{middle:.1f},{p:.1f} {middle:.1f},{q:.1f} {b:.1f},{q:.1f}"
                + (f" L{c:.1f},{q:.1f}" if c != b else "")
            )
        py = ports[number]
        drawn.append(
            f'<g class="arrow" id="{ids}e{target}-{use}"><path class="edge" '
            f'd="{" ".join(path)}"/><path class="tip" d="M{end:.1f},{py:.1f} '
            f'l-9,-4 l0,8 z"/></g>'
        )
        if nodes[target].locals:
            text = escape(nodes[target].locals[use])
            labels.append(
                f'<text class="local" x="{end - 11:.1f}" y="{py - 4:.1f}" '
                f'text-anchor="end">{text}</text>'
            )
    return drawn + labels


def _box(number: int, node: Node, place: tuple, ids: str) -> str:
    x, y, w, h = place
    dark, light = COLOURS[node.family]
    parts = [
        f'<g class="node" id="{ids}n{number}"><title>{escape(node.rule)}</title>',
        f'<rect class="body" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" '
        f'height="{h:.1f}" rx="6" fill="{light}" stroke="{dark}"/>',
        f'<path d="M{x:.1f},{y + HEAD:.1f} v{6 - HEAD} q0,-6 6,-6 h{w - 12:.1f} '
        f'q6,0 6,6 v{HEAD - 6} z" fill="{dark}"/>',
        f'<text class="title" x="{x + w / 2:.1f}" y="{y + 16:.1f}" '
        f'text-anchor="middle">{escape(node.title)}</text>',
    ]
    start = x + PAD + _label_width(node)
    for i, (label, text) in enumerate(node.rows):
        line = y + HEAD + ROW * (i + 1) - 2
        faint = text in (NOT_YET, NOT_KEPT)
        if label:
            parts.append(
                f'<text class="label" x="{x + PAD:.1f}" y="{line:.1f}">'
                f"{escape(label)}</text>"
            )
        parts.append(
            f'<text class="{"faint" if faint else "value"}" '
            f'id="{ids}n{number}r{i}" x="{start:.1f}" y="{line:.1f}">'
            f"{escape(text)}</text>"
        )
    return "".join([*parts, "</g>"])


def _size(node: Node) -> tuple[float, float]:
    texts = max((_width(text, 7.6) for _, text in node.rows), default=0.0)
    wide = max(46.0, _width(node.title, 8.6), _label_width(node) + texts)
    ports = 12 * (len(node.parents) + 1)  # room for the numbers on the arrows
    return wide + 2 * PAD, max(HEAD + ROW * len(node.rows) + 6, ports)


def _label_width(node: Node) -> float:
    return 7 + max((_width(label, 6.9) for label, _ in node.rows), default=0.0)


def _width(text: str, each: float) -> float:
    """About as wide as a browser draws it; nothing here can ask the font."""
    narrow = 0.55 * each
    sizes = {",": narrow, ".": narrow, " ": narrow, "[": narrow, "]": narrow}
    return sum(
        2 * each if east_asian_width(c) in "WF" else sizes.get(c, each) for c in text
    )
