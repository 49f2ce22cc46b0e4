/* Numbered cells in the shape of a tensor: matrices of the last two axes, one per index before. */

import { el } from "dom";

/** The index of element number `at`, the last axis fastest. */
export function unravel(at, shape) {
  const index = [];
  for (const size of shape.toReversed()) {
    index.unshift(at % size);
    at = Math.floor(at / size);
  }
  return index;
}

/** Where an element lies in storage. */
export const position = (index, strides, offset) =>
  index.reduce((sum, i, axis) => sum + i * strides[axis], offset);

export const count = (shape) => shape.reduce((product, size) => product * size, 1);

/** The sizes in a text such as `3, 4` or `(3, 4)`; a sentence is thrown for another text. */
export function numbers(text) {
  const parts = text.replace(/[()[\]]/g, "").split(",").map((part) => part.trim()).filter(Boolean);
  if (!parts.every((part) => /^-?\d+$/.test(part)))
    throw new Error(`"${text.slice(0, 40)}" is no shape; write whole numbers with commas between: 3, 4`);
  return parts.map(Number);
}

/** `(3, 4)`, and `(3,)` for one axis. */
export const tuple = (numbers) => `(${numbers.join(", ")}${numbers.length === 1 ? "," : ""})`;

/**
 * `onpoint(at)` tells which cell is under the mouse or the keyboard's cursor, null for
 * none. `strip` cells flow over as many lines as they need and show their numbers.
 */
export function lattice({ id, label, onpoint, strip = false }) {
  const caption = el("figcaption", {}, label);
  const body = el("div", {
    id,
    class: `lattice ${strip ? "strip" : ""}`,
    tabindex: 0,
    role: "group",
    "aria-label": label,
  });
  const node = el("figure", {}, caption, el("div", { class: "scroll" }, body));
  let cells = [],
    columns = 1,
    here = null;

  /** Draw `texts` in a shape; `named` replaces the caption. */
  node.show = (shape, texts, named = label) => {
    caption.textContent = named;
    here = null;
    columns = strip ? 1 : (shape.at(-1) ?? 1);
    cells = texts.map((text, at) =>
      el("span", { class: "cell", "data-at": at }, strip ? el("small", {}, at) : null, text),
    );
    body.replaceChildren(...(strip || shape.length < 3 ? [block(cells)] : blocks(shape)));
    if (!cells.length) body.append("no elements");
  };
  /** Classes of cells: {class: [cells]}; of none it is taken away. */
  node.light = (kinds) => {
    for (const [kind, lit] of Object.entries(kinds)) {
      const chosen = new Set(lit);
      cells.forEach((cell, at) => cell.classList.toggle(kind, chosen.has(at)));
    }
  };

  function blocks(shape) {
    const size = shape.at(-1) * shape.at(-2),
      before = shape.slice(0, -2);
    return Array.from({ length: count(before) }, (_, n) =>
      el(
        "div",
        {},
        el("small", {}, `[${[...unravel(n, before), ":", ":"].join(", ")}]`),
        block(cells.slice(n * size, (n + 1) * size)),
      ),
    );
  }

  function block(some) {
    const grid = el("div", { class: "matrix" }, some);
    if (!strip) grid.style.gridTemplateColumns = `repeat(${columns}, auto)`;
    return grid;
  }

  function point(at) {
    if (at === here) return;
    here = at;
    onpoint?.(at);
  }
  node.point = point;
  body.addEventListener("pointerover", (event) => {
    const cell = event.target.closest("[data-at]");
    if (cell) point(Number(cell.dataset.at));
  });
  body.addEventListener("pointerleave", () => document.activeElement !== body && point(null));
  body.addEventListener("blur", () => point(null));
  body.addEventListener("keydown", (event) => {
    const step = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      Home: -Infinity,
      End: Infinity,
    }[event.key];
    if (!step || !cells.length) return;
    event.preventDefault();
    const to = here === null ? 0 : here + step;
    point(
      Number.isFinite(step) && (to < 0 || to >= cells.length)
        ? here
        : Math.max(0, Math.min(cells.length - 1, to)),
    );
    cells[here]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  return node;
}
