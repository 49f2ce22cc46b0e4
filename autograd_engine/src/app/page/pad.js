/* A sheet of grey pixels to draw on: mouse, finger, or arrows and space. */

import { el, onTheme, rgb } from "dom";
import { cursor } from "cells";

const PEN = 1.6; // its radius, in pixels of the image

/** `onchange(pixels)` gets 0..255 for every pixel, row after row. */
export function pad({ id, label, height, width, size = 280, onchange }) {
  const pixels = new Uint8Array(height * width);
  const canvas = el("canvas", { id, width, height, tabindex: 0, role: "img", "aria-label": `${label}; arrows move, space paints`, class: "cells pad" });
  canvas.style.width = `${size}px`;
  let before = null, here = null;
  const place = cursor({ canvas, readout: el("output"), size: () => [height, width], told: () => "",
    onpoint: (row, column) => (here = [column + 0.5, row + 0.5]), draw });
  const node = el("figure", {}, canvas, el("figcaption", {}, label));

  function draw() {
    const picture = new ImageData(width, height), [paper, ink] = [rgb("--paper"), rgb("--ink")];
    pixels.forEach((value, i) => {
      for (let c = 0; c < 3; c++) picture.data[4 * i + c] = paper[c] + (value / 255) * (ink[c] - paper[c]);
      picture.data[4 * i + 3] = 255;
    });
    canvas.getContext("2d").putImageData(picture, 0, 0);
    place.draw([]);
  }

  function stroke([x0, y0], [x1, y1]) {
    const long = Math.max(1, Math.ceil(4 * Math.hypot(x1 - x0, y1 - y0)));
    for (let n = 0; n <= long; n++) dot(x0 + ((x1 - x0) * n) / long, y0 + ((y1 - y0) * n) / long);
    draw();
    onchange(pixels);
  }

  function dot(x, y) {
    for (let r = Math.max(0, Math.floor(y - 3)); r < Math.min(height, y + 3); r++)
      for (let c = Math.max(0, Math.floor(x - 3)); c < Math.min(width, x + 3); c++) {
        const ink = Math.min(1, Math.max(0, PEN + 0.5 - Math.hypot(c + 0.5 - x, r + 0.5 - y)));
        pixels[r * width + c] = Math.max(pixels[r * width + c], Math.round(255 * ink));
      }
  }

  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return; // only the first one draws
    canvas.setPointerCapture(event.pointerId);
    before = point(event);
    stroke(before, before);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!before) return;
    const now = point(event);
    stroke(before, now);
    before = now;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (before = null));
  canvas.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    stroke(here ?? [width / 2, height / 2], here ?? [width / 2, height / 2]);
  });

  node.set = (values) => (pixels.set(values), draw(), onchange(pixels));
  node.clear = () => node.set(new Uint8Array(height * width));
  onTheme(draw, node);
  draw();
  return node;
}
