/* A layer of the network and one image: kernels, maps, and what made a number. */

import { ask, exported, latest, recorded, unpack } from "ask";
import { bars } from "bars";
import { attempt, controls, select } from "controls";
import { el, hint, onTheme, percent, short } from "dom";
import { gallery } from "gallery";
import { graph } from "graph";
import { coloured, heatmap, largest } from "heatmap";
import { picture } from "picture";
import { about, chooser, subject } from "subject";
import { arithmetic } from "unit";

export const look = { id: "look", title: "Look inside", build };

async function build(root) {
  const start = await about();
  const layers = heldLayers(start);
  const seen = picture({ id: "look-picture", label: "the image, as the network gets it; framed: what the number sees", size: 288 });
  const classes = bars({ id: "look-classes", label: "probability", show: percent });
  const layer = layerView(seen, start);
  const list = select({ id: "look-layer", label: "layer", value: start.blocks[0] ?? layers[0]?.layer,
    options: layers.map((one) => [one.layer, `${one.layer} · ${one.kind} · ${one.shape.join("×")}`]), onchange: () => attempt(draw) });
  const chain = blocksGraph(start, layers, (name) => ((list.value = name), attempt(draw)));

  const fetched = latest((image, name) => ask("look/layer", { image, layer: name }));
  const guessed = latest((image) => ask("look/predict", { image }));
  async function draw() {
    chain.mark(list.value);
    if (!subject()) return;
    const answer = await fetched(subject().image, list.value);
    if (answer) layer.show(answer);
  }
  const images = chooser({ id: "look", root, draw: async ({ image, picture: pixels }) => {
    seen.show(pixels);
    const answer = await guessed(image);
    if (answer) classes.show(answer.top.map(({ class: name, probability }) =>
      ({ name, value: probability, note: name === answer.true ? "true" : "", chosen: name === answer.true })), 1);
    await draw();
  } });

  root.append(
    hint("Choose an image and a layer. Below are the layer's kernels and what its channels make of the image. Pick a channel, then a cell of its map: the frame on the image is all that this number can see, and below stands how it came about."),
    el("div", { class: "columns inside" },
      el("div", {}, seen, images.node, el("h2", {}, "What the network says"), classes),
      el("div", {}, chain.node, controls(list), layer.node)));
  await images.update();
  if (!subject()) root.append(hint("The data of the training is not here: drop an image."));
}

/** All layers, or in a saved page those that it holds. */
function heldLayers(start) {
  const held = new Set(recorded("look/layer").map(({ layer }) => layer));
  return exported ? start.layers.filter(({ layer }) => held.has(layer)) : start.layers;
}

function blocksGraph(start, layers, onpick) {
  const boxes = start.blocks.map((name) => layers.find((one) => one.layer === name)).filter(Boolean);
  const chain = graph({ id: "look-graph", label: "blocks, in the order in which they run", onpick: ({ id }) => onpick(id), boxWidth: 124 });
  const mark = (chosen) => {
    if (!boxes.length) return;
    chain.show({
      nodes: boxes.map((one, i) => ({ id: one.layer, title: one.layer, rows: [one.kind, one.shape.join("×")], layer: i, kind: one.layer === chosen ? "now" : "" })),
      edges: boxes.slice(1).map((one, i) => ({ from: boxes[i].layer, to: one.layer })),
    });
    chain.reveal(chosen);
  };
  return { node: boxes.length ? chain : null, mark };
}

/** Kernels, maps, the chosen map and the chosen number of a layer. */
function layerView(seen, start) {
  let now = null, channel = 0, place = [0, 0];
  const facts = el("p", { class: "hint", id: "look-facts" });
  const kernels = gallery({ id: "look-kernels", label: "kernels", size: 40, onpick: (_, i) => pick(i) });
  const maps = gallery({ id: "look-maps", label: "maps", size: 56, onpick: (_, i) => pick(i) });
  const values = bars({ id: "look-values", label: "a number each, no places: the strongest", show: short, onpick: ({ index }) => pick(index) });
  const sizes = new Map(), large = el("div", {});
  const sums = arithmetic("look-unit");
  const node = el("div", {}, facts, kernels, maps, values, el("h2", {}, "One number"), el("div", { class: "row" }, large, sums));
  onTheme(() => now && thumbnails());

  function show(answer) {
    now = unpacked(answer);
    const [, rows, columns] = now.maps.shape;
    channel = Math.max(0, now.channels.indexOf(now.strongest));
    place = strongestPlace(now.maps, channel);
    facts.textContent = described(answer);
    const flat = rows * columns === 1;
    maps.hidden = large.hidden = flat;
    values.hidden = !flat;
    thumbnails();
    pick(channel);
  }

  function thumbnails() {
    const { maps: all, channels } = now;
    const [count, rows, columns] = all.shape, size = rows * columns;
    const scale = all.values.some((v) => v < 0) ? "diverging" : "sequential", most = largest(all.values);
    const caption = (i) => (now.layer === "head" ? start.class_names[channels[i]] : `channel ${channels[i]}`);
    if (size > 1) maps.show(channels.map((_, i) => ({ image: tile(all.values.subarray(i * size, (i + 1) * size), rows, columns, most, scale), caption: `${channels[i]}`, chosen: i === channel })));
    else values.show([...channels.keys()].sort((a, b) => Math.abs(all.values[b]) - Math.abs(all.values[a])).slice(0, 12)
      .map((i) => ({ name: caption(i), value: all.values[i], index: i, chosen: i === channel })));
    const drawn = now.weight && now.weight.shape[2] * now.weight.shape[3] > 1;
    kernels.hidden = !drawn;
    if (drawn) kernels.show(kernelTiles(now.weight).map((image, i) => ({ image, caption: `${channels[i]}`, chosen: i === channel })));
    kernels.querySelector("figcaption").textContent = kernelsText(now, count);
  }

  /** A heat map whose cells suit the number of columns. */
  function fitting(columns) {
    const cell = [8, 16, 32, 64].findLast((side) => side * columns <= 300) ?? 4;
    if (!sizes.has(cell)) sizes.set(cell, heatmap({ id: "look-map", label: "its map", scale: "diverging", cell,
      onpick: (row, column) => ((place = [row, column]), unit()) }));
    if (large.firstChild !== sizes.get(cell)) large.replaceChildren(sizes.get(cell));
    return sizes.get(cell);
  }

  function pick(index) {
    channel = index;
    for (const grid of [kernels, maps])
      grid.querySelectorAll("button").forEach((one, i) => one.setAttribute("aria-pressed", i === index));
    const [, rows, columns] = now.maps.shape, size = rows * columns;
    fitting(columns).show(now.maps.values.subarray(index * size, (index + 1) * size), rows, columns);
    unit();
  }

  function unit() {
    large.firstChild.mark([place]);
    seen.mark(framed(now.field, place, seen.querySelector("canvas")));
    sums.show(now, channel, ...place);
  }
  return { node, show };
}

const unpacked = (answer) =>
  Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, value?.base64 === undefined ? value : unpack(value)]));

/** Where a map is largest without its sign. */
function strongestPlace({ values, shape: [, rows, columns] }, channel) {
  let best = channel * rows * columns;
  for (let i = best; i < (channel + 1) * rows * columns; i++) if (Math.abs(values[i]) > Math.abs(values[best])) best = i;
  return [Math.floor(best / columns) % rows, best % columns];
}

/** The receptive field [top, left, height, width], cut at the edges of the image. */
export function framed(field, place, { height, width }) {
  if (!field) return [];
  const sides = [height, width].map((side, axis) => {
    const shift = place[axis] * field.stride[axis];
    const low = field.low[axis] === null ? 0 : Math.max(0, field.low[axis] + shift);
    const high = field.high[axis] === null ? side - 1 : Math.min(side - 1, field.high[axis] + shift);
    return [low, high - low + 1];
  });
  return [[sides[0][0], sides[1][0], sides[0][1], sides[1][1]]];
}

function described({ layer, kind, shape, channels, total, field, parameters, macs }) {
  const seen = !field ? "does not see the image" : field.low[0] === null ? "each number sees the whole image"
    : `each number sees ${field.high[0] - field.low[0] + 1}×${field.high[1] - field.low[1] + 1} pixels, the next one begins ${field.stride[0]} further`;
  const some = channels.length < total ? `; the ${channels.length} strongest of ${total} channels are shown` : "";
  return `${layer}: ${kind}, ${shape.join("×")}, ${short(parameters)} parameters, ${short(macs)} multiply-adds; ${seen}${some}.`;
}

const kernelsText = ({ weight }, count) => (weight?.shape[1] === 3 ? `${count} kernels, in colour around grey, which is zero`
  : `${count} kernels, the mean over their ${weight?.shape[1]} inputs`);

/** A packed RGBA picture of values. */
export function tile(values, height, width, most, scale) {
  return packed(coloured(values, most, scale), height, width);
}

const packed = (rgba, height, width) =>
  ({ dtype: "uint8", shape: [height, width, 4], base64: btoa(String.fromCharCode(...rgba)) });

/** Kernels over three channels as colours around grey, others as the mean of their slices. */
function kernelTiles({ values, shape: [count, inputs, height, width] }) {
  const size = height * width, most = largest(values);
  const means = new Float64Array(count * size);
  for (let k = 0; k < count; k++)
    for (let c = 0; c < inputs; c++)
      for (let i = 0; i < size; i++) means[k * size + i] += values[(k * inputs + c) * size + i] / inputs;
  const top = largest(means);
  return Array.from({ length: count }, (_, k) => {
    if (inputs !== 3) return tile(means.subarray(k * size, (k + 1) * size), height, width, top, "diverging");
    const rgba = new Uint8ClampedArray(4 * size).fill(255);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < size; i++) rgba[4 * i + c] = 127.5 * (1 + values[(k * 3 + c) * size + i] / most);
    return packed(rgba, height, width);
  });
}
