// pattern: app/page/chart.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/chart.js --from <sub-project>
/* Lines over a common axis, drawn as SVG: ticks, legend, the values under the pointer. */

import { el, onWidth, short, svg } from "dom";

const FRAME = { left: 62, right: 12, top: 10, bottom: 40 };

/** `x` and `y` name the axes; `log` draws the heights by their logarithm. */
export function chart({ id, label, x, y, log = false, height = 220 }) {
  let series = [], marks = [], span = [0, 0], here = 1;
  const readout = el("output", { class: "readout", for: id });
  const image = svg("svg", { id, role: "img", tabindex: 0, class: "chart" });
  const legend = el("div", { class: "legend" });
  const node = el("figure", {}, el("figcaption", {}, label ?? "", " ", readout), image, legend);
  const scale = { log };

  function draw() {
    const width = Math.max(240, node.clientWidth);
    if (!node.clientWidth) return; // in a panel that is not open
    const shown = series.map((one) => ({ ...one, points: pointsOf(one, scale.log) }));
    const all = shown.flatMap((one) => one.points);
    image.setAttribute("viewBox", `0 0 ${width} ${height}`);
    image.setAttribute("height", height);
    const ends = series.map((one) => `${one.name} ends at ${short(one.y.at(-1))}`);
    image.setAttribute("aria-label", `${label ?? y} along ${x}: ${ends.join(", ") || "nothing yet"}`);
    if (!all.length) return image.replaceChildren(svg("text", { x: FRAME.left, y: height / 2 }, "nothing yet"));
    const [left, right] = extent([...all.map(([a]) => a), ...marks.map(({ at }) => at)]);
    const [low, high] = extent(all.map(([, b]) => b), 0.04);
    const toX = (a) => FRAME.left + ((a - left) / (right - left)) * (width - FRAME.left - FRAME.right);
    const toY = (b) => height - FRAME.bottom - ((b - low) / (high - low)) * (height - FRAME.top - FRAME.bottom);
    const lines = shown.map((one, slot) => line(one, slot, toX, toY));
    image.replaceChildren(...axes(width, [left, right], [low, high], toX, toY), ...marks.map((mark) => upright(mark, toX)), ...lines);
    span = [left, right];
  }

  function axes(width, [left, right], [low, high], toX, toY) {
    const bottom = height - FRAME.bottom;
    const text = (content, given) => svg("text", given, content);
    const across = ticks(left, right, width / 90).map((t) => text(short(t, 6), { x: toX(t), y: bottom + 16, "text-anchor": "middle" }));
    const heights = ticks(low, high, height / 45).flatMap((t) => [
      svg("line", { class: "grid", x1: FRAME.left, x2: width - FRAME.right, y1: toY(t), y2: toY(t) }),
      text(scale.log ? short(10 ** t, 3) : short(t, 6), { x: FRAME.left - 6, y: toY(t) + 4, "text-anchor": "end" }),
    ]);
    return [...heights, ...across,
      text(x, { class: "title", x: (FRAME.left + width - FRAME.right) / 2, y: height - 6, "text-anchor": "middle" }),
      text(scale.log ? `${y} (log)` : y, { class: "title", x: -(bottom + FRAME.top) / 2, y: 12, "text-anchor": "middle", transform: "rotate(-90)" })];
  }

  const upright = ({ at, text }, toX) => svg("g", { class: "upright" },
    svg("line", { x1: toX(at), x2: toX(at), y1: FRAME.top, y2: height - FRAME.bottom }),
    svg("text", { x: toX(at) + 4, y: FRAME.top + 10 }, text ?? ""));

  function line({ points, name, dashed, dots }, slot, toX, toY) {
    const kind = `curve s${slot % 8}`;
    const at = points.map(([a, b]) => [toX(a).toFixed(1), toY(b).toFixed(1)]);
    const circles = dots || at.length === 1 ? at.map(([cx, cy]) => svg("circle", { cx, cy, r: 3 })) : [];
    return svg("g", { class: kind, "data-name": name },
      svg("path", { d: at.map((p, i) => `${i ? "L" : "M"}${p}`).join(""), "stroke-dasharray": dashed ? "6 4" : null }), circles);
  }

  /** The values at a share of the axis, from 0 at its left to 1. */
  function tell(share) {
    here = Math.min(1, Math.max(0, share));
    const at = span[0] + here * (span[1] - span[0]);
    readout.textContent = series.map(({ name, x: xs, y: ys }) => {
      let best = 0;
      for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - at) < Math.abs(xs[best] - at)) best = i;
      return xs.length ? `${name} ${short(ys[best])} at ${short(xs[best])}` : "";
    }).filter(Boolean).join(" · ");
  }
  image.addEventListener("pointermove", ({ clientX }) => {
    const box = image.getBoundingClientRect();
    tell((clientX - box.left - FRAME.left) / (box.width - FRAME.left - FRAME.right));
  });
  image.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: here - 0.02, ArrowRight: here + 0.02, Home: 0, End: 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    tell(to);
  });
  image.addEventListener("pointerleave", () => (readout.textContent = ""));
  image.addEventListener("focus", () => tell(1));
  image.addEventListener("blur", () => (readout.textContent = ""));

  /** Series of {name, x, y, dashed, dots}; `uprights` are lines [{at, text}] across. */
  node.show = (given, uprights = []) => {
    [series, marks] = [given, uprights];
    legend.replaceChildren(...(given.length < 2 ? [] : given.map(({ name }, slot) =>
      el("span", { class: `s${slot % 8}` }, el("i", { class: "swatch" }), name))));
    draw();
  };
  node.logarithmic = (yes) => ((scale.log = yes), draw());
  onWidth(node, draw);
  return node;
}

function pointsOf({ x, y }, log) {
  const points = x.map((a, i) => [a, log ? Math.log10(y[i]) : y[i]]);
  return points.filter(([a, b]) => b !== null && Number.isFinite(a) && Number.isFinite(b));
}

function extent(values, rim = 0) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low === high) return [low - (Math.abs(low) * 0.05 || 0.5), high + (Math.abs(high) * 0.05 || 0.5)];
  return [low - rim * (high - low), high + rim * (high - low)];
}

/** About `wanted` round numbers between the ends. */
export function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(2, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const stride = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const first = Math.ceil(low / stride - 1e-9);
  const count = Math.floor(high / stride + 1e-9) - first + 1;
  return Array.from({ length: Math.min(count, 50) }, (_, i) => Number(((first + i) * stride).toPrecision(12)));
}
