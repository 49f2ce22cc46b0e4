/* The next token: what the model thinks, and what temperature and filters leave of it. */

import { ask, exported, latest, recorded, unpack } from "ask";
import { bars } from "bars";
import { chart } from "chart";
import { button, controls, select, slider, textbox } from "controls";
import { calm, complain, el, hint, percent, say, short } from "dom";
import { draw, entropy, PLAIN, sample, softmax } from "filters";
import { passage } from "passage";

const TOP = 40;
const RANKS = 400; // that the curves show
const MOST_K = 400;
const FULL = 8; // bits of surprise that have the full colour
const TITLES = { no_repeat_ngram: "no repeated n-gram", top_k: "top-k", top_p: "top-p", min_p: "min-p" };

export const sampler = { id: "sampler", title: "Sampler", build };

async function build(root) {
  const start = await ask("sampler/start");
  const next = latest((given) => ask("sampler/next", given));
  const held = new Set(recorded("sampler/next").map((given) => given.checkpoint)); // in a saved page
  const there = start.checkpoints.filter(([name]) => !exported || held.has(name));
  const vocabularies = new Map();
  const settings = { ...PLAIN };
  let text = { checkpoint: start.checkpoint, prompt: start.prompts[0] ?? "", appended: [] };
  let logits = null, answer = null, names = [];
  let drawing = Promise.resolve(); // one draw after the other: each goes on from the text of the one before

  const checkpoint = select({ id: "sampler-checkpoint", label: "checkpoint", options: there,
    value: start.checkpoint, onchange: (name) => tried({ checkpoint: name, appended: [] }) });
  const prompt = textbox({ id: "sampler-prompt", label: "prompt", value: text.prompt,
    oninput: (value) => ((offered.value = value), tried({ prompt: value, appended: [] })) });
  const offered = select({ id: "sampler-prompts", label: "or one of these",
    options: start.prompts.map((one) => [one, one || "(nothing)"]), value: text.prompt,
    onchange: (value) => ((prompt.value = value), tried({ prompt: value, appended: [] })) });
  const knob = (id, label, range) => slider({ id: `sampler-${id}`, label, value: settings[id], ...range,
    oninput: (value) => ((settings[id] = value), show()) });
  const knobs = {
    repetition_penalty: knob("repetition_penalty", "repetition penalty", { min: 1, max: 2, step: 0.05 }),
    no_repeat_ngram: knob("no_repeat_ngram", "no repeated n-gram",
      { min: 0, max: 8, show: (n) => (n ? `n = ${n}` : "off") }),
    temperature: knob("temperature", "temperature",
      { min: 0, max: 3, step: 0.05, show: (t) => (t ? short(t) : "0, greedy") }),
    top_k: knob("top_k", "top-k", { min: 0, max: 100, show: (k) => (k ? short(k) : "all") }),
    top_p: knob("top_p", "top-p",
      { min: 0.01, max: 1, step: 0.01, show: (p) => (p < 1 ? p.toFixed(2) : "all") }),
    min_p: knob("min_p", "min-p", { min: 0, max: 1, step: 0.01, show: (p) => (p ? p.toFixed(2) : "off") }),
  };
  const reset = button({ id: "sampler-reset", label: "all off", onclick: () => {
    Object.assign(settings, PLAIN);
    for (const [id, node] of Object.entries(knobs)) node.value = PLAIN[id];
    show();
  } });
  const seed = slider({ id: "sampler-seed", label: "seed", min: 0, value: 0,
    max: Object.keys(start.uniforms).length - 1 });
  const count = slider({ id: "sampler-count", label: "tokens", min: 1, max: start.most, value: 40 });
  const story = passage({ id: "sampler-text", onpick: goBack,
    label: "the text so far, coloured by surprise; click a token to go back to it" });
  const figures = el("p", { id: "sampler-figures", class: "mono" });
  const list = bars({ id: "sampler-bars", show: (p) => percent(p, 2),
    label: `the ${TOP} likeliest next tokens: click one to append it`,
    onpick: (row) => tried({ appended: [...text.appended, row.id] }) });
  const cutList = el("ol", { id: "sampler-cuts", class: "cuts" });
  const ranks = chart({ id: "sampler-ranks", label: "probability by rank, and where each cut falls",
    x: "rank", y: "probability", log: true });

  const shown = el("div", {}, figures, cutList, el("div", { class: "columns" }, list, ranks));
  const stale = (yes) => [story, shown].forEach((node) => node.classList.toggle("stale", yes));

  root.append(
    hint("The model gives every token of its vocabulary a logit. Penalties lower some, temperature divides all, " +
      "and filters remove tokens, in the order of `src/generation/sampling.py`: repetition penalty, no repeated " +
      "n-gram, temperature, top-k, top-p, min-p."),
    exported ? hint("A saved page goes on along the likeliest tokens only, a few deep.") : "",
    controls(checkpoint, prompt, offered), story,
    controls(
      button({ id: "sampler-undo", label: "undo", onclick: () => tried({ appended: text.appended.slice(0, -1) }) }),
      button({ id: "sampler-one", label: "draw one", onclick: () => write(1) }), seed,
      button({ id: "sampler-write", label: "write on", onclick: () => write(count.value) }), count),
    controls(...Object.values(knobs), reset), shown);

  const tried = (change) => go(change).catch(complain);

  /** The text changed: ask for its logits. Tokens that cannot be appended are not; what is in the box counts. */
  async function go(change) {
    const before = text, wanted = (text = { ...text, ...change }), name = wanted.checkpoint;
    let found;
    try {
      if (!vocabularies.has(name)) vocabularies.set(name, await ask("sampler/vocabulary", { checkpoint: name }));
      found = await next(wanted);
    } catch (fault) {
      if (!change.appended?.length) stale(true);
      else if (text === wanted) text = before;
      throw fault;
    }
    if (!found) return;
    calm();
    stale(false);
    const { ids, start: first } = found;
    say(first ? `longer than the context: the model sees the last ${ids.length - first} of ${ids.length} tokens` : "");
    [answer, names] = [found, vocabularies.get(name).names];
    logits = unpack(found.logits).values;
    knobs.top_k.limits(0, Math.min(names.length, MOST_K));
    showText();
    show();
  }

  function write(tokens) {
    const one = () => (exported ? writeAlone(tokens) : writeOn(tokens));
    return (drawing = drawing.then(one, one));
  }

  async function writeOn(tokens) {
    const from = text, drawnWith = seed.value;
    const drawn = await ask("sampler/draw", { ...from, ...settings, count: tokens, seed: drawnWith });
    if (text !== from) return; // it was changed meanwhile
    await go({ appended: [...from.appended, ...drawn.tokens] });
    told(drawn.tokens, unpack(drawn.uniforms).values[0], drawnWith);
  }

  /** Without a server: the same numbers, the same arithmetic, while the logits are here. */
  async function writeAlone(tokens) {
    for (let n = 0; n < tokens; n++) {
      const uniform = start.uniforms[seed.value][text.appended.length];
      const token = draw(sample(logits, answer.ids, settings).shares, uniform);
      await go({ appended: [...text.appended, token] });
      told([token], uniform, seed.value);
      if (vocabularies.get(text.checkpoint).ends.includes(token)) return;
    }
  }

  const told = (tokens, uniform, from) => say(tokens.length === 1
    ? `drew “${names[tokens[0]]}” with the number ${short(uniform)} of seed ${from}`
    : `drew ${tokens.length} tokens with seed ${from}`);

  /** A token of the prompt takes back all that was appended. */
  function goBack(index) {
    tried({ appended: text.appended.slice(0, Math.max(0, index - answer.typed + 1)) });
  }

  function showText() {
    story.show(answer.ids.map((id, index) => ({
      text: names[id], share: (answer.bits[index] ?? 0) / FULL, sign: 1,
      faint: index < answer.start, chosen: index >= answer.typed,
      title: index < answer.start ? "outside of what the model sees" : `${short(answer.bits[index], 3)} bits`,
    })));
  }

  /** What the sliders make of the logits: computed here, no answer is awaited. */
  function show() {
    if (!logits) return;
    const now = sample(logits, answer.ids, settings), model = softmax(logits);
    const left = now.shares.reduce((sum, share) => sum + (share > 0), 0);
    const [before, tempered, after] = [model, now.tempered, now.shares].map((one) => entropy(one).toFixed(3));
    figures.textContent = `entropy: model ${before} bits, tempered ${tempered}, after the cuts ${after}; ` +
      `${left} of ${names.length} tokens left`;
    list.show([...now.order.subarray(0, TOP)].map((id) => {
      const by = now.cutBy[id] ?? (now.shares[id] > 0 ? null : "temperature");
      const changed = Math.abs(model[id] - now.shares[id]) > 5e-5;
      return { id, name: names[id], value: by ? now.tempered[id] : now.shares[id], faint: by !== null,
        note: by ? `cut by ${TITLES[by] ?? by}` : changed && `model ${percent(model[id], 2)}` };
    }), now.shares.reduce((most, one) => Math.max(most, one), 0));
    cutList.replaceChildren(...now.cuts.map((cut) => el("li", { "data-filter": cut.name }, sentence(cut))));
    showRanks(now, model);
  }

  const sentence = ({ name, kept, removed, mass, last, first }) => !removed
    ? `${TITLES[name]} cuts nothing`
    : `${TITLES[name]} keeps ${kept}, down to “${names[last]}”, and cuts ${removed} that held ${percent(mass)}, ` +
      `from “${names[first]}” on`;

  function showRanks({ order, tempered, shares, cuts }, model) {
    const line = (name, values, dashed) => {
      const seen = [...order.subarray(0, RANKS)].map((id, rank) => [rank + 1, values[id]])
        .filter(([, value]) => value > 1e-9);
      return { name, x: seen.map(([rank]) => rank), y: seen.map(([, value]) => value), dashed };
    };
    const seen = ({ name, removed, kept }) => removed && name !== "no_repeat_ngram" && kept < RANKS;
    const uprights = cuts.filter(seen).map(({ name, last }) => (
      { at: order.indexOf(last) + 1, text: `${TITLES[name]}: ${names[last]}` }));
    ranks.show([line("model", model, true), line("tempered", tempered), line("left", shares)], uprights);
  }

  await tried({});
}
