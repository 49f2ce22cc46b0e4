// pattern: app/page/cells.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/cells.js --from <sub-project>
/* A cursor over the cells of a canvas: mouse, touch, and the arrow keys. */

import { el } from "dom";

/**
 * `size()` gives [height, width] in cells. The cursor is told in `readout` with
 * `told(row, column)`; `onpoint` when it moves, `onpick` on click and Enter.
 */
export function cursor({ canvas, readout, size, told, onpick, onpoint, draw }) {
  let at = null;

  const cellOf = (event) => {
    const [height, width] = size(), box = canvas.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * height);
    const column = Math.floor(((event.clientX - box.left) / box.width) * width);
    return row >= 0 && row < height && column >= 0 && column < width ? [row, column] : null;
  };
  const point = (cell) => {
    if (String(cell) === String(at)) return;
    at = cell;
    if (at) onpoint?.(...at);
    draw();
  };
  canvas.addEventListener("pointermove", (event) => point(cellOf(event)));
  canvas.addEventListener("pointerleave", () => document.activeElement !== canvas && point(null));
  canvas.addEventListener("blur", () => point(null));
  canvas.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    point(cell);
    onpick?.(...cell);
  });
  canvas.addEventListener("keydown", (event) => {
    const [height, width] = size(), [row, column] = at ?? [];
    if (!height || !width || event.altKey || event.ctrlKey || event.metaKey) return;
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.key === "Enter" && at) onpick?.(...at);
    else if (event.key in moves) {
      const [down, right] = moves[event.key];
      const inside = (n, most) => Math.min(most - 1, Math.max(0, n));
      point(at ? [inside(row + down, height), inside(column + right, width)] : [0, 0]);
    } else return;
    event.preventDefault();
  });

  const frames = el("span", { class: "frames", "aria-hidden": "true" });
  queueMicrotask(() => {
    const wrap = el("span", { class: "wrap" });
    canvas.replaceWith(wrap);
    wrap.append(canvas, frames);
  });
  const frame = ([row, column, h = 1, w = 1], kind) => {
    const [height, width] = size(), box = el("span", { class: kind });
    box.style.top = `${(100 * row) / height}%`;
    box.style.left = `${(100 * column) / width}%`;
    box.style.height = `${(100 * h) / height}%`;
    box.style.width = `${(100 * w) / width}%`;
    return box;
  };
  return {
    /** Frames around cells [row, column, height, width], the cursor, and what it is on. */
    draw: (marked) => {
      const [height, width] = size();
      if (at && (at[0] >= height || at[1] >= width)) at = null;
      readout.textContent = at ? told(...at) : "";
      const boxes = marked.map((cell) => frame(cell, "mark"));
      frames.replaceChildren(...boxes, ...(at ? [frame(at, "here")] : []));
    },
    move: (row, column) => point([row, column]),
  };
}
