/* A graph that Python has laid out, lit up as far as a step has come. */

import { el, svg } from "dom";

/** Give a node these classes; what has them already is left alone: 50 boxes at each step. */
function dress(node, ...classes) {
  const all = classes.filter(Boolean).join(" ");
  if (node.getAttribute("class") !== all) node.setAttribute("class", all);
}

const LEAST = 0.72; // smaller than this nobody reads it: then it scrolls

/**
 * `show(scene)` draws `nodes`, `picture` and remembers `steps`; `at(n)` shows the texts
 * as they are after step n, and lights what its pass has reached.
 */
export function boxes({ id, label, onpick }) {
  const image = svg("svg", { id, class: "boxes", role: "group", "aria-label": label });
  const scroll = el("div", { class: "scroll tall", tabindex: 0, "aria-label": label, role: "group" }, image);
  const node = el("figure", { class: "wide" }, el("figcaption", {}, label), scroll);
  let scene = null,
    groups = [],
    arrows = [];

  node.show = (given) => {
    scene = given;
    const { nodes, picture } = scene;
    arrows = picture.arrows.map((one) => arrow(one, nodes[one.target].locals[one.use]));
    groups = nodes.map((one, i) => box(one, picture.boxes[i], i));
    image.setAttribute("viewBox", `0 0 ${picture.width} ${picture.height}`);
    image.replaceChildren(...arrows, ...groups);
    fit();
    scroll.scrollTo(0, 0);
  };

  node.at = (n) => {
    const { nodes, steps, soon } = scene,
      now = steps[n],
      past = steps.slice(0, n + 1);
    const texts = Object.assign({}, ...past.map((step) => step.texts));
    const textOf = (i, row) => texts[`n${i}r${row}`] ?? nodes[i].rows[row][1];
    const reached = new Set(past.filter(({ phase }) => phase === now.phase).flatMap((step) => step.arrows));
    const all = now.phase === "update";
    groups.forEach((group, i) => {
      const known = all || textOf(i, now.phase === "forward" ? 0 : 1) !== soon;
      const changed = [0, 1].map((row) => n > 0 && `n${i}r${row}` in now.texts);
      const gets = now.phase !== "forward" && (changed[0] || changed[1]);
      dress(
        group,
        "node",
        nodes[i].family,
        known && "known",
        now.done && now.node === i && "now",
        gets && "gets",
      );
      group.values.forEach((text, row) => {
        const said = textOf(i, row);
        if (text.textContent !== said) text.textContent = said;
        dress(text, "value", said === soon && "faint", changed[row] && "changed");
      });
    });
    scene.picture.arrows.forEach(({ target, use }, i) => {
      const name = `e${target}-${use}`,
        lit = now.arrows.includes(name) ? "now" : (all || reached.has(name)) && "past";
      dress(arrows[i], "arrow", lit, textOf(target, 0) !== soon && "made");
    });
    if (now.done) reveal(groups[now.node]);
  };

  function box(one, place, i) {
    const middle = place.x + place.width / 2;
    const names = one.rows.map(([name], row) =>
      svg("text", { class: "label", x: place.x + 9, y: place.lines[row] }, name),
    );
    const values = one.rows.map((_, row) =>
      svg("text", { id: `${id}-n${i}r${row}`, x: place.text, y: place.lines[row] }),
    );
    const group = svg(
      "g",
      { id: `${id}-n${i}`, onclick: () => onpick(i) },
      svg("title", {}, one.rule),
      svg("rect", { class: "body", x: place.x, y: place.y, width: place.width, height: place.height, rx: 6 }),
      svg("path", { class: "header", d: place.header }),
      svg("text", { class: "title", x: middle, y: place.y + 16, "text-anchor": "middle" }, one.title),
      names,
      values,
    );
    return Object.assign(group, { values });
  }

  const arrow = ({ target, use, path, x, y }, local) =>
    svg(
      "g",
      { id: `${id}-e${target}-${use}` },
      svg("path", { class: "edge", d: path }),
      svg("path", { class: "tip", d: `M${x},${y} l-9,-4 l0,8 z` }),
      svg("text", { class: "local", x: x - 11, y: y - 4, "text-anchor": "end" }, local),
    );

  /** As wide as there is room, as long as it can be read. */
  function fit() {
    if (!scene) return;
    const { width, height } = scene.picture;
    const scale = Math.min(1, Math.max(LEAST, scroll.clientWidth / width));
    image.setAttribute("width", Math.floor(width * scale));
    image.setAttribute("height", Math.ceil(height * scale));
  }

  function reveal(group) {
    const own = group.getBoundingClientRect(),
      frame = scroll.getBoundingClientRect();
    if (own.left < frame.left || own.right > frame.right)
      scroll.scrollLeft += (own.left + own.right - frame.left - frame.right) / 2;
    if (own.top < frame.top || own.bottom > frame.bottom)
      scroll.scrollTop += (own.top + own.bottom - frame.top - frame.bottom) / 2;
  }

  new ResizeObserver(fit).observe(scroll);
  return node;
}
