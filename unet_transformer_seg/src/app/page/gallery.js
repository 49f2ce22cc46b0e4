// pattern: app/page/gallery.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/gallery.js --from <sub-project>
/* Small pictures in a grid; arrow keys lead from one to the next. */

import { el } from "dom";
import { imageOf } from "picture";

/** `size` is the width of a picture; `onpick(item, index)` on click and Enter. */
export function gallery({ id, label, size = 64, onpick }) {
  const grid = el("div", { class: "gallery", id, role: "group", "aria-label": label });
  grid.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const all = [...grid.querySelectorAll("button")];
    const next = step && all[all.indexOf(document.activeElement) + step];
    if (!next || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    next.focus();
  });

  function cell(item, index, choose) {
    const image = imageOf(item.image);
    const canvas = el("canvas", { width: image.width, height: image.height, class: "cells", "aria-hidden": "true" });
    canvas.style.width = `${size}px`;
    canvas.getContext("2d").putImageData(image, 0, 0);
    const caption = item.caption ? el("span", {}, item.caption) : null;
    if (!onpick) return el("div", { class: "item" }, canvas, caption);
    return el("button", { type: "button", class: "item", "aria-pressed": Boolean(item.chosen),
      "aria-label": item.caption ?? `${label} ${index + 1}`, onclick: () => (choose(index), onpick(item, index)) }, canvas, caption);
  }

  /** Items of {image (packed uint8), caption, chosen}. */
  const show = (items) => {
    const choose = (chosen) => [...grid.children].forEach((one, i) => one.setAttribute("aria-pressed", i === chosen));
    const focused = [...grid.children].indexOf(document.activeElement);
    grid.replaceChildren(...items.map((item, index) => cell(item, index, choose)));
    grid.children[focused]?.focus();
  };
  const node = el("figure", {}, label ? el("figcaption", {}, label) : null, grid);
  node.show = show;
  return node;
}
