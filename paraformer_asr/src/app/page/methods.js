/* CTC, all tokens at once, one after the other: texts under each other, with their times. */

import { ask, exported, latest, recorded } from "ask";
import { controls, select, textbox } from "controls";
import { calm, complain, el, hint, percent, say } from "dom";
import { shown } from "cif";

const NAMES = { ctc: "CTC", nar: "NAR", ar: "AR", spoken: "said" };
const UNSURE = 0.6;
const PAUSE = 300; // milliseconds of not typing, after which hot words are asked for

/** `show(given)` asks for the methods of a sound and draws them. */
export function methods({ offers }) {
  let sound = null, clock;
  const compare = latest((given) => ask("listen/methods", given));
  const widths = exported ? [...new Set(recorded("listen/methods").map(({ width }) => width))] : offers.widths;
  const width = select({ id: "listen-width", label: "search", onchange: again,
    options: widths.map((n) => [n, n ? `beam of ${n}` : "greedy"]) });
  const hotwords = textbox({ id: "listen-hotwords", label: "hot words, searched for by a beam",
    oninput: () => (clearTimeout(clock), (clock = setTimeout(again, PAUSE))) });
  const texts = el("table", { id: "listen-texts", class: "texts" });
  const numbers = el("table", { id: "listen-numbers", class: "times" });
  const missing = el("div", { id: "listen-missing" });
  const node = el("section", { id: "listen-methods", "aria-label": "Methods side by side" },
    el("h2", {}, "Three ways to say it"), controls(width, exported ? null : hotwords),
    el("div", { class: "scroll" }, texts), el("div", { class: "scroll" }, numbers), missing,
    hint(`CPU time of the thread that computes, in the fastest of a few runs${exported ? " when this page was saved" : ""}. The encoder runs once for all methods of a checkpoint. Behind it CTC takes the likeliest token of each frame, NAR names all tokens in one pass, AR runs its decoder once for each token.`));

  function again() {
    if (sound) node.show(sound).then(calm, complain);
  }

  node.show = async (given) => {
    if (given !== sound) node.classList.add("stale"); // what stands there is of another sound
    sound = given;
    say("comparing the methods…");
    const answer = await compare({ ...given, width: Number(width.value), hotwords: hotwords.value.trim() });
    if (!answer) return;
    say("");
    node.classList.remove("stale");
    texts.replaceChildren(el("tbody", {}, answer.rows.map(line)));
    const rows = answer.rows.filter(({ family }) => family !== "spoken");
    const most = Math.max(...rows.map(total));
    const known = rows.some(({ errors }) => errors != null);
    const heads = ["", "Confidence", known && "Errors", "Encoder", "Decoder"].filter((text) => text !== false);
    numbers.replaceChildren(
      el("thead", {}, el("tr", {}, heads.map((text) => el("th", { class: `number ${text.toLowerCase()}` }, text)))),
      ...rows.map((row) => figures(row, most, known, heads.length)));
    missing.replaceChildren(...answer.missing.map(({ family, why }) => el("p", { class: "hint" }, el("b", {}, NAMES[family]), `: ${why}`)));
    node.dataset.width = width.value;
  };
  return node;
}

const total = ({ encoder_ms, decoder_ms }) => encoder_ms + decoder_ms;

/** A text, a cell a token; what differs from the first row is marked. */
function line({ family, cells }) {
  return el("tr", { "data-family": family }, el("th", { scope: "row" }, NAMES[family]),
    cells.map(({ token, same, confidence }) => {
      const kind = [!same && "differs", confidence !== null && confidence < UNSURE && "unsure"].filter(Boolean).join(" ");
      const title = confidence === null ? null : `confidence ${percent(confidence, 0)}`;
      return el("td", { class: kind || null, title }, token === null ? "·" : shown(token));
    }));
}

/** Two lines of the table: the numbers, and under them both times as one bar. */
function figures(row, most, known, width) {
  const { family, what, method, model, confidence, errors, encoder_ms, decoder_ms } = row;
  const number = (name, text) => el("td", { class: "number", "data-name": name }, text);
  const bar = (kind, ms) => {
    const one = el("span", { class: kind });
    one.style.width = `${(100 * ms) / most}%`;
    return one;
  };
  return el("tbody", { "data-family": family },
    el("tr", {}, el("th", { scope: "row" }, NAMES[family]),
      number("confidence", percent(confidence)), known ? number("errors", String(errors)) : null,
      number("encoder", `${encoder_ms.toFixed(1)} ms`), number("decoder", `${decoder_ms.toFixed(1)} ms`)),
    el("tr", {}, el("td", { colspan: width },
      el("span", { class: "stack", "aria-hidden": "true" }, bar("encoder", encoder_ms), bar("decoder", decoder_ms)),
      el("small", {}, `${what} · ${method} of ${model}`))));
}
