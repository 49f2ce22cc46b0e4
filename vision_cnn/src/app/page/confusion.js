/* A confusion matrix: a table of numbers, or a heat map where there are many classes. */

import { el, percent } from "dom";
import { heatmap } from "heatmap";

const TABLE = 12; // classes that fit beside each other as numbers

/** `onpick(truth, predicted)` on click and Enter; rows are the truth. */
export function confusion({ id, label, names, onpick }) {
  return names.length > TABLE ? asMap({ id, label, names, onpick }) : asTable({ id, label, names, onpick });
}

/** In words: "blobs taken for checks: 3 of 125". */
export function inWords(names, values, truth, predicted) {
  const row = values.slice(truth * names.length, (truth + 1) * names.length);
  const all = row.reduce((sum, n) => sum + n, 0);
  const what = truth === predicted ? `${names[truth]} found` : `${names[truth]} taken for ${names[predicted]}`;
  return `${what}: ${row[predicted]} of ${all}`;
}

function asTable({ id, label, names, onpick }) {
  const count = names.length, table = el("table", { class: "confusion", id });
  const head = el("tr", {}, el("th", {}, "truth ↓  taken for →"), names.map((name) => el("th", { class: "number" }, name)));
  const cells = names.map((_, row) => names.map((_, column) => (onpick
    ? el("button", { type: "button", onclick: () => onpick(row, column) })
    : el("span", {}))));
  table.append(el("thead", {}, head), el("tbody", {}, names.map((name, row) =>
    el("tr", {}, el("th", {}, name), cells[row].map((cell) => el("td", {}, cell))))));
  table.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: count, ArrowUp: -count }[event.key];
    const all = cells.flat(), next = step && all[all.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  const node = el("figure", {}, el("figcaption", {}, label), el("div", { class: "scroll" }, table));

  node.show = (values) => {
    const wrong = Math.max(1, ...values.filter((_, i) => Math.floor(i / count) !== i % count));
    cells.flat().forEach((cell, i) => {
      const [truth, predicted] = [Math.floor(i / count), i % count];
      const all = values.slice(truth * count, (truth + 1) * count).reduce((sum, n) => sum + n, 0);
      const share = truth === predicted ? values[i] / Math.max(all, 1) : values[i] / wrong;
      cell.textContent = values[i];
      const strength = values[i] ? 8 + 42 * share : 0;
      cell.style.background = `color-mix(in srgb, var(${truth === predicted ? "--c0" : "--c1"}) ${strength}%, var(--paper))`;
      cell.title = `${inWords(names, values, truth, predicted)} (${percent(values[i] / Math.max(all, 1))})`;
      if (onpick) cell.setAttribute("aria-label", cell.title);
    });
  };
  /** Frame a cell [truth, predicted], or none. */
  node.mark = (chosen) => cells.forEach((row, r) => row.forEach((cell, c) =>
    cell.setAttribute("aria-pressed", chosen !== null && chosen[0] === r && chosen[1] === c)));
  return node;
}

/** Without the hits, which would outshine everything. */
function asMap({ id, label, names, onpick }) {
  const count = names.length;
  let values = [];
  const map = heatmap({ id, label: `${label}: rows truth, columns prediction, hits left white`, cell: Math.max(3, Math.floor(420 / count)),
    describe: (row, column) => inWords(names, values, row, column), onpick });
  map.classList.add("many");
  const show = map.show, mark = map.mark;
  map.show = (given) => {
    values = Array.from(given);
    show(values.map((n, i) => (Math.floor(i / count) === i % count ? 0 : n)), count, count);
  };
  map.mark = (chosen) => mark(chosen ? [chosen] : []);
  return map;
}
