/* Curves, drawn as SVG: axes, ticks, one path a curve, the nearest point under the mouse. */

const NARROW = 560;
function linearTicks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const stride = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const first = Math.ceil(low / stride - 1e-9);
  const count = Math.floor(high / stride + 1e-9) - first + 1;
  return Array.from({ length: Math.min(count, 50) }, (_, i) =>
    Number(((first + i) * stride).toPrecision(12)),
  );
}

function logTicks(low, high) {
  const from = Math.floor(low);
  const count = Math.ceil(high) - from + 1;
  const stride = Math.max(1, Math.ceil(count / 7));
  const all = Array.from({ length: count }, (_, i) => from + i).filter((p) => p % stride === 0);
  const heads = high - low > 2.5 ? [1] : [1, 2, 5];
  const ticks = all.flatMap((p) => heads.map((n) => Number((n * 10 ** p).toPrecision(3))));
  const inside = ticks.filter((t) => Math.log10(t) >= low - 1e-9 && Math.log10(t) <= high + 1e-9);
  return inside.length > 1 ? inside : linearTicks(10 ** low, 10 ** high, 4).filter((t) => t > 0);
}

function tickText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3))
    return value.toExponential().replace("-", "−").replace("e+", "e");
  return short(value, 6);
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === high)
    return [low - (Math.abs(low) * 0.05 || 0.5), high + (Math.abs(high) * 0.05 || 0.5)];
  return [low, high];
}

/** Draw all series into the box; without any, a sentence. */
function drawChart(box, series) {
  const drawn = series.filter((one) => one.points.some((p) => p.y !== null));
  if (!drawn.length) {
    const why = series.length
      ? "None of the chosen runs has values here."
      : "Choose runs in the table to see their curves.";
    return box.replaceChildren(el("p", { class: "note" }, why));
  }
  const width = Math.max(box.clientWidth, 260);
  const height = width < NARROW ? 280 : Math.min(460, Math.round(width * 0.52));
  const frame = { left: 58, right: width - 14, top: 14, bottom: height - 42 };
  const value = (y) => (state.log ? Math.log10(y) : y);
  const kept = drawn.flatMap((one) => one.points.filter((p) => p.y !== null));
  const edges = kept
    .flatMap((p) => [p.y, p.y - (p.spread ?? 0), p.y + (p.spread ?? 0)])
    .filter((y) => !state.log || y > 0);
  const [left, right] = extent(kept.map((p) => p.x));
  const [low, high] = extent(edges.map(value));
  const rim = (high - low) * 0.04;
  const toX = (x) => frame.left + ((x - left) / (right - left)) * (frame.right - frame.left);
  const span = high - low + 2 * rim;
  const toY = (y) => frame.bottom - ((value(y) - low + rim) / span) * (frame.bottom - frame.top);
  const yTicks = state.log
    ? logTicks(low - rim, high + rim)
    : linearTicks(low - rim, high + rim, height / 60);
  const label = `${state.metric} along ${state.along}: ${some(drawn.length, "curve")}; the table below has their values`;
  const image = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": label,
  });
  image.append(
    axes(
      frame,
      width,
      height,
      linearTicks(left, right, Math.max(3, width / 110)).map((t) => [t, toX(t)]),
      yTicks.map((t) => [t, toY(t)]),
    ),
  );
  image.append(...drawn.map((one) => (one.drawing = curveNode(one, toX, toY, frame))));
  const dot = svg("circle", { r: 4.5, class: "dot", visibility: "hidden" });
  const tip = el("div", { class: "tip", hidden: true });
  image.append(dot);
  image.addEventListener("pointermove", (event) => hover(event, image, drawn, dot, tip, toX, toY));
  image.addEventListener("pointerleave", () => {
    dot.setAttribute("visibility", "hidden");
    tip.hidden = true;
    stress(drawn, null);
  });
  box.replaceChildren(image, tip);
}

function axes(frame, width, height, xs, ys) {
  const { left, right, top, bottom } = frame;
  const text = (given, content) => svg("text", given, content);
  return svg(
    "g",
    { class: "axes", "aria-hidden": "true" },
    ys.map(([, y]) => svg("line", { x1: left, x2: right, y1: y, y2: y, class: "grid" })),
    xs.map(([, x]) => svg("line", { x1: x, x2: x, y1: bottom, y2: bottom + 5 })),
    svg("line", { x1: left, x2: right, y1: bottom, y2: bottom }),
    svg("line", { x1: left, x2: left, y1: top, y2: bottom }),
    ys.map(([t, y]) => text({ x: left - 7, y: y + 4, "text-anchor": "end" }, tickText(t))),
    xs.map(([t, x]) => text({ x, y: bottom + 18, "text-anchor": "middle" }, tickText(t))),
    text(
      { x: (left + right) / 2, y: height - 6, "text-anchor": "middle", class: "title" },
      state.along,
    ),
    text(
      {
        transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)`,
        "text-anchor": "middle",
        class: "title",
      },
      state.metric + (state.log ? " (log)" : ""),
    ),
  );
}

function curveNode(one, toX, toY, frame) {
  let path = "";
  let open = false;
  const real = one.points.filter((p) => p.y !== null);
  for (const point of one.points) {
    if (point.y === null) {
      open = false;
      continue;
    }
    path += `${open ? "L" : "M"}${toX(point.x).toFixed(1)} ${toY(point.y).toFixed(1)}`;
    open = true;
  }
  const node = svg("g", { class: `curve s${one.slot % 8} ${one.faint ? "faint" : ""}` });
  if (real.some((p) => p.spread)) {
    const safe = (y) => Math.min(Math.max(toY(y), frame.top), frame.bottom) || frame.bottom;
    const edge = (sign) => (p) =>
      `${toX(p.x).toFixed(1)} ${safe(p.y + sign * (p.spread ?? 0)).toFixed(1)}`;
    node.append(
      svg("path", {
        class: "band",
        d: `M${[...real.map(edge(1)), ...[...real].reverse().map(edge(-1))].join("L")}Z`,
      }),
    );
  }
  node.append(svg("path", { d: path, "stroke-dasharray": dashOf(one.slot) }));
  if (real.length <= 30)
    node.append(...real.map((p) => svg("circle", { cx: toX(p.x), cy: toY(p.y), r: 2.4 })));
  node.append(
    ...one.bad.map((p) =>
      svg(
        "path",
        { class: "bad", d: `M${toX(p.x) - 4} ${frame.top - 4}l8 8m0 -8l-8 8` },
        svg("title", {}, `${p.y} at step ${p.step}`),
      ),
    ),
  );
  return node;
}

function hover(event, image, drawn, dot, tip, toX, toY) {
  const box = image.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  let best = null;
  for (const one of drawn) {
    for (const point of one.points) {
      if (point.y === null) continue;
      const far = Math.hypot(toX(point.x) - x, toY(point.y) - y);
      if (!best || far < best.far) best = { far, one, point };
    }
  }
  const { one, point } = best;
  furnish(
    dot,
    { cx: toX(point.x), cy: toY(point.y), class: `dot s${one.slot % 8}`, visibility: "visible" },
    [],
  );
  const spread = point.spread ? ` ± ${short(point.spread, 2)}` : "";
  tip.replaceChildren(
    el("b", {}, one.entry.name),
    ` ${one.split} ${short(point.y)}${spread} at ${state.along} ${short(point.x)}`,
  );
  tip.hidden = false;
  tip.style.left = `${Math.max(0, Math.min(x + 12, box.width - tip.offsetWidth - 4))}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight - 12)}px`;
  stress(drawn, one);
}

/** One curve stands out of the others; none: all are equal. */
function stress(drawn, one) {
  for (const other of drawn) {
    other.drawing.classList.toggle("quiet", one !== null && other !== one);
    other.node?.classList.toggle("stressed", other === one);
  }
}
