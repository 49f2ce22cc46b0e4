/* The controls of the playground: what is trained, on what, how, and by which engine. */

import { exported } from "ask";
import { button, controls, select, slider } from "controls";
import { complain } from "dom";

const BATCHES = [[0, "all"], [1], [5], [10], [25], [50]];

/**
 * `rows` to be placed; `anew(points, changes)` is called where training begins again,
 * `change(changes)` where it goes on. A saved page chooses the points only.
 */
export function knobsOf(start, { anew, change }) {
  const list = (knob, label, options, onchange) =>
    select({ id: `playground-${knob}`, label, options, onchange: safely(onchange) });
  const points = list("points", "points", start.points.map((one) => [one]), (value) => anew(value));
  if (exported) return { rows: [controls(points)], show: ({ points: one }) => (points.value = one) };

  const { most } = start;
  const own = (all) => all.map((one) => [one]);
  const range = (knob, label, max, onrest, given = {}) => {
    const made = slider({ id: `playground-${knob}`, label, min: 1, max, value: 1, ...given });
    made.querySelector("input").addEventListener("change", safely(() => onrest?.(made.value)));
    return made;
  };
  const begins = (key) => (value) => anew(null, { [key]: value });
  const turns = (key, read = (value) => value) => (value) => change({ [key]: read(value) });
  const numbers = Array.from({ length: most.layers + 1 }, (_, n) => [n, n || "none: a linear neuron"]);
  const knobs = {
    count: range("count", "points in the set", most.points, begins("count"), { min: 10, step: 10 }),
    activation: list("activation", "activation", own(start.activations), begins("activation")),
    seed: range("seed", "seed", 99, begins("seed"), { min: 0 }),
    level: list("level", "engine", start.levels, turns("level", Number)),
    optimiser: list("optimiser", "optimiser", own(start.optimisers), turns("optimiser")),
    rate: range("rate", "learning rate", 3, turns("rate"), { min: 3e-4, log: true }),
    batch: list("batch", "points a step", BATCHES, turns("batch", Number)),
  };
  const layers = list("layers", "hidden layers", numbers, resize);
  const widths = Array.from({ length: most.layers }, (_, n) =>
    range(`width-${n + 1}`, `neurons ${n + 1}`, most.width, resize, { value: most.width / 2 }));
  const steps = range("steps", "steps a frame", most.steps);
  const again = button({
    id: "playground-again", label: "other weights", title: "The next seed: other points and first weights",
    onclick: () => anew(null, { seed: (knobs.seed.value = (knobs.seed.value + 1) % 100) }),
  });

  function resize() {
    widths.forEach((one, n) => (one.hidden = n >= Number(layers.value)));
    return anew(null, { hidden: widths.slice(0, Number(layers.value)).map(({ value }) => value) });
  }

  function show(setup, some) {
    points.value = setup.points;
    for (const [key, knob] of Object.entries(knobs)) knob.value = setup[key];
    layers.value = setup.hidden.length;
    widths.forEach((one, n) => {
      one.hidden = n >= setup.hidden.length;
      if (!one.hidden) one.value = setup.hidden[n];
    });
    steps.value = some;
  }
  const { count, activation, seed, level, optimiser, rate, batch } = knobs;
  const rows = [
    controls(points, count, layers, ...widths, activation, seed, again),
    controls(level, optimiser, rate, batch, steps),
  ];
  return { rows, show, steps: () => steps.value };
}

function safely(act) {
  return async (...given) => {
    try {
      await act(...given);
    } catch (error) {
      complain(error);
    }
  };
}
