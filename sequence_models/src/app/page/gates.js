/* Gates and states of a recurrent network over a text, unit by unit. */

import { ask, exported, latest, listen, recorded, recording, unpack } from "ask";
import { bars } from "bars";
import { chart } from "chart";
import { button, controls, select, textbox } from "controls";
import { calm, complain, el, hint, short } from "dom";
import { heatmap } from "heatmap";
import { passage } from "passage";

const COUNTED = "place in the sentence"; // what a trained network often has a unit for
const EXPLAINED = "A gate is a number between 0 and 1 for each unit and token: the forget gate f says how " +
  "much of the cell stays, i how much is written, o how much is shown. Some units follow something that a " +
  "person can name, such as the place in a sentence. The networks that are trained here have 64 units and " +
  "learn toy stories for a few seconds; untrained, they follow little but the last letters.";

export const gates = { id: "gates", title: "Gates", build };

async function build(root) {
  const start = await ask("gates/start");
  const read = latest((given) => ask("gates/read", given));
  const held = new Set(recorded("gates/read").map(({ source }) => source)); // in a saved page
  const frames = {}; // of each tiny network that was trained here
  for (const { source } of recorded("gates/train")) frames[source] = recording("gates/train", { source });
  let wanted = { source: start.source, text: start.text, layer: 0, steps: 0 };
  let answer = null, values = null, follows = null, order = [], running = null;
  let liked = "c", name = liked; // the gate or state that was chosen, and the one shown where that is none
  let picked = null; // the unit that was chosen; before that the first in the order

  const source = select({ id: "gates-source", label: "network", value: wanted.source,
    options: start.sources.filter(([one]) => !exported || held.has(one)),
    onchange: (value) => (stop(), tried({ source: value, layer: 0, steps: kept(value).at(-1) })) });
  const box = textbox({ id: "gates-text", label: "text", value: wanted.text, multiline: true,
    oninput: (value) => tried({ text: value }) });
  const layer = select({ id: "gates-layer", label: "layer", options: [],
    onchange: (value) => tried({ layer: Number(value) }) });
  const steps = select({ id: "gates-steps", label: "steps trained", options: [[0, "0, untrained"]],
    onchange: (value) => tried({ steps: Number(value) }) });
  const train = button({ id: "gates-train", label: "train it", onclick: () => (running ? stop() : run()) });
  const quantity = select({ id: "gates-quantity", label: "gate or state", options: [],
    onchange: (value) => ((name = liked = value), show()) });
  const sorted = select({ id: "gates-order", label: "units in the order of",
    options: [["", "their numbers"], ...start.features.map((feature, n) => [n, `what follows ${feature}`])],
    value: start.features.indexOf(COUNTED), onchange: () => ((picked = null), show()) });
  const loss = chart({ id: "gates-loss", label: "loss of the tiny network", x: "step", y: "bits a character" });
  const units = heatmap({ id: "gates-units", label: "units down, tokens across; click one", cell: 6,
    scale: "diverging", onpick: (row) => ((picked = order[row]), show()),
    describe: (row, column, value) => `unit ${order[row]}, ${answer.tokens[column]}: ${short(value, 3)}` });
  const title = el("h2", { id: "gates-unit" });
  const story = passage({ id: "gates-story" });
  const lines = chart({ id: "gates-lines", label: "the same as a curve, and the unit's state", x: "token", y: "value" });
  const found = bars({ id: "gates-follows", label: "its correlation with", show: (r) => short(r, 2) });
  const training = controls(steps, exported ? null : train);

  const shown = el("div", { class: "columns" }, el("div", {}, units, loss), el("div", {}, title, story, lines, found));

  root.append(hint(EXPLAINED), controls(source, layer, box), controls(quantity, sorted), training, shown);

  /** What is still seen after a fault is of the text and network before. */
  const tried = (change) => go(change).catch((fault) => (shown.classList.add("stale"), complain(fault)));
  const kept = (of) => [0, ...(frames[of]?.at(-1)?.kept ?? []).filter((n) => n)];

  /** Another network, text, layer or stage; a network without gates stays chosen, and is told. */
  async function go(change) {
    wanted = { ...wanted, ...change };
    training.hidden = !wanted.source.startsWith(start.live);
    const given = await read(wanted);
    if (!given) return;
    calm();
    shown.classList.remove("stale");
    [answer, values, follows] = [given, unpack(given.values), unpack(given.follows)];
    quantity.offer(given.quantities.map((one) => [one.name, one.title]));
    layer.offer(given.layers.map((text, n) => [n, text]));
    steps.offer(kept(wanted.source).map((n) => [n, n ? String(n) : "0, untrained"]));
    name = (given.quantities.find((one) => one.name === liked) ?? given.quantities[0]).name;
    [layer.value, steps.value, quantity.value] = [wanted.layer, wanted.steps, name];
    if (picked >= values.shape[2]) picked = null;
    show();
  }

  /** A stream of training: the gates are read again at each step that is kept. */
  async function run() {
    const mine = wanted.source;
    frames[mine] = [];
    tried({ steps: 0 });
    running = listen("gates/train", { source: mine }, (frame) => {
      const before = kept(mine).at(-1);
      frames[mine].push(frame);
      showLoss();
      if (kept(mine).at(-1) !== before) tried({ steps: kept(mine).at(-1) });
    });
    train.textContent = "stop";
    try {
      await running.ended;
    } finally {
      stop();
    }
  }

  function stop() {
    running?.stop();
    running = null;
    train.textContent = "train it";
  }

  function showLoss() {
    const seen = frames[wanted.source] ?? [];
    loss.hidden = !seen.length;
    loss.show([{ name: "loss", x: seen.map(({ step }) => step), y: seen.map(({ bits }) => bits) }]);
  }

  const at = (q, token, u) => values.values[(q * values.shape[1] + token) * values.shape[2] + u];
  const r = (q, feature, u) => follows.values[(q * follows.shape[1] + feature) * follows.shape[2] + u];
  const along = (q, u) => answer.tokens.map((_, token) => at(q, token, u));
  const place = (wantedName) => answer.quantities.findIndex((one) => one.name === wantedName);

  function show() {
    const [, time, count] = values.shape, q = place(name), share = answer.quantities[q].share;
    order = Array.from({ length: count }, (_, n) => n);
    if (sorted.value !== "") {
      const strength = order.map((u) => Math.abs(r(q, Number(sorted.value), u)));
      order.sort((a, b) => strength[b] - strength[a]);
    }
    const unit = picked ?? order[0];
    const table = Float32Array.from({ length: count * time }, (_, n) => at(q, n % time, order[Math.floor(n / time)]));
    units.show(table, count, time, share ? 1 : undefined);
    units.mark([[order.indexOf(unit), 0, 1, time]]);
    title.textContent = `unit ${unit}: ${answer.quantities[q].title}`;
    const limit = share ? 1 : Math.max(1e-9, ...along(q, unit).map(Math.abs));
    story.show(along(q, unit).map((value, token) => ({ text: answer.tokens[token], title: short(value, 3),
      share: Math.abs(value) / limit, sign: share ? 1 : Math.sign(value) })));
    const state = name !== "c" && place("c") >= 0 ? place("c") : place("h");
    lines.show([...new Set([q, state])].map((one, n) => ({ name: answer.quantities[one].title,
      x: answer.tokens.map((_, token) => token + 1), y: along(one, unit), dashed: n === 1 })));
    found.show(start.features.map((text, n) => ({ name: text, value: r(q, n, unit) })), 1);
    showLoss();
  }

  await tried({ steps: kept(wanted.source).at(-1) });
}
