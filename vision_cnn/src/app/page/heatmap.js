// pattern: app/page/heatmap.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/heatmap.js --from <sub-project>
/* A matrix as coloured cells on a canvas: true cells, no smoothing. */

import { el, onTheme, rgb, short } from "dom";
import { cursor } from "cells";

/**
 * `scale` is "diverging" (zero is the paper, both signs their colour) or "sequential"
 * (zero is the paper). `limit` is the value of the full colour; without it the largest
 * one. `cell` is the side of a cell in pixels, made smaller where there is no room.
 * `rows` and `columns` name them; `onpick(row, column)` is called by click and Enter,
 * `onpoint(row, column)` when the cursor moves; `describe` gives the text for a cell.
 */
export function heatmap({ id, label, scale = "sequential", cell = 16, limit, rows, columns, onpick, onpoint, describe }) {
  let values = [], height = 0, width = 0, most = 1, marked = [];
  const canvas = el("canvas", { id, role: "img", tabindex: 0, class: "cells" });
  const readout = el("output", { class: "readout", for: id });
  const told = (row, column) => describe?.(row, column, values[row * width + column]) ??
    `${rows?.[row] ?? `row ${row}`}, ${columns?.[column] ?? `column ${column}`}: ${short(values[row * width + column])}`;
  const place = cursor({ canvas, readout, size: () => [height, width], told, onpick, onpoint, draw });
  const caption = el("figcaption", {}, label ?? "", " ", readout);
  const node = el("figure", { class: "heatmap" }, canvas, label === undefined ? null : caption);

  function draw() {
    if (!height || !width) return;
    canvas.width = width;
    canvas.height = height;
    canvas.style.width = `${width * cell}px`;
    const pen = canvas.getContext("2d");
    const picture = pen.createImageData(width, height);
    picture.data.set(coloured(values, most, scale));
    pen.putImageData(picture, 0, 0);
    place.draw(marked);
  }

  /** Draw these values, row after row. `limitNow` overrides the limit. */
  node.show = (given, h, w, limitNow = limit) => {
    [values, height, width] = [given, h, w];
    most = limitNow ?? largest(values);
    const size = Array.prototype.some.call(values, Boolean) ? short(largest(values)) : "0";
    canvas.setAttribute("aria-label", `${label ?? id}: ${h} rows, ${w} columns, largest size ${size}`);
    draw();
  };
  /** Frame the cells [[row, column], ...]. */
  node.mark = (cells) => ((marked = cells), draw());
  node.point = (row, column) => place.move(row, column);
  onTheme(draw, node);
  return node;
}

/** The largest finite size, by which colours are scaled; 1 where all are zero. */
export function largest(values) {
  let most = 0;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > most && size < Infinity) most = size;
  }
  return most || 1;
}

/** RGBA of every value; infinity has the full colour, and NaN is no cell: transparent. */
export function coloured(values, most, scale) {
  const [paper, plus, minus] = [rgb("--paper"), rgb(scale === "diverging" ? "--plus" : "--much"), rgb("--minus")];
  const data = new Uint8ClampedArray(4 * values.length);
  for (let i = 0; i < values.length; i++) {
    const share = Math.min(1, Math.abs(values[i]) / most);
    const end = values[i] < 0 ? minus : plus;
    for (let c = 0; c < 3; c++) data[4 * i + c] = paper[c] + share * (end[c] - paper[c]);
    data[4 * i + 3] = Number.isNaN(values[i]) ? 0 : 255;
  }
  return data;
}
