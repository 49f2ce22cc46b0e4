// pattern: app/page/graph.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/graph.js --from <sub-project>
/* Boxes with arrows between them, in layers from left to right. */

import { el, svg } from "dom";

const BOX = { width: 108, line: 16, pad: 8, gapX: 46, gapY: 16 };

/**
 * `onpick(node)` is called by click and Enter. Arrow keys lead to the boxes before and
 * after, up and down within a layer.
 */
export function graph({ id, label, onpick, boxWidth = BOX.width }) {
  const image = svg("svg", { id, role: "group", "aria-label": label, class: "graph" });
  const node = el("figure", { class: "wide" }, label ? el("figcaption", {}, label) : null, el("div", { class: "scroll" }, image));
  let boxes = new Map();

  /**
   * `nodes`: {id, title, rows: [text], layer, kind}; a layer's boxes stand below each
   * other in their order. `edges`: {from, to, text, kind}. Kinds are CSS classes.
   */
  node.show = ({ nodes, edges }) => {
    const places = laidOut(nodes, boxWidth);
    const width = Math.max(0, ...[...places.values()].map((p) => p.x + boxWidth)) + BOX.pad;
    const height = Math.max(0, ...[...places.values()].map((p) => p.y + p.height)) + BOX.pad;
    image.setAttribute("viewBox", `0 0 ${width} ${height}`);
    image.setAttribute("width", width);
    image.setAttribute("height", height);
    const focused = image.contains(document.activeElement) ? document.activeElement.dataset.node : null;
    boxes = new Map(nodes.map((one) => [String(one.id), drawn(one, places.get(one.id), nodes)]));
    image.replaceChildren(arrowHead(id), ...edges.map((edge) => arrow(edge, places)), ...boxes.values());
    if (focused !== null) boxes.get(focused)?.focus();
  };
  /** Bring a box into view. */
  node.reveal = (which) => {
    const scroll = image.parentNode, box = boxes.get(String(which))?.getBoundingClientRect();
    if (!box) return;
    const frame = scroll.getBoundingClientRect();
    if (box.left < frame.left || box.right > frame.right) scroll.scrollLeft += box.left - frame.left - frame.width / 3;
  };

  function drawn(one, { x, y, height }, nodes) {
    const rows = [one.title, ...(one.rows ?? [])];
    const texts = rows.map((text, i) =>
      svg("text", { x: x + boxWidth / 2, y: y + BOX.pad + BOX.line * (i + 0.75), "text-anchor": "middle", class: i ? "row" : "title" },
        String(text).length > boxWidth / 7 ? `${String(text).slice(0, boxWidth / 7 - 1)}…` : text));
    const box = svg("g", { class: `box ${one.kind ?? ""}`, "data-node": one.id, tabindex: onpick ? 0 : null, role: onpick ? "button" : null,
      "aria-label": rows.join(", "), onclick: () => onpick?.(one), onkeydown: (event) => keyed(event, one, nodes) },
      svg("title", {}, rows.join("\n")), svg("rect", { x, y, width: boxWidth, height, rx: 6 }), texts);
    return box;
  }

  function keyed(event, one, nodes) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") onpick?.(one);
    else {
      const [layers, along] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      if (!layers && !along) return;
      const here = nodes.filter(({ layer }) => layer === one.layer);
      const there = layers ? nodes.filter(({ layer }) => layer === one.layer + layers) : here;
      const next = there[Math.min(there.length - 1, Math.max(0, here.indexOf(one) + along))];
      if (next) boxes.get(String(next.id)).focus();
    }
    event.preventDefault();
  }

  const arrow = ({ from, to, text, kind }, places) => {
    const [a, b] = [places.get(from), places.get(to)];
    const [x1, y1, x2, y2] = [a.x + boxWidth, a.y + a.height / 2, b.x - 4, b.y + b.height / 2];
    const bend = Math.max(20, (x2 - x1) / 2);
    return svg("g", { class: `arrow ${kind ?? ""}`, "data-edge": `${from}-${to}` },
      svg("path", { d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`, "marker-end": `url(#${id}-head)` }),
      text == null ? null : svg("text", { x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 4, "text-anchor": "middle" }, text));
  };
  return node;
}

const arrowHead = (id) => svg("defs", {}, svg("marker",
  { id: `${id}-head`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
  svg("path", { d: "M0,0 L8,4 L0,8 z", class: "tip" })));

function laidOut(nodes, boxWidth) {
  const layers = new Map();
  for (const one of nodes) layers.set(one.layer, [...(layers.get(one.layer) ?? []), one]);
  const heightOf = (one) => 2 * BOX.pad + BOX.line * (1 + (one.rows?.length ?? 0));
  const tall = (all) => all.reduce((sum, one) => sum + heightOf(one) + BOX.gapY, -BOX.gapY);
  const most = Math.max(...[...layers.values()].map(tall));
  const order = [...layers.keys()].sort((a, b) => a - b);
  const places = new Map();
  order.forEach((layer, column) => {
    let y = BOX.pad + (most - tall(layers.get(layer))) / 2;
    for (const one of layers.get(layer)) {
      places.set(one.id, { x: BOX.pad + column * (boxWidth + BOX.gapX), y, height: heightOf(one) });
      y += heightOf(one) + BOX.gapY;
    }
  });
  return places;
}
