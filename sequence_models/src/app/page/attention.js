/* Attention maps: for each layer and head, how much each token takes from each other. */

import { ask, exported, latest, recorded, unpack } from "ask";
import { controls, select, textbox, toggle } from "controls";
import { calm, complain, el, hint, percent, say, short } from "dom";
import { heatmap } from "heatmap";
import { passage } from "passage";

const LABELLED = 7; // pixels of a cell from which on tokens fit beside it

export const attention = { id: "attention", title: "Attention", build };

async function build(root) {
  const start = await ask("attention/start");
  const held = recorded("attention/read"); // in a saved page
  const texts = exported ? [...new Set(held.map(({ text }) => text))] : start.texts;
  const there = start.checkpoints.filter(([name]) => !exported || held.some((one) => one.checkpoint === name));
  const read = latest((given) => ask("attention/read", given));
  const weigh = latest((given) => ask("attention/map", given));
  let text = { checkpoint: start.checkpoint, text: texts[0] ?? start.texts[0] };
  let answer = null, weights = null, map = null, aim = { number: 0, head: 0 }, number = 0, head = 0;
  let chosen = Infinity; // the last token

  const checkpoint = select({ id: "attention-checkpoint", label: "checkpoint", options: there,
    value: text.checkpoint, onchange: (name) => tried({ checkpoint: name }) });
  const box = textbox({ id: "attention-text", label: "text", value: text.text,
    oninput: (value) => ((offered.value = value), tried({ text: value })) });
  const offered = select({ id: "attention-texts", label: "or one of these",
    options: texts.map((one) => [one, `${one.slice(0, 24)}…`]),
    onchange: (value) => ((box.value = value), tried({ text: value })) });
  const layer = select({ id: "attention-layer", label: "layer", options: [],
    onchange: (value) => choose({ number: Number(value) }).catch(complain) });
  const heads = select({ id: "attention-head", label: "head", options: [],
    onchange: (value) => choose({ head: Number(value) }).catch(complain) });
  const turned = toggle({ id: "attention-turned", label: "who looks at it", onchange: showTexts });
  const overview = heatmap({ id: "attention-heads", cell: 26,
    label: "entropy of the heads: rows are layers, columns heads", describe: told,
    onpick: (row, column) => choose({ number: row, head: column }).catch(complain) });
  const figures = el("p", { id: "attention-figures", class: "hint" });
  const queries = passage({ id: "attention-queries", label: "the tokens that look", onpick: pick });
  const keys = passage({ id: "attention-keys", onpick: pick,
    label: "click a token: the colours say how much it takes from each, or each from it" });
  const readout = el("p", { id: "attention-readout", class: "mono" });
  const place = el("div", { id: "attention-place" });

  const shown = el("div", { class: "columns" }, el("div", {}, queries, keys, readout, overview, figures), place);

  root.append(
    hint("Each row of a map is a token that looks, each column one that is looked at; a row adds up to 1. " +
      "A head of low entropy looks at few tokens, one of high entropy at many."),
    controls(checkpoint, box, offered), controls(layer, heads, turned), shown);

  /** What is still seen after a fault is of the text and checkpoint before. */
  const tried = (change) => go(change).catch((fault) => (shown.classList.add("stale"), complain(fault)));

  /** Another text or checkpoint; one without attention stays chosen, and is told. */
  async function go(change) {
    const wanted = text = { ...text, ...change };
    const found = await read(wanted);
    if (!found) return;
    calm();
    answer = found;
    const seen = answer.tokens.text.length, cut = answer.left_out;
    say(cut ? `a long text: the model reads the last ${seen} of its ${seen + cut} tokens here` : "");
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
    shown.classList.remove("stale");
    showMap();
    showHeads();
    showTexts();
  }

  const side = (axis) => answer.tokens[answer.maps[number][axis]];
  const self = () => answer.maps[number].rows === answer.maps[number].columns;
  const weight = (row, column) => weights.values[(head * weights.time + row) * weights.total + column];

  function showHeads() {
    const maps = answer.maps, most = Math.max(...maps.map(({ entropy }) => entropy.length));
    const values = maps.flatMap(({ entropy }) => Array.from({ length: most }, (_, n) => entropy[n] ?? NaN));
    overview.show(Float32Array.from(values), maps.length, most, Math.log2(weights.total) || 1);
    overview.mark([[number, head]]);
    figures.textContent = told(number, head);
  }

  function told(row, column) {
    const { title, entropy, before, itself, first, distance } = answer.maps[row];
    const more = before ? `, itself ${percent(itself[column])}, the token before ${percent(before[column])}, ` +
      `${short(distance[column], 3)} tokens away` : "";
    return `${title}, head ${column + 1}: ${short(entropy[column], 3)} bits; ` +
      `looks at the first token ${percent(first[column])}${more}`;
  }

  /** The text, coloured by the chosen token's row of the map, or by its column. */
  function showTexts() {
    const [rows, columns] = [side("rows"), side("columns")], same = self(), back = turned.value && same;
    const seen = back ? rows.map((_, row) => weight(row, chosen)) : columns.map((_, column) => weight(chosen, column));
    const largest = Math.max(...seen) || 1;
    queries.hidden = same;
    if (!same) queries.show(rows.map((name, at) => ({ text: name, chosen: at === chosen })));
    keys.show(columns.map((name, at) => ({ text: name, share: seen[at] / largest, title: percent(seen[at]),
      chosen: same && at === chosen })));
    map.mark([back ? [0, chosen, weights.time, 1] : [chosen, 0, 1, weights.total]]);
    const best = seen.map((share, at) => [share, at]).sort((a, b) => b[0] - a[0]).slice(0, 5);
    const listed = best.filter(([share]) => share > 0).map(([share, at]) => `${columns[at]} (${at + 1}) ${percent(share)}`);
    readout.textContent = `${rows[chosen]} (token ${chosen + 1}) ${back ? "is looked at by" : "looks at"}: ${listed.join(", ")}`;
  }

  function pick(index) {
    if (index < weights.time) chosen = index;
    showTexts();
  }

  /** The heat map with its tokens along both axes. */
  function showMap() {
    const [rows, columns] = [side("rows"), side("columns")];
    const room = Math.max(200, Math.min(place.clientWidth || 480, 620) - 60);
    const cell = Math.max(3, Math.min(22, Math.floor(room / weights.total)));
    const under = el("output", { class: "readout", for: "attention-map" });
    const tell = (row, column) => {
      const share = percent(weight(row, column));
      under.textContent = `${rows[row]} (${row + 1}) takes ${share} from ${columns[column]} (${column + 1})`;
    };
    map = heatmap({ id: "attention-map", cell, onpick: pick, onpoint: tell });
    const above = labels(columns, "across", cell), beside = labels(rows, "down", cell), body = el("div", {}, map);
    above.style.maxWidth = body.style.maxWidth = `${cell * weights.total}px`;
    const canvas = map.querySelector("canvas");
    new ResizeObserver(() => (beside.style.height = `${canvas.clientHeight}px`)).observe(canvas);
    place.replaceChildren(
      el("p", { class: "hint" }, `${answer.maps[number].title}, head ${head + 1}: rows look, columns are looked at`),
      el("div", { class: "map" }, el("span"), above, beside, body), under);
    const size = weights.time * weights.total;
    map.show(weights.values.subarray(head * size, (head + 1) * size), weights.time, weights.total);
  }

  await tried({});
}

/** Tokens along one side of a map, where there is room for them. */
function labels(names, kind, cell) {
  const shown = cell < LABELLED ? [] : names.map((name) => el("span", {}, name.replaceAll("␣", " ")));
  const tall = kind === "across" && names.some((name) => name.length > 1) ? " tall" : "";
  const list = el("div", { class: `along ${kind}${tall}`, "aria-hidden": "true" }, shown);
  list.style.fontSize = `${Math.min(12, cell)}px`;
  return list;
}
