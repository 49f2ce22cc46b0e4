/* The plane of the points: the probability of class 1 as a heat map, the points over it. */

import { short, svg } from "dom";
import { heatmap } from "heatmap";
import { chance, logits } from "network";

const SIDE = 48, RIM = 0.08;

/** `.points(x, y)` sets the points, `.draw(parameters, activation)` the map under them. */
export function plane({ id, label }) {
  let left = 0, bottom = 0, span = 1, grid = new Float64Array();
  const middle = (at) => ((at + 0.5) / SIDE) * span;
  const xOf = (column) => left + middle(column), yOf = (row) => bottom + span - middle(row);
  const map = heatmap({
    id, label, scale: "diverging", cell: 10, limit: 0.9, // paler than the points
    describe: (row, column, value) =>
      `x ${short(xOf(column), 2)}, y ${short(yOf(row), 2)}: class 1 with ${short(value + 0.5, 3)}`,
  });
  const dots = svg("svg", { class: "dots", viewBox: "0 0 1 1", "aria-hidden": "true" });
  queueMicrotask(() => map.querySelector(".wrap").append(dots)); // the cursor's wrap comes first

  map.points = (x, y) => {
    const ends = [0, 1].map((axis) => {
      const along = x.map((point) => point[axis]);
      return [Math.min(...along), Math.max(...along)];
    });
    span = (1 + 2 * RIM) * Math.max(...ends.map(([low, high]) => high - low));
    [left, bottom] = ends.map(([low, high]) => (low + high - span) / 2);
    grid = new Float64Array(2 * SIDE * SIDE);
    for (let cell = 0; cell < SIDE * SIDE; cell++)
      grid.set([xOf(cell % SIDE), yOf(Math.floor(cell / SIDE))], 2 * cell);
    dots.replaceChildren(...x.map(([a, b], i) => dot((a - left) / span, 1 - (b - bottom) / span, y[i])));
  };
  map.draw = (parameters, activation) =>
    map.show(Float32Array.from(logits(parameters, activation, grid), (z) => chance(z) - 0.5), SIDE, SIDE);
  return map;
}

/** Class 0 is a circle, class 1 a square: not by colour alone. */
function dot(x, y, label) {
  const size = 0.011;
  return label
    ? svg("rect", { class: "one", x: x - size, y: y - size, width: 2 * size, height: 2 * size })
    : svg("circle", { class: "zero", cx: x, cy: y, r: size * 1.1 });
}
