/* Which pixels speak for a class: all methods beside each other, and a check of them. */

import { ask, exported, recorded, unpack } from "ask";
import { attempt, button, controls, select, slider } from "controls";
import { chart } from "chart";
import { el, hint, say, short } from "dom";
import { heatmap } from "heatmap";
import { picture } from "picture";
import { about, chooser, subject } from "subject";

export const attribution = { id: "attribution", title: "Attribution", build };

async function build(root) {
  const { size: [, , width] } = await about();
  const start = await ask("attribution/start");
  const held = new Set(recorded("attribution/map").map(({ forgotten }) => forgotten));
  if (exported) start.stages = start.stages.filter((count) => held.has(count));
  const cards = start.methods.map((method) => card(method, Math.max(1, Math.floor(224 / width))));
  const last = start.stages.length - 1;
  const likeness = chart({ id: "attribution-likeness", label: "likeness of each map to that of the trained network (rank correlation)",
    x: "layers that have forgotten their weights", y: "rank correlation" });
  let turn = 0, known = new Map(), running = false;

  const target = select({ id: "attribution-class", label: "class", value: "-1", onchange: restart,
    options: [["-1", "the likeliest"], ...start.class_names.map((name, i) => [i, name])] });
  const layer = select({ id: "attribution-layer", label: "layer of Grad-CAM", value: "", onchange: restart,
    options: [["", `${start.layer ?? "none"} (the last with places)`], ...start.layers.map((name) => [name, name])] });
  const stage = slider({ id: "attribution-forgotten", label: "layers that have forgotten", min: 0, max: last, value: 0,
    show: (i) => forgetful(start, start.stages[i]), oninput: () => attempt(redraw) });
  const randomise = button({ id: "attribution-randomise", label: "randomise the weights", onclick: forgetAll,
    title: "Draw the weights anew, layer by layer from the top" });
  const reset = button({ id: "attribution-reset", label: "trained weights", onclick: () => ((stage.value = 0), redraw()) });

  /** The maps at the stage of the slider; false if something newer was asked for meanwhile. */
  async function draw() {
    if (!subject()) return false;
    const mine = ++turn, at = stage.value, { image } = subject();
    for (const one of cards) {
      const answer = await ask("attribution/map", { image, method: one.name, target: Number(target.value), layer: layer.value, forgotten: start.stages[at] });
      if (mine !== turn) return false;
      one.show(answer, start);
      if (answer.map) known.set(one.name, (known.get(one.name) ?? new Map()).set(start.stages[at], Number(answer.likeness.toFixed(6))));
    }
    likeness.hidden = ![...known.values()].some((stages) => stages.size > 1);
    likeness.show(start.methods.filter(({ name }) => known.has(name)).map(({ name, title }) => {
      const points = [...known.get(name)].sort(([a], [b]) => a - b);
      return { name: title, x: points.map(([x]) => x), y: points.map(([, y]) => y) };
    }));
    return true;
  }

  async function forgetAll() {
    running = true;
    for (let i = stage.value === last ? 0 : stage.value; running && i <= last; i++) {
      stage.value = i;
      if (!(await draw())) return; // another question took its place
    }
    if (running) say("all weights are drawn anew: a map that still looks alike shows the image, not what was learnt");
    running = false;
  }

  function redraw() {
    running = false;
    return draw();
  }

  function restart() {
    known = new Map();
    return attempt(redraw);
  }

  const seen = picture({ id: "attribution-picture", label: "the image", size: 128 });
  const images = chooser({ id: "attribution", root, draw: (one) => (seen.show(one.picture), restart()) });
  root.append(
    hint("Each method says in its own way which pixels made the score of a class. All share one scale of colours: orange speaks for the class (or is strong, where a method has no sign), blue against it, the paper is zero; the full colour is each map's own 99th percentile, so its raw range stands beside it."),
    el("div", { class: "columns beside" }, images.node, el("div", { class: "row" }, seen, el("div", {},
      exported ? null : controls(target, layer), controls(stage, randomise, reset)))),
    el("div", { class: "maps", id: "attribution-maps" }, cards.map(({ node }) => node)),
    likeness,
    hint("The check (Adebayo et al. 2018): forget the weights from the top down. A map that depends on what was learnt changes; one that does not is a drawing of the image."));
  await images.update();
  if (!subject()) root.append(hint("The data of the training is not here: drop an image."));
}

const forgetful = ({ stages, forgetting }, count) =>
  count ? `${count} of ${stages.at(-1)}, down to ${forgetting[count - 1]}` : "none";

/** One method: its map, raw range, likeness and what it adds up to. */
function card({ name, title, paper }, cell) {
  const map = heatmap({ id: `attribution-map-${name}`, scale: "diverging", cell });
  const range = el("p", { class: "range", id: `attribution-range-${name}` });
  const node = el("div", { class: "card" }, el("strong", {}, title), el("p", { class: "hint" }, paper), map, range);
  const show = (answer, start) => {
    map.hidden = !answer.map;
    if (!answer.map) return void (range.textContent = answer.undefined);
    const { values, shape } = unpack(answer.map);
    map.show(values, ...shape, answer.scale);
    range.textContent = told(answer, start);
  };
  return { name, node, show };
}

function told({ lowest, highest, likeness, completeness, layer, forgotten_layer: forgotten, target }, { class_names: names }) {
  const lines = [lowest === 0 && highest === 0 ? "zero everywhere: no evidence" : `raw ${short(lowest)} to ${short(highest)}`];
  lines.push(`of ${names[target]}${layer ? `, layer ${layer}` : ""}`);
  if (completeness) lines.push(`adds up to ${short(completeness.sum)}, should be ${short(completeness.score_difference)}: completeness error ${short(completeness.error, 3)}`);
  if (forgotten) lines.push(`likeness to the trained map ${short(likeness, 3)}`);
  return lines.join("\n");
}
