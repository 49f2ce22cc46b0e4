/* Attention maps: for each layer and head, how much each token takes from each other. */

import { ask, latest, recorded, exported, unpack } from "ask";
import { controls, select, textbox, toggle } from "controls";
import { calm, complain, el, hint, percent, short } from "dom";
import { heatmap } from "heatmap";
import { passage } from "passage";

const LABELLED = 7; // pixels of a cell from which on tokens fit beside it

export const attention = { id: "attention", title: "Attention", build };

async function build(root) {
  const start = await ask("attention/start");
  const texts = exported ? [...new Set(recorded("attention/read").map(({ text }) => text))] : start.texts;
  const read = latest((given) => ask("attention/read", given));
  const weigh = latest((given) => ask("attention/map", given));
  let text = { checkpoint: start.checkpoint, text: texts[0] ?? start.texts[0] };
  let answer = null, weights = null, map = null, aim = { number: 0, head: 0 }, number = 0, head = 0;
  let chosen = Infinity; // the last token

  const checkpoint = select({ id: "attention-checkpoint", label: "checkpoint", options: start.checkpoints, value: text.checkpoint,
    onchange: (name) => tried({ checkpoint: name }) });
  const box = textbox({ id: "attention-text", label: "text", value: text.text, oninput: (value) => tried({ text: value }) });
  const offered = select({ id: "attention-texts", label: "or one of these", options: texts.map((one) => [one, `${one.slice(0, 24)}…`]),
    onchange: (value) => ((box.value = value), tried({ text: value })) });
  const layer = select({ id: "attention-layer", label: "layer", options: [], onchange: (value) => choose({ number: Number(value) }).catch(complain) });
  const heads = select({ id: "attention-head", label: "head", options: [], onchange: (value) => choose({ head: Number(value) }).catch(complain) });
  const turned = toggle({ id: "attention-turned", label: "who looks at it", onchange: show });
  const overview = heatmap({ id: "attention-heads", label: "entropy of the heads: rows are layers, columns heads", cell: 26,
    onpick: (row, column) => choose({ number: row, head: column }).catch(complain), describe: told });
  const figures = el("p", { id: "attention-figures", class: "hint" });
  const queries = passage({ id: "attention-queries", label: "the tokens that look", onpick: pick });
  const keys = passage({ id: "attention-keys", label: "click a token: its colour says how much the chosen one takes from it", onpick: pick });
  const readout = el("p", { id: "attention-readout", class: "mono" });
  const place = el("div", { id: "attention-place" });

  root.append(
    hint("Each row of a map is a token that looks, each column one that is looked at; a row adds up to 1. A head of low entropy looks at " +
      "few tokens, one of high entropy at many."),
    controls(checkpoint, box, offered), controls(layer, heads, turned),
    el("div", { class: "columns" }, el("div", {}, queries, keys, readout, overview, figures), place));

  const tried = (change) => go(change).catch(complain);

  async function go(change) {
    const wanted = { ...text, ...change };
    text = wanted;
    const found = await read(wanted);
    if (!found) return;
    calm();
    answer = found;
    layer.offer(answer.maps.map(({ title }, n) => [n, title]));
    await choose({ number: Math.min(aim.number, answer.maps.length - 1) });
  }

  async function choose(change) {
    aim = { ...aim, ...change };
    const found = await weigh({ ...text, number: aim.number });
    if (!found) return;
    const { values, shape } = unpack(found.weights);
    weights = { values, heads: shape[0], time: shape[1], total: shape[2] };
    [number, head] = [aim.number, Math.min(aim.head, weights.heads - 1)];
    chosen = Math.min(chosen, weights.time - 1);
    heads.offer(answer.maps[number].entropy.map((_, n) => [n, `head ${n + 1}`]));
    [layer.value, heads.value] = [number, head];
    showMap();
    show();
  }

  const side = (axis) => answer.tokens[answer.maps[number][axis]];
  const weight = (row, column) => weights.values[(head * weights.time + row) * weights.total + column];

  /** Everything but the map itself, which `showMap` draws when it is another one. */
  function show() {
    const maps = answer.maps, most = Math.max(...maps.map(({ entropy }) => entropy.length));
    const values = maps.flatMap(({ entropy }) => Array.from({ length: most }, (_, n) => entropy[n] ?? NaN));
    overview.show(Float32Array.from(values), maps.length, most, Math.log2(weights.total) || 1);
    overview.mark([[number, head]]);
    figures.textContent = told(number, head);
    showTexts();
  }

  function told(row, column) {
    const { title, entropy, before, itself, first, distance } = answer.maps[row];
    const more = before ? `, itself ${percent(itself[column])}, the token before ${percent(before[column])}, ${short(distance[column], 3)} tokens away` : "";
    return `${title}, head ${column + 1}: ${short(entropy[column], 3)} bits; looks at the first token ${percent(first[column])}${more}`;
  }

  function showTexts() {
    const [rows, columns] = [side("rows"), side("columns")], same = answer.maps[number].rows === answer.maps[number].columns;
    const seen = turned.value && same
      ? rows.map((_, row) => weight(row, chosen)) : columns.map((_, column) => weight(chosen, column));
    const largest = Math.max(...seen) || 1;
    queries.hidden = same;
    if (!same) queries.show(rows.map((name, at) => ({ text: name, chosen: at === chosen })));
    keys.show(columns.map((name, at) => ({ text: name, share: seen[at] / largest, chosen: same && at === chosen, title: percent(seen[at]) })));
    const best = seen.map((share, at) => [share, at]).sort((a, b) => b[0] - a[0]).slice(0, 5).filter(([share]) => share > 0);
    map.mark([turned.value && same ? [0, chosen, weights.time, 1] : [chosen, 0, 1, weights.total]]);
    readout.textContent = `${rows[chosen]} (token ${chosen + 1}) ${turned.value && same ? "is looked at by" : "looks at"}: ` +
      best.map(([share, at]) => `${(turned.value && same ? rows : columns)[at]} (${at + 1}) ${percent(share)}`).join(", ");
  }

  function pick(index) {
    if (answer.maps[number].rows === answer.maps[number].columns || index < weights.time) chosen = Math.min(index, weights.time - 1);
    showTexts();
  }

  /** The heat map with its tokens along both axes. */
  function showMap() {
    const [rows, columns] = [side("rows"), side("columns")];
    const room = Math.max(200, Math.min(place.clientWidth || 480, 620) - 60);
    const cell = Math.max(3, Math.min(22, Math.floor(room / weights.total)));
    map = heatmap({ id: "attention-map", cell, onpick: (row) => pick(row), onpoint: tell,
      describe: (row, column, value) => `${rows[row]} to ${columns[column]}: ${percent(value)}` });
    const under = el("output", { class: "readout", for: "attention-map" });
    function tell(row, column) {
      under.textContent = `${rows[row]} (${row + 1}) takes ${percent(weight(row, column))} from ${columns[column]} (${column + 1})`;
    }
    const labels = (names, kind) => {
      const list = el("div", { class: `along ${kind}`, "aria-hidden": "true" }, cell < LABELLED ? [] : names.map((name) => el("span", {}, name.replaceAll("␣", " "))));
      list.style.fontSize = `${Math.min(12, cell)}px`;
      return list;
    };
    const above = labels(columns, "across"), beside = labels(rows, "down"), body = el("div", {}, map);
    above.style.maxWidth = body.style.maxWidth = `${cell * weights.total}px`;
    place.replaceChildren(
      el("p", { class: "hint" }, `${answer.maps[number].title}, head ${head + 1}: rows look, columns are looked at`),
      el("div", { class: "map" }, el("span"), above, beside, body), under);
    const canvas = map.querySelector("canvas");
    new ResizeObserver(() => (beside.style.height = `${canvas.clientHeight}px`)).observe(canvas);
    const size = weights.time * weights.total;
    map.show(weights.values.subarray(head * size, (head + 1) * size), weights.time, weights.total);
  }

  await tried({});
}
