/* Classes with their colours, and what the numbers say of each. */

import { el, percent, short } from "dom";

const COLUMNS = [["pixels", "true pixels"], ["iou", "IoU"], ["dice", "Dice"], ["precision", "precision"],
  ["recall", "recall"], ["boundary_f1", "boundary F1"], ["hd95", "HD95"]];

/** A square of a colour [r, g, b]; null: striped. */
export function swatch(colour) {
  const node = el("span", { class: colour ? "patch" : "patch striped", "aria-hidden": "true" });
  if (colour) node.style.backgroundColor = `rgb(${colour.join(" ")})`;
  return node;
}

/** Squares with their meaning, from [text, colour]. */
export const swatches = (all) =>
  all.map(([text, colour]) => el("span", { class: "key" }, swatch(colour), text));

/** A row for each class: its colour, its share of the pixels, and its scores if there are any. */
export function legend(classes, shares, scores) {
  const columns = scores ? COLUMNS : [];
  const head = (text) => el("th", { class: "number" }, text);
  const cell = (text) => el("td", { class: "number" }, text);
  return el("table", {},
    el("thead", {}, el("tr", {}, el("th", {}, "class"), head("share"),
      columns.map(([, title]) => head(title)))),
    el("tbody", {}, classes.map(({ name, colour }, c) => el("tr", {},
      el("td", {}, swatch(colour), name), cell(percent(shares[c])),
      columns.map(([key]) => cell(short(scores[c][key])))))));
}
