/* The parameters of a perceptron and their gradients as heat maps, and a slider for one of them. */

import { el, hint, short } from "dom";
import { controls, slider } from "controls";
import { heatmap, largest } from "heatmap";

const FEW = 3; // a linear neuron: all of it by hand
const MOST = 10, STEP = 0.01; // of a slider; it becomes longer for a larger weight

/**
 * `.show(parameters, gradients)`, each [W1, b1, ...] of {values, shape}. A cell that is
 * picked gets a slider: `onmove(parameters)` with each change, `onset(which, at, value)` when
 * it rests: value `at` of parameter `which`.
 */
export function weights({ id, onmove, onset }) {
  let maps = [], present = [], picked = [], shapes = "";
  const layers = el("div", { class: "row layers" });
  const hand = controls();
  const node = el("div", { id }, hand, layers);

  function build() {
    const last = present.length / 2 - 1;
    maps = Array.from({ length: last + 1 }, (_, layer) => {
      const [inputs, outputs] = present[2 * layer].shape;
      const neurons = (count) => Array.from({ length: count }, (_, i) => `neuron ${i + 1}`);
      const rows = [...(layer ? neurons(inputs) : ["x", "y"]), "bias"];
      const columns = layer === last ? ["output"] : neurons(outputs);
      const cell = Math.max(inputs, outputs) > 8 ? 12 : 20;
      const look = { scale: "diverging", cell, rows, columns };
      const named = (what, label) => ({ ...look, id: `${id}-${what}-${layer + 1}`, label });
      const onpick = (row, column) => pick([[layer, row, column]]);
      const weight = heatmap({ ...named("weights", "weights, bias"), onpick });
      const gradient = heatmap(named("gradients", "gradients"));
      const most = [weight, gradient].map(largestOf);
      const title = layer === last ? "output layer" : `hidden layer ${layer + 1}`;
      const pair = el("div", { class: "row" }, weight, gradient);
      const card = el("div", { class: "card" }, el("h3", {}, title), pair);
      return { weight, gradient, most, rows, columns, title, card };
    });
    layers.replaceChildren(...maps.map(({ card }) => card));
    pick(present.length === 2 && present[0].values.length < FEW ? [[0, 0, 0], [0, 1, 0], [0, 2, 0]] : []);
  }

  /** Where a cell lies: [which parameter, which of its values]. */
  function place([layer, row, column]) {
    const [inputs, outputs] = present[2 * layer].shape;
    return row < inputs ? [2 * layer, row * outputs + column] : [2 * layer + 1, column];
  }

  function pick(cells) {
    const inLayer = (layer) => cells.filter(([one]) => one === layer).map((cell) => cell.slice(1));
    maps.forEach(({ weight }, layer) => weight.mark(inLayer(layer)));
    picked = cells.map((cell, number) => {
      const [layer, row, column] = cell, { rows, columns, title } = maps[layer];
      const own = { cell, exact: 0 };
      own.control = slider({
        id: `${id}-hand-${number}`, label: `${title}, ${rows[row]} → ${columns[column]}`,
        min: -MOST, max: MOST, step: STEP, value: 0,
        show: (v) => short(Math.abs(v - own.exact) < 0.51 * STEP ? own.exact : v, 3), // the slider rounds
        oninput: (value) => onmove(changed(cell, value)),
      });
      const rest = () => onset(...place(cell), own.control.value);
      own.control.querySelector("input").addEventListener("change", rest);
      return own;
    });
    hand.replaceChildren(...picked.map(({ control }) => control));
    if (!cells.length) hand.append(hint("Click a weight, or arrows and Enter, to set it by hand."));
    settle();
  }

  function changed(cell, value) {
    const [which, at] = place(cell);
    const all = present.map(({ values, shape }) => ({ values: Float32Array.from(values), shape }));
    all[which].values[at] = value;
    return all;
  }

  function settle() {
    for (const one of picked) {
      const [which, at] = place(one.cell);
      one.exact = present[which].values[at];
      const most = Math.max(MOST, Math.ceil(Math.abs(one.exact)));
      one.control.limits(-most, most);
      one.control.value = one.exact;
    }
  }

  const joined = (all, layer) => [...all[2 * layer].values, ...all[2 * layer + 1].values];

  /** `gradients` may be left out: those of a weight set by hand are not known yet. */
  node.show = (parameters, gradients) => {
    present = parameters;
    const now = JSON.stringify(parameters.map(({ shape }) => shape));
    if (now !== shapes) (shapes = now), build();
    maps.forEach(({ weight, gradient, most }, layer) => {
      const [inputs, outputs] = parameters[2 * layer].shape;
      const draw = (map, all, said) => {
        const values = joined(all, layer);
        map.show(values, inputs + 1, outputs);
        said.textContent = short(values.every((v) => v === 0) ? 0 : largest(values), 3);
      };
      draw(weight, parameters, most[0]);
      if (gradients) draw(gradient, gradients, most[1]);
      gradient.classList.toggle("stale", !gradients);
    });
    if (gradients) settle();
  };
  return node;
}

/** A place in the caption of a heat map for the value of the full colour. */
function largestOf(map) {
  const most = el("span");
  map.querySelector("figcaption output").before("up to ", most, " ");
  return most;
}
