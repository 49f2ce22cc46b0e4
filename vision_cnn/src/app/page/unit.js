/* One number of a layer: the patch, the kernel, their product, and the sum. Arithmetic without a model. */

import { el, short } from "dom";
import { heatmap, largest } from "heatmap";

const SLICES = 6;

/**
 * What made the number at (index of the channel, row, column). `parts` has for each
 * input channel of a convolution its patch, kernel and product, largest sum first.
 */
export function unitOf(about, index, row, column) {
  const value = at(about.maps, index, row, column);
  if (about.rule === "convolution") return { value, ...multiplied(about, index, row, column) };
  const before = about.before ? at(about.before, index, row, column) : null;
  if (about.rule !== "affine") return { value, before };
  const [scale, shift] = [about.scale.values[index], about.shift.values[index]];
  return { value, before, scale, shift, total: before * scale + shift };
}

const at = ({ values, shape }, channel, row, column) => values[(channel * shape[1] + row) * shape[2] + column];

function multiplied(about, index, row, column) {
  const [, inputs, height, width] = about.weight.shape;
  const group = Math.floor(about.channels[index] / (about.kernels / about.groups));
  const parts = [];
  for (let c = 0; c < inputs; c++) {
    const channel = group * inputs + c;
    const patch = new Float64Array(height * width), kernel = new Float64Array(height * width);
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++) {
        const y = row * about.stride[0] + i * about.dilation[0] - about.padding[0];
        const x = column * about.stride[1] + j * about.dilation[1] - about.padding[1];
        const inside = y >= 0 && x >= 0 && y < about.input.shape[1] && x < about.input.shape[2];
        patch[i * width + j] = inside ? at(about.input, channel, y, x) : 0;
        kernel[i * width + j] = about.weight.values[((index * inputs + c) * height + i) * width + j];
      }
    const product = patch.map((p, i) => p * kernel[i]);
    parts.push({ channel, patch, kernel, product, sum: product.reduce((a, b) => a + b, 0) });
  }
  const sum = parts.reduce((total, part) => total + part.sum, 0), bias = about.bias.values[index];
  parts.sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  return { parts, height, width, sum, bias, total: sum + bias };
}

/** Whether what was added up is the number of the network, up to its 32 bits. */
export const agrees = ({ value, total, parts }) => {
  const size = parts ? parts.reduce((most, part) => most + Math.abs(part.sum), 0) : Math.abs(total);
  return Math.abs(value - total) <= 1e-5 * (1 + size);
};

/** Shows one unit; `show(about, index, row, column)`. */
export function arithmetic(id) {
  const line = el("p", { id: `${id}-sum`, class: "sum", "aria-live": "polite" });
  const rows = Array.from({ length: SLICES }, (_, i) => slice(`${id}-${i}`));
  const rest = el("p", { class: "hint" });
  const head = el("tr", {}, ["from", "patch", "× kernel", "= product", "sum"].map((text) => el("th", {}, text)));
  const table = el("table", { class: "arithmetic", id: `${id}-parts` }, el("thead", {}, head), el("tbody", {}, rows.map(({ node }) => node)));
  const node = el("div", {}, line, el("div", { class: "scroll" }, table), rest);

  node.show = (about, index, row, column) => {
    const unit = unitOf(about, index, row, column);
    const [, height, width] = about.maps.shape;
    const place = height * width > 1 ? `, row ${row}, column ${column}` : "";
    line.textContent = sentence(about, unit, `channel ${about.channels[index]}${place}`);
    const parts = unit.parts ?? [], shown = parts.slice(0, SLICES);
    table.hidden = !parts.length;
    rest.hidden = parts.length <= SLICES;
    rest.textContent = `The other ${parts.length - SLICES} input channels add ${short(total(parts.slice(SLICES)))}.`;
    const limits = ["patch", "kernel", "product"].map((name) => largest(shown.flatMap((part) => Array.from(part[name]))));
    rows.forEach((one, i) => one.show(shown[i], unit, limits));
  };
  return node;
}

const total = (parts) => parts.reduce((sum, part) => sum + part.sum, 0);

function sentence(about, unit, where) {
  const { value, before, total: made } = unit;
  const checked = () => (agrees(unit) ? `= ${short(made)}, which is what the network computed` : `= ${short(made)}, but the network computed ${short(value)}`);
  if (about.rule === "convolution")
    return `${where}: Σ patch × kernel = ${short(unit.sum)}, + bias ${short(unit.bias)} ${checked()}.`;
  if (about.rule === "affine")
    return `${where}: ${short(before)} came in; × ${short(unit.scale)} + ${short(unit.shift)} ${checked()}. ${about.said}`;
  const came = before === null ? "" : `${short(before)} came in, `;
  return `${where}: ${came}${short(value)} came out. ${about.said}`;
}

/** A row of the table: one input channel. */
function slice(id) {
  const maps = ["patch", "kernel", "product"].map((name) =>
    heatmap({ id: `${id}-${name}`, scale: "diverging", cell: 16 }));
  const from = el("td", {}), sum = el("td", { class: "number" });
  const node = el("tr", {}, from, maps.map((map) => el("td", {}, map)), sum);
  const show = (part, unit, limits) => {
    node.hidden = !part;
    if (!part) return;
    const single = unit.height * unit.width === 1;
    from.textContent = `input ${part.channel}`;
    sum.textContent = single ? `${short(part.patch[0])} × ${short(part.kernel[0])} = ${short(part.sum)}` : short(part.sum);
    [part.patch, part.kernel, part.product].forEach((values, i) => maps[i].show(values, unit.height, unit.width, limits[i]));
  };
  return { node, show };
}
