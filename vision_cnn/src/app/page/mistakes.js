/* Where a model is wrong, picture by picture, and whether it knows how sure it may be. */

import { ask, exported, unpack } from "ask";
import { bars } from "bars";
import { chart } from "chart";
import { confusion, inWords } from "confusion";
import { button, controls, select, slider } from "controls";
import { calm, complain, el, hint, percent, short } from "dom";
import { gallery } from "gallery";
import { streamed } from "streamed";

const PAGE = 48; // pictures before one asks for more

export const mistakes = { id: "mistakes", title: "Mistakes", build };

async function build(root) {
  const start = await ask("mistakes/start"), names = start.class_names;
  const sizes = new Map(start.splits);
  const score = streamed("mistakes/score", "the model looks at them");
  let found = null, matrix = [], cell = null, order = "sure", limit = PAGE;

  const split = select({ id: "mistakes-split", label: "images of", options: start.splits.map(([name]) => [name, name]), value: start.split, onchange: refresh });
  const images = select({ id: "mistakes-images", label: "how many", options: counts(start, sizes.get(start.split)), value: Math.min(start.images, sizes.get(start.split)), onchange: refresh });
  const table = confusion({ id: "mistakes-confusion", label: "confusion matrix: pick a cell to see its images", names, onpick: (...at) => found && pick(...at) });
  const sum = el("p", { id: "mistakes-sum" });
  const bins = slider({ id: "mistakes-bins", label: "bins of confidence", min: 5, max: 30, value: 15, oninput: () => found && calibrate() });
  const diagram = chart({ id: "mistakes-reliability", label: "reliability: how often it is right where it is that sure", x: "confidence", y: "accuracy" });
  const crowd = bars({ id: "mistakes-crowd", label: "images in each bin" });
  const error = el("p", { id: "mistakes-ece" });
  const sorting = select({ id: "mistakes-order", label: "order", value: order,
    options: [["sure", "surest first"], ["unsure", "least sure first"]], onchange: (value) => ((order = value), found && list()) });
  const all = button({ id: "mistakes-all", label: "all mistakes", onclick: () => found && pick(null) });
  const more = button({ id: "mistakes-more", label: "show more", onclick: () => ((limit += PAGE), list()) });
  const title = el("h2", { id: "mistakes-title" });
  const pictures = gallery({ id: "mistakes-gallery", label: "", size: 72, onpick: tell });
  const likeliest = bars({ id: "mistakes-top", label: "what the model thinks of it", show: percent });
  const about = el("p", { id: "mistakes-about", class: "hint" });

  root.append(
    hint("Rows are the truth, columns what the model says. A model is calibrated if of all images at which it is 80 % sure it has 80 % right: the points below lie on the dashed line. The calibration error is their mean distance from it, each bin weighted by its images."),
    ...(exported ? [] : [controls(split, images)]), sum,
    el("div", { class: "columns" },
      el("div", {}, table, title, controls(sorting, all), pictures, more, likeliest, about),
      el("div", {}, controls(bins), error, diagram, crowd)));
  await refresh();

  async function refresh() {
    try {
      images.offer(counts(start, sizes.get(split.value)));
      const answer = await score({ split: split.value, images: Number(images.value) });
      if (!answer) return;
      calm();
      [found, matrix, cell] = [answer, Array.from(unpack(answer.confusion).values), null];
      found.hit = unpack(answer.hits).values;
      sum.textContent = `${found.right} of ${found.images} right, ${percent(found.accuracy, 2)} (95 % interval ${percent(found.interval[0])} to ${percent(found.interval[1])})` +
        (found.images < found.of ? `: ${found.images} of the ${short(found.of)} images of ${found.split}, drawn at random` : `: all images of ${found.split}`);
      table.show(matrix);
      calibrate();
      pick(null);
    } catch (problem) {
      complain(problem);
    }
  }

  function calibrate() {
    const rows = reliability(found.confidences, found.hit, bins.value);
    error.textContent = `expected calibration error ${percent(rows.ece, 2)} in ${bins.value} bins`;
    diagram.show([
      { name: "accuracy of a bin", x: rows.map((r) => r.confidence), y: rows.map((r) => r.accuracy), dots: true },
      { name: "calibrated", x: [0, 1], y: [0, 1], dashed: true },
    ]);
    crowd.show(rows.map((r) => ({ name: `${r.low.toFixed(2)}–${r.high.toFixed(2)}`, value: r.count, note: `says ${percent(r.confidence)}, is right in ${percent(r.accuracy)}` })));
  }

  function pick(truth, predicted) {
    cell = truth === null ? null : [truth, predicted];
    table.mark(cell);
    limit = PAGE;
    list();
  }

  function list() {
    const wanted = found.tiles.filter((t) => (cell ? t.true === cell[0] && t.predicted === cell[1] : t.true !== t.predicted));
    const there = cell ? matrix[cell[0] * names.length + cell[1]] : found.images - found.right;
    const sorted = [...wanted].sort((a, b) => (order === "sure" ? b.confidence - a.confidence : a.confidence - b.confidence));
    const what = cell ? inWords(names, matrix, ...cell) : `${there} mistakes`;
    const kind = cell && cell[0] === cell[1] ? "least sure" : "surest";
    title.textContent = sorted.length < there ? `${what}; the ${sorted.length} ${kind} of them` : what;
    more.hidden = sorted.length <= limit;
    pictures.show(sorted.slice(0, limit).map((t, i) => ({ ...t, chosen: i === 0, caption: `${names[t.true]} → ${names[t.predicted]} ${percent(t.confidence).replace(" ", "\u00a0")}` })));
    tell(sorted[0]);
  }

  function tell(tile) {
    likeliest.show((tile?.top ?? []).map((t) => ({ name: t.class, value: t.probability, chosen: tile && t.class === names[tile.true] })), 1);
    about.replaceChildren(...(tile ? [`${tile.name}, in bold its true class. Which pixels speak for it: `,
      el("code", {}, `python scripts/explain.py --checkpoint ${start.checkpoint} --input ${tile.id}`)] : ["no image is there"]));
  }
}

const counts = ({ most, images }, size) => [...new Set([100, images, 1000, 2000, most].map((n) => Math.min(n, size)))].map((n) => [n, n === size ? `all ${short(n)}` : short(n)]);

/** The bins with images, as `calibration_bins` counts them; `.ece` is Guo et al., eq. 3. */
export function reliability(confidences, hits, count) {
  const rows = Array.from({ length: count }, (_, i) => ({ low: i / count, high: (i + 1) / count, count: 0, sure: 0, right: 0 }));
  confidences.forEach((sure, i) => {
    const row = rows[Math.min(count - 1, Math.floor(sure * count))];
    row.count += 1;
    row.sure += sure;
    row.right += hits[i];
  });
  const filled = rows.filter((row) => row.count).map((row) => ({ ...row, confidence: row.sure / row.count, accuracy: row.right / row.count }));
  filled.ece = filled.reduce((sum, row) => sum + Math.abs(row.right - row.sure), 0) / confidences.length;
  return filled;
}
