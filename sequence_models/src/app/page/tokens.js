/* Tokenizers: one text as several of them cut it, and byte pairs joined merge by merge. */

import { ask, exported, upload } from "ask";
import { button, controls, picker, select, slider, textbox } from "controls";
import { byId, calm, complain, el, hint, say, short } from "dom";
import { open } from "encode";
import { merging } from "merging";
import { spread, strip } from "strip";

const LONGEST = 20000; // characters that are cut at each key

export const tokens = { id: "tokens", title: "Tokenizers", build };

async function build(root) {
  const start = await ask("tokens/start");
  const list = el("div", { id: "tokens-list" });
  const detail = el(
    "output",
    { id: "tokens-detail", class: "readout mono" },
    "Point at a token, or go along a text with the arrow keys.",
  );
  const rows = [];
  const steps = merging(() => text.value.slice(0, LONGEST));
  const text = textbox({
    id: "tokens-text",
    label: "your text",
    value: start.examples[0][1],
    multiline: true,
    oninput: () => ((example.value = ""), show()),
  });
  const example = select({
    id: "tokens-example",
    label: "or one of these",
    options: start.examples.map(([name], i) => [i, name]),
    onchange: (i) => ((text.value = start.examples[i][1]), show()),
  });

  function add(given, id) {
    const row = rowOf(given, id, (index) => {
      const { start: from, end } = row.tokens[index];
      detail.textContent = `${given.name}: ${row.tokens[index].title()}`;
      for (const one of rows) one.strip.mark(from, end);
    });
    const before = rows.findIndex((one) => one.strip.id === row.strip.id);
    if (before < 0) rows.push(row);
    else rows.splice(before, 1, row)[0].node.remove();
    list.append(row.node);
    if (row.tokenizer.merges.length) steps.offer(row);
  }

  function show() {
    calm();
    if (text.value.length > LONGEST)
      complain(`only the first ${short(LONGEST)} characters are cut; the text is longer`);
    const cut = text.value.slice(0, LONGEST);
    for (const row of rows) row.show(cut);
    steps.show();
  }

  start.tokenizers.forEach((given, i) => add(given, i));
  root.append(
    hint(
      "A model does not see letters: it sees ids. Type something; each tokenizer cuts it as you type. Byte " +
        "pairs begin with bytes and join the pair that was commonest in the stories, again and again: a text " +
        "unlike the stories falls to pieces.",
    ),
    controls(text, example),
    el("div", { class: "sticky" }, detail),
    list,
    steps,
    learning(start, (given) => (add(given, "own"), show())),
  );
  show();
}

/** A tokenizer with its name, its figures and the text in its tokens. */
function rowOf({ name, note, size, values }, id, onpoint) {
  const tokenizer = open(values);
  const figures = el("span", { class: "figures", id: `tokens-figures-${id}` });
  const line = strip({ id: `tokens-strip-${id}`, label: `the text in tokens of ${name}`, onpoint });
  const fault = el("p", { class: "hint", hidden: true });
  const about = note.startsWith("kind") ? `${note}, ${short(size)} ids` : note;
  const node = el("article", {}, el("h2", {}, name, " ", el("small", {}, about)), figures, line, fault);
  const row = { name, tokenizer, node, strip: line, tokens: [] };
  row.show = (text) => {
    let ids = null;
    try {
      ({ ids } = tokenizer.encode(text));
      fault.textContent = "";
    } catch (error) {
      fault.textContent = `It cannot read this: ${error.message}.`;
    }
    fault.hidden = ids !== null;
    row.tokens = ids ? spread(tokenizer, ids) : [];
    line.show(row.tokens);
    figures.textContent = ids ? counts(tokenizer, ids, text) : "";
  };
  return row;
}

/** `12 tokens, 2.80 bytes a token, comes back whole`. */
function counts(tokenizer, ids, text) {
  const size = new TextEncoder().encode(text).length;
  const back = new TextDecoder("utf-8", { ignoreBOM: true }).decode(joined(tokenizer.pieces(ids)));
  const rate = ids.length ? `, ${(size / ids.length).toFixed(2)} bytes a token` : "";
  const whole = back === text ? "round trip ✓" : "round trip ✗: what comes back differs";
  return `${short(ids.length)} token${ids.length === 1 ? "" : "s"}${rate}, ${whole}`;
}

function joined(pieces) {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Byte pairs from the visitor's own text. */
function learning({ least, most }, onlearnt) {
  const within = (n) => Math.min(n, most); // the slider rounds to three digits
  const size = slider({
    id: "tokens-size",
    label: "ids, bytes included",
    min: least,
    max: most,
    value: 512,
    step: 64,
    log: true,
    show: (n) => short(within(n)),
  });
  const split = select({
    id: "tokens-split",
    label: "no token crosses",
    options: [
      ["gpt4", "GPT-4's chunks"],
      ["gpt2", "GPT-2's chunks"],
    ],
  });
  async function learn(given) {
    calm();
    say("learning…");
    const found = await ask("tokens/learn", { vocab_size: within(size.value), split: split.value, ...given });
    say(found.note);
    onlearnt(found);
  }
  const typed = button({
    id: "tokens-learn",
    label: "learn from the text above",
    onclick: () => learn({ text: byId("tokens-text").value }),
  });
  const file = picker({
    id: "tokens-file",
    label: "or from a text file",
    accept: ".txt,text/plain",
    onfile: async (chosen) => learn({ file: await upload(chosen) }),
  });
  const title = el("h2", {}, "Learn your own");
  if (exported)
    return el("article", {}, title, hint("A saved page has no server to learn with: start `scripts/app.py`."));
  const about = "Byte pairs learnt from the text above, or from a text file; the tokenizer joins the list.";
  return el("article", {}, title, hint(about), controls(size, split, typed, file));
}
