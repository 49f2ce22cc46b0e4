/* Gates and states of a recurrent network over a text, unit by unit. */

import { ask, exported, latest, listen, recorded, recording, unpack } from "ask";
import { bars } from "bars";
import { chart } from "chart";
import { button, controls, select, textbox } from "controls";
import { calm, complain, el, hint, short } from "dom";
import { heatmap } from "heatmap";
import { passage } from "passage";

export const gates = { id: "gates", title: "Gates", build };

async function build(root) {
  const start = await ask("gates/start");
  const read = latest((given) => ask("gates/read", given));
  const frames = {}; // of each tiny network that was trained here
  const sources = exported ? start.sources.filter(([name]) => recorded("gates/read").some((one) => one.source === name)) : start.sources;
  for (const { source } of recorded("gates/train")) frames[source] = recording("gates/train", { source });
  let wanted = { source: start.source, text: start.text, layer: 0, steps: 0 };
  let answer = null, values = null, follows = null, name = "", unit = 0, order = [], running = null;

  const source = select({ id: "gates-source", label: "network", options: sources, value: wanted.source,
    onchange: (value) => (stop(), tried({ source: value, layer: 0, steps: kept(value).at(-1) })) });
  const box = textbox({ id: "gates-text", label: "text", value: wanted.text, multiline: true, oninput: (value) => tried({ text: value }) });
  const layer = select({ id: "gates-layer", label: "layer", options: [], onchange: (value) => tried({ layer: Number(value) }) });
  const steps = select({ id: "gates-steps", label: "steps trained", options: [[0, "0, untrained"]], onchange: (value) => tried({ steps: Number(value) }) });
  const train = button({ id: "gates-train", label: "train it", onclick: () => (running ? stop() : run()) });
  const quantity = select({ id: "gates-quantity", label: "gate or state", options: [], onchange: (value) => ((name = value), show()) });
  const sorted = select({ id: "gates-order", label: "units in the order of", options: [["", "their numbers"],
    ...start.features.map((feature, n) => [n, `what follows ${feature}`])], onchange: () => show() });
  const loss = chart({ id: "gates-loss", label: "loss of the tiny network", x: "step", y: "bits a character" });
  const units = heatmap({ id: "gates-units", label: "units down, tokens across; click one", cell: 6, scale: "diverging",
    onpick: (row) => ((unit = order[row]), show()), describe: (row, column, value) => `unit ${order[row]}, ${answer.tokens[column]}: ${short(value, 3)}` });
  const title = el("h2", { id: "gates-unit" });
  const story = passage({ id: "gates-story" });
  const lines = chart({ id: "gates-lines", label: "the same as a curve, and the unit's state", x: "token", y: "value" });
  const found = bars({ id: "gates-follows", label: "its correlation with", show: (r) => short(r, 2) });
  const training = controls(steps, exported ? null : train);

  root.append(
    hint("A gate is a number between 0 and 1 for each unit and token: the forget gate f says how much of the cell stays, i how much is written, " +
      "o how much is shown. Some units follow something a person can name: a quotation, the place in a sentence. The networks that " +
      "are trained here have 64 units and learn toy stories for a few seconds; untrained they follow nothing but the last letters."),
    controls(source, layer, box), controls(quantity, sorted), training,
    el("div", { class: "columns" }, el("div", {}, units, loss), el("div", {}, title, story, lines, found)));

  const tried = (change) => go(change).catch(complain);
  const kept = (value) => [0, ...(frames[value]?.at(-1)?.kept ?? []).filter((n) => n)];

  async function go(change) {
    wanted = { ...wanted, ...change };
    training.hidden = !wanted.source.startsWith(start.live);
    const given = await read(wanted);
    if (!given) return;
    calm();
    answer = given;
    [values, follows] = [unpack(given.values), unpack(given.follows)];
    quantity.offer(given.quantities.map((one) => [one.name, one.title]));
    layer.offer(given.layers.map((text, n) => [n, text]));
    steps.offer(kept(wanted.source).map((n) => [n, n ? String(n) : "0, untrained"]));
    [layer.value, steps.value, name] = [wanted.layer, wanted.steps, quantity.value];
    unit = Math.min(unit, values.shape[2] - 1);
    show();
  }

  /** A stream of training: the gates are read again at each step that is kept. */
  async function run() {
    const mine = wanted.source;
    frames[mine] = [];
    await go({ steps: 0 });
    running = listen("gates/train", { source: mine }, (frame) => {
      const before = kept(mine).at(-1);
      frames[mine].push(frame);
      showLoss();
      if (kept(mine).at(-1) !== before && wanted.source === mine) tried({ steps: kept(mine).at(-1) });
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
  const column = (q, u) => answer.tokens.map((_, token) => at(q, token, u));

  function show() {
    const [, time, count] = values.shape, q = answer.quantities.findIndex((one) => one.name === name);
    const { title: called, share } = answer.quantities[q], feature = sorted.value;
    order = Array.from({ length: count }, (_, n) => n);
    if (feature !== "") order.sort((a, b) => Math.abs(r(q, Number(feature), b)) - Math.abs(r(q, Number(feature), a)));
    const table = Float32Array.from({ length: count * time }, (_, n) => at(q, n % time, order[Math.floor(n / time)]));
    const limit = Math.max(1e-9, ...column(q, unit).map(Math.abs));
    units.show(table, count, time, share ? 1 : undefined);
    units.mark([[order.indexOf(unit), 0, 1, time]]);
    title.textContent = `unit ${unit}: ${called}`;
    story.show(answer.tokens.map((text, token) => {
      const value = at(q, token, unit);
      return { text, share: Math.abs(value) / (share ? 1 : limit), sign: share ? 1 : Math.sign(value), title: short(value, 3) };
    }));
    const state = answer.quantities.findIndex((one) => one.name === (name === "c" || !answer.quantities.some((one) => one.name === "c") ? "h" : "c"));
    lines.show([...new Set([q, state])].map((n, i) => ({ name: answer.quantities[n].title, x: answer.tokens.map((_, token) => token + 1), y: column(n, unit), dashed: i === 1 })));
    found.show(start.features.map((text, n) => ({ name: text, value: r(q, n, unit) })), 1);
    showLoss();
  }

  await tried({ steps: kept(wanted.source).at(-1) });
}
