"""Where the boxes and arrows of a picture lie; `svg` and the page draw them there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from unicodedata import east_asian_width

from .layout import Layout, lay_out
from .nodes import Node


HEAD, ROW, PAD, GAP_Y = 22, 17, 9, 16


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its header as an SVG path, where its texts begin, a line for each row."""

    x: float
    y: float
    width: float
    height: float
    header: str
    text: float
    lines: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From an input to its result, number `use` of its inputs; the tip is at x, y."""

    source: int
    target: int
    use: int
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes in the order of the nodes, arrows, and the size of it all."""

    width: float
    height: float
    boxes: list[Box]
    arrows: list[Arrow]

    def plain(self) -> dict:
        """The picture as JSON has it."""
        return asdict(self)


def arrange(nodes: Sequence[Node], caption: str = "") -> Picture:
    """Boxes as wide as their texts, in the columns and at the heights of `lay_out`."""
    sizes = [_size(node) for node in nodes]
    layout = lay_out([n.parents for n in nodes], [h + GAP_Y for _, h in sizes])
    widths = [0.0] * (max(layout.layers) + 1)
    for layer, (width, _) in zip(layout.layers, sizes, strict=True):
        widths[layer] = max(widths[layer], width)
    gap = 40 + max((_width(t, 6.5) for n in nodes for t in n.locals), default=16)
    lefts = [20.0]
    for width in widths:
        lefts.append(lefts[-1] + width + gap)
    points = [y for *_, way in layout.routes for _, y in way]
    extent = [
        y + side * h / 2
        for y, (_, h) in zip(layout.heights, sizes, strict=True)
        for side in (-1, 1)
    ]
    top = min(extent + points) - (44 if caption else 20)
    boxes = [
        _box(node, lefts[layer] + (widths[layer] - w) / 2, y - top - h / 2, w, h)
        for node, layer, y, (w, h) in zip(
            nodes, layout.layers, layout.heights, sizes, strict=True
        )
    ]
    columns = [(a, a + w) for a, w in zip(lefts, widths, strict=False)]
    return Picture(
        width=max(lefts[-1] - gap + 20, 40 + _width(caption, 9)),
        height=max(extent + points) + 20 - top,
        boxes=boxes,
        arrows=_arrows(layout, boxes, columns, top),
    )


def _box(node: Node, x: float, y: float, w: float, h: float) -> Box:
    header = (
        f"M{x:.1f},{y + HEAD:.1f} v{6 - HEAD} q0,-6 6,-6 h{w - 12:.1f} "
        f"q6,0 6,6 v{HEAD - 6} z"
    )
    lines = tuple(y + HEAD + ROW * (i + 1) - 2 for i in range(len(node.rows)))
    return Box(x, y, w, h, header, x + PAD + _label_width(node), lines)


def _arrows(
    layout: Layout, boxes: list[Box], columns: list[tuple[float, float]], top: float
) -> list[Arrow]:
    """Curves through the waypoints, spread over the left side of each result."""
    arriving: dict[int, list[tuple[float, int]]] = {}
    for number, (source, target, _, way) in enumerate(layout.routes):
        box = boxes[source]
        last = way[-1][1] - top if way else box.y + box.height / 2
        arriving.setdefault(target, []).append((last, number))
    ports = {}
    for target, ends in arriving.items():
        box = boxes[target]
        for rank, (_, number) in enumerate(sorted(ends)):
            ports[number] = box.y + box.height * (rank + 1) / (len(ends) + 1)
    arrows = []
    for number, (source, target, use, way) in enumerate(layout.routes):
        box, end, port = boxes[source], boxes[target].x, ports[number]
        start = box.x + box.width
        points = [
            (start, start, box.y + box.height / 2),
            *((*columns[layer], y - top) for layer, y in way),
            (end - 7, end - 7, port),
        ]
        path = [f"M{start:.1f},{points[0][2]:.1f}"]
        for (_, a, p), (b, c, q) in zip(points, points[1:], strict=False):
            middle = (a + b) / 2
            path.append(
                f"C{middle:.1f},{p:.1f} {middle:.1f},{q:.1f} {b:.1f},{q:.1f}"
                + (f" L{c:.1f},{q:.1f}" if c != b else "")
            )
        arrows.append(Arrow(source, target, use, " ".join(path), end, port))
    return arrows


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
