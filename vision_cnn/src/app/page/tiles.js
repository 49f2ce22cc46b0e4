/* Many small matrices of one size as one heat map, with a gap between them. */

import { heatmap } from "heatmap";
import { short } from "dom";

/**
 * `name(tile)` says what a tile is. `.show(values, [rows of tiles, columns of tiles,
 * height, width])`, values tile after tile; what is left of the last row stays empty.
 */
export function tiles({ id, label, cell, name }) {
  let [, across, height, width] = [0, 1, 1, 1];
  const describe = (row, column, value) => {
    const [y, x] = [row % (height + 1), column % (width + 1)];
    if (!Number.isFinite(value) || y === height || x === width) return "";
    const tile = Math.floor(row / (height + 1)) * across + Math.floor(column / (width + 1));
    return `${name(tile)}, row ${y}, column ${x}: ${short(value)}`;
  };
  const map = heatmap({ id, label, cell, scale: "diverging", describe });
  map.classList.add("tiles");
  const show = map.show;
  map.show = (values, [down, wide, h, w]) => {
    [across, height, width] = [wide, h, w];
    const [rows, columns] = [down * (h + 1) - 1, wide * (w + 1) - 1];
    const grid = new Float64Array(rows * columns).fill(NaN);
    for (let at = 0; at < values.length; at++) {
      const tile = Math.floor(at / (h * w)), inside = at % (h * w);
      const row = Math.floor(tile / wide) * (h + 1) + Math.floor(inside / w);
      grid[row * columns + (tile % wide) * (w + 1) + (inside % w)] = values[at];
    }
    show(grid, rows, columns);
  };
  return map;
}
