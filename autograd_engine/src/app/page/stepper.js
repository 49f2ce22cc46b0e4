/* Forwards and backwards through an expression or a network, one node at a time. */

import { ask, exported, latest, recorded } from "ask";
import { boxes } from "boxes";
import { button, controls, select, slider, textbox, toggle } from "controls";
import { byId, calm, complain, el, hint } from "dom";
import { walker } from "walker";

export const stepper = { id: "stepper", title: "Backward, step by step", build };

const WHAT = { expression: "an expression", network: "a network on XOR", given: "the playground's network" };
const ABOUT =
  "Forwards, each box gets its value from the boxes on its left, and keeps its local gradients: the " +
  "numbers on the arrows. Backwards, from the right, a box that has all parts of its gradient multiplies it " +
  "by these numbers and adds the products to its inputs. Arrow keys step, Home and End jump; click a box to " +
  "see its step.";
let given = null,
  take = null;

/**
 * Open the panel with the playground's network: {activation, parameters, x, y, rate}. One
 * that is too large is refused before, where it can be made smaller.
 */
export async function openNetwork(network) {
  given = await ask("stepper/given", network);
  take?.("given");
  location.hash = "#stepper";
}

async function build(root) {
  const start = await ask("stepper/start");
  let scene = null;

  const what = select({
    id: "stepper-what",
    label: "take",
    options: offers(),
    onchange: (kind) => choose(kind),
  });
  const example = select({
    id: "stepper-example",
    label: "an example",
    options: start.examples.map(([title]) => [title]),
    onchange: (title) => (
      (text.value = start.examples.find(([one]) => one === title)[1]),
      load("expression")
    ),
  });
  const text = textbox({
    id: "stepper-text",
    label: exported ? "its text" : "or type your own: name = number, then an expression of them",
    value: start.examples[0][1],
    multiline: true,
  });
  const read = button({
    id: "stepper-read",
    label: "read it",
    title: "Ctrl+Enter",
    onclick: () => load("expression"),
  });
  const hidden = slider({
    id: "stepper-hidden",
    label: "hidden neurons",
    min: 1,
    max: exported ? 3 : start.hidden,
    value: 2,
    oninput: () => load("network"),
  });
  const activation = select({
    id: "stepper-activation",
    label: "activation",
    options: start.activations.filter((name) => !exported || saved("activation", name)).map((name) => [name]),
    value: "tanh",
    onchange: () => load("network"),
  });
  const point = select({
    id: "stepper-point",
    label: "points",
    options: [...start.points.map((name, i) => [i, name]), [-1, "all four"]],
    value: 1,
    onchange: () => load("network"),
  });
  const seed = slider({
    id: "stepper-seed",
    label: "seed of the weights",
    min: 0,
    max: 20,
    value: 3,
    oninput: () => load("network"),
  });
  const fused = toggle({
    id: "stepper-fused",
    label: "a neuron is one node",
    value: true,
    onchange: () => load("network"),
  });
  const rows = {
    expression: exported ? [example, text] : [example, text, read],
    network: [hidden, activation, point, ...(exported ? [] : [seed, fused])],
    given: [hint("Weights, points and learning rate as the playground had them.")],
  };

  const steps = walker({
    id: "stepper",
    onstep: tell,
    more: [
      button({
        id: "stepper-turn",
        label: "to backward",
        title: "where the backward pass begins",
        onclick: () => steps.go(scene.steps.findIndex(({ phase }) => phase === "backward")),
      }),
    ],
  });
  const head = el("h2", { id: "stepper-head" });
  const lines = el("ul", { id: "stepper-lines", class: "step-lines mono" });
  const picture = boxes({
    id: "stepper-graph",
    label: "the graph: values flow to the right, gradients back to the left",
    onpick: visit,
  });
  const panel = el("div", { class: "step-says card", role: "status" }, head, lines);

  root.append(hint(ABOUT), controls(what, ...Object.values(rows).flat()), steps, panel, picture);

  const asked = latest((kind) => (kind === "given" ? given : ask(`stepper/${kind}`, questions[kind]())));
  const questions = {
    expression: () => ({ text: text.value }),
    network: () => ({
      hidden: hidden.value,
      activation: activation.value,
      point: Number(point.value),
      seed: exported ? 3 : seed.value,
      fused: exported || fused.value,
    }),
  };

  async function load(kind) {
    steps.pause();
    try {
      const found = await asked(kind);
      if (!found) return;
      calm();
      show(found);
    } catch (error) {
      complain(error);
      if (kind === "expression") mark(error.message);
    }
  }

  function show(found) {
    scene = found;
    picture.show(scene);
    steps.load(scene.steps.length);
  }

  function choose(kind) {
    unfold(kind);
    return load(kind);
  }
  take = choose;

  function unfold(kind) {
    what.offer(offers());
    what.value = kind;
    for (const [name, row] of Object.entries(rows)) for (const each of row) each.hidden = name !== kind;
  }

  function tell(n) {
    const now = scene.steps[n];
    head.textContent = `${now.phase}: ${now.head}`;
    lines.replaceChildren(...now.lines.map((line) => el("li", {}, line)));
    picture.at(n);
  }

  /** The step of a node in the pass that is on show. */
  function visit(node) {
    const { phase } = scene.steps[steps.at];
    const found = scene.steps.findIndex((step) => step.done && step.node === node && step.phase === phase);
    if (found >= 0) steps.go(found);
  }

  /** Select what a sentence "line 2, column 5: ..." is about. */
  function mark(sentence) {
    const [, line, column] = sentence.match(/^line (\d+), column (\d+)/) ?? [];
    if (!line) return;
    const before = text.value
      .split("\n")
      .slice(0, line - 1)
      .reduce((sum, one) => sum + one.length + 1, 0);
    const from = Math.min(before + Number(column) - 1, text.value.length - 1);
    byId("stepper-text").focus();
    byId("stepper-text").setSelectionRange(Math.max(0, from), from + 1);
  }

  text.addEventListener(
    "keydown",
    (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && load("expression"),
  );

  byId("stepper-text").readOnly = exported;
  unfold("expression");
  show(start.scene);
  if (given) await choose("given");
}

const offers = () => Object.entries(WHAT).filter(([kind]) => kind !== "given" || given);
const saved = (name, value) => recorded("stepper/network").some((question) => question[name] === value);
