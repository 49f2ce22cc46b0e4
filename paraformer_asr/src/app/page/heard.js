/* What was heard: the transcript with its confidence, the sound, the picture, the files. */

import { exported } from "ask";
import { el, percent } from "dom";
import { shown } from "cif";
import { view } from "view";

const UNSURE = 0.6; // tokens below this confidence are dotted
const FILES = { text: ["text", "txt"], srt: ["srt", "srt"], vtt: ["vtt", "vtt"], verbose_json: ["json", "json"] };

/** `show(source, answer, seconds)`, `draft(text)` while one speaks, `clear()`. */
export function heard({ beside }) {
  const part = (tag, name, given, ...children) => el(tag, { id: `listen-${name}`, ...given }, ...children);
  const name = part("p", "name", { class: "hint" });
  const transcript = part("p", "transcript", { "aria-live": "polite" });
  const facts = part("p", "facts", { class: "hint" });
  const audio = part("audio", "player", { controls: true });
  const unpictured = part("p", "unpictured", { class: "hint" });
  const picture = view(audio);
  const rows = el("tbody");
  const heads = ["Token", "Start", "End", "Confidence"].map((text) => el("th", { class: text === "Token" ? null : "number" }, text));
  const times = part("details", "times", {}, el("summary", {}, "Tokens and their times"),
    el("table", {}, el("thead", {}, el("tr", {}, heads)), rows));
  const downloads = part("p", "downloads", { class: "hint" });
  const below = [audio, unpictured, picture, beside, times, downloads];
  const node = part("div", "result", { class: "card", hidden: true }, name, transcript, facts, ...below);

  node.clear = () => {
    audio.pause();
    node.hidden = true;
  };

  node.draft = (text) => {
    node.hidden = false;
    for (const one of below) one.hidden = true;
    name.textContent = facts.textContent = "";
    transcript.className = "draft";
    transcript.textContent = text || "…";
  };

  node.show = async (source, answer, seconds) => {
    const said = answer.transcript, tokens = said.words;
    sound(source, answer.wav);
    name.textContent = answer.spoken ? `${source.name} · what is said: ${answer.spoken}` : source.name;
    text(said.text, tokens);
    const sure = said.confidence === null ? "" : ` · confidence ${percent(said.confidence, 0)}`;
    const took = exported ? [] : [`answered in ${seconds.toFixed(2)} s`];
    facts.textContent = [`${said.duration.toFixed(2)} s of audio · ${tokens.length} tokens${sure}`,
      ...took, said.method, ...said.notes].join(" · ");
    unpictured.textContent = answer.unpictured ?? "";
    rows.replaceChildren(...tokens.map(row));
    downloads.replaceChildren("Download ", ...Object.keys(FILES).map((form) => file(form, answer.files[form])));
    for (const one of below) one.hidden = false;
    unpictured.hidden = !answer.unpictured;
    picture.hidden = beside.hidden = !answer.mel;
    node.hidden = false;
    if (!answer.mel) return;
    picture.show({ ...answer, tokens, seconds: said.duration });
    await beside.show(source.given);
  };

  /** The visitor's own file, or what the answer brings: an example, or noise in it. */
  function sound(source, wav) {
    const bytes = wav && Uint8Array.from(atob(wav), (letter) => letter.charCodeAt(0));
    URL.revokeObjectURL(audio.src);
    audio.src = URL.createObjectURL(bytes ? new Blob([bytes], { type: "audio/wav" }) : source.file);
  }

  function text(all, tokens) {
    transcript.className = all ? "" : "nothing";
    transcript.textContent = all || "Nothing was recognised.";
    if (!all) return;
    const spans = [];
    let from = 0; // tokens are shown as they stand in the text, spaces between them too
    for (const [i, { word, confidence, start }] of tokens.entries()) {
      const here = all.indexOf(word, from);
      if (here < 0) return;
      const title = `${start.toFixed(2)} s · confidence ${percent(confidence, 0)}`;
      const kind = confidence < UNSURE ? "unsure" : null;
      spans.push(all.slice(from, here), el("span", { title, class: kind, "data-token": i, onclick: () => picture.play(start) }, word));
      from = here + word.length;
    }
    transcript.replaceChildren(...spans, all.slice(from));
  }

  picture.addEventListener("token", ({ detail }) => transcript.querySelectorAll("span").forEach((span) =>
    span.classList.toggle("now", Number(span.dataset.token) === detail)));
  return node;
}

function row({ word, start, end, confidence }) {
  const numbers = [`${start.toFixed(2)} s`, `${end.toFixed(2)} s`, percent(confidence)];
  return el("tr", {}, el("td", {}, shown(word)), numbers.map((text) => el("td", { class: "number" }, text)));
}

function file(form, content) {
  const [label, ending] = FILES[form];
  const save = () => {
    const href = URL.createObjectURL(new Blob([content], { type: "text/plain" }));
    el("a", { href, download: `transcript.${ending}` }).click();
    URL.revokeObjectURL(href);
  };
  return el("button", { id: `listen-save-${ending}`, type: "button", onclick: save }, label);
}
