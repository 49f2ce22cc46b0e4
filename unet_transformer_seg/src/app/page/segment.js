/* What the model sees in an image: mask, doubt, and errors where the truth is known. */

import { ask, unpack } from "ask";
import { bars } from "bars";
import { chooser } from "chooser";
import { controls, select, slider } from "controls";
import { el, hint, onTheme, percent, short } from "dom";
import { legend, swatches } from "legend";
import { picture } from "picture";
import { NONE, entropies, flat, judged, logarithms, mapped, mean } from "pixels";
import { mistakes, overlaid, ratios, shares, tempered } from "pixels";

const VIEWS = [["entropy", "entropy"], ["confidence", "confidence"],
  ["probability", "probability of a class"], ["mask", "mask"]];
const WITH_TRUTH = [["errors", "errors"], ["truth", "truth"]];
const SCALES = {
  entropy: "Paper: certain. Full colour: a guess between all classes.",
  confidence: "Probability of the likeliest class, from 0 (paper) to 1.",
  probability: "From 0 (paper) to 1.",
};

export const segment = {
  id: "segment",
  title: "Segment",
  async build(root) {
    const start = await ask("segment/start");
    const names = start.classes.map(({ name }) => name), colours = start.classes.map(({ colour }) => colour);
    let image, raw, logs, truth, scores; // as they arrived
    let q, mask, confidence; // as temperature and least confidence make them
    let at = null;

    const opacity = slider({ id: "segment-opacity", label: "opacity", min: 0, max: 1, step: 0.05,
      value: 0.5, show: (v) => percent(v, 0), oninput: () => raw && tint() });
    const view = select({ id: "segment-view", label: "view", options: VIEWS, onchange: other });
    const which = select({ id: "segment-class", label: "of", options: [], onchange: paint });
    const temperature = slider({ id: "segment-temperature", label: "temperature", min: 0.25, max: 4,
      step: 40, log: true, value: 1, oninput: soon });
    const least = slider({ id: "segment-least", label: "least confidence", min: 0, max: 0.99, step: 0.01,
      value: 0, oninput: soon });
    const shown = { size: 460, describe: told };
    const left = picture({ id: "segment-overlay", label: `Overlay, ${names[0]} not tinted.`, ...shown,
      onpoint: (...cell) => point(cell, right) });
    const right = picture({ id: "segment-other", label: "The chosen view.", ...shown,
      onpoint: (...cell) => point(cell, left) });
    const scale = el("p", { class: "readout", id: "segment-scale" });
    const cursor = bars({ id: "segment-cursor", label: "Probabilities at the cursor",
      show: (v) => short(v, 3) });
    const table = el("div", { class: "scroll", id: "segment-legend", tabindex: 0, role: "group",
      "aria-label": "classes" });
    const summary = el("p", { class: "readout", id: "segment-summary" });
    const images = chooser({ id: "segment", call: "segment/run", mask: true, onanswer: take });
    const all = el("div", { hidden: true }, controls(opacity, view, which, temperature, least),
      el("div", { class: "columns" }, left, el("div", {}, right, scale)),
      el("div", { class: "columns" }, cursor, el("div", {}, table, summary)));
    root.append(
      hint("Choose an image. With its true mask, in the values of the training masks, errors and " +
        "scores appear. Point at a pixel, or use the arrow keys."),
      images, all);
    onTheme(paint);
    await images.offer(start);

    function take(answer) {
      [image, raw, scores] = [unpack(answer.image), unpack(answer.probabilities), answer.scores];
      truth = answer.target && unpack(answer.target).values;
      logs = at = null;
      all.hidden = false;
      left.show(answer.image);
      right.show(answer.image);
      view.offer(truth ? [...VIEWS, ...WITH_TRUTH] : VIEWS);
      compute();
    }

    let waiting = 0;
    function soon() {
      waiting ||= requestAnimationFrame(() => ((waiting = 0), compute()));
    }

    function compute() {
      if (!raw) return;
      if (temperature.value !== 1) logs ??= logarithms(raw.values);
      q = temperature.value === 1 ? raw.values : tempered(logs, names.length, temperature.value);
      ({ mask, confidence } = judged(q, names.length, least.value));
      tint();
      paint();
      tell();
      cursor.show(atCursor(), 1);
    }

    function tint() {
      left.overlay(overlaid(image, mask, colours, opacity.value));
    }

    function paint() {
      if (!raw) return;
      const errors = view.value === "errors", one = names.map((name, c) => [c, name]);
      which.hidden = !errors && view.value !== "probability";
      which.offer(errors ? [[-1, `all but ${names[0]}`], ...one] : one);
      right.overlay(beside(view.value, Number(which.value)));
      scale.replaceChildren(...(errors
        ? swatches([...Object.entries(start.errors), ["not judged", null]])
        : [SCALES[view.value] ?? ""]));
    }

    /** Another view begins with all errors, or the first class that is tinted. */
    function other() {
      paint();
      which.value = view.value === "errors" ? -1 : Math.min(1, names.length - 1);
      paint();
    }

    function beside(name, c) {
      const width = image.shape[1], size = mask.length;
      if (name === "mask") return flat(image, mask, colours);
      if (name === "truth") return flat(image, truth, colours);
      if (name === "errors") return mistakes(image, mask, truth, c, start.errors);
      const values = { confidence: () => confidence, entropy: () => entropies(q, names.length),
        probability: () => q.subarray(c * size, (c + 1) * size) };
      return mapped(values[name](), width);
    }

    function told(row, column) {
      const i = row * image.shape[1] + column;
      const doubt = entropies(names.map((_, c) => q[c * mask.length + i]), names.length)[0];
      return `row ${row}, column ${column}: ${names[mask[i]] ?? "undecided"}, entropy ${short(doubt, 3)}`;
    }

    function point([row, column], other) {
      at = row * image.shape[1] + column;
      other.mark([[row, column]]);
      cursor.show(atCursor(), 1);
    }

    function atCursor() {
      return names.map((name, c) => ({ name, value: at === null ? null : q[c * mask.length + at],
        note: at !== null && truth?.[at] === c ? "true" : "" }));
    }

    function tell() {
      const moved = least.value > 0;
      const rows = truth && (moved ? ratios(mask, truth, names.length) : scores.classes);
      const undecided = mask.reduce((sum, c) => sum + (c === NONE), 0) / mask.length;
      table.replaceChildren(legend(start.classes, shares(mask, names.length), rows));
      summary.textContent = [
        rows && `mean IoU ${short(moved ? mean(rows.map(({ iou }) => iou)) : scores.mean_iou)}`,
        rows && !moved && `pixel accuracy ${short(scores.pixel_accuracy)}`,
        moved && `${percent(undecided)} undecided${truth ? ", not counted" : ""}`,
      ].filter(Boolean).join(" · ");
    }
  },
};
