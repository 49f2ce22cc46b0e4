// The page: takes audio, asks the service, shows what it heard and how it came to that.

import { cumulated, draw, layout, shown, sized } from "./draw.js";
import { Recording } from "./record.js";
import { decodedHere } from "./wav.js";

const at = (id) => document.getElementById(id);
const state = { rate: 16000, file: null, picture: null, place: null, recording: null, asked: 0 };
const UNSURE = 0.6; // tokens below this confidence are dotted

async function greet() {
  at("curl").textContent = `curl -F file=@audio.wav -F response_format=srt ${location.origin}/v1/audio/transcriptions`;
  const answer = await fetch("/v1/models").catch(() => null);
  if (answer?.ok) {
    const [model] = (await answer.json()).data;
    state.rate = model.sample_rate;
    at("model").textContent = `model ${model.id} · ${model.sample_rate / 1000} kHz · sha256 ${model.sha256}`;
  } else {
    at("model").textContent = answer ? "the model is being loaded…" : "the service does not answer";
    setTimeout(greet, 1500);
  }
}

async function post(path, file, fields = {}, tries = 3) {
  const form = new FormData();
  form.append("file", file, "audio");
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const answer = await fetch(path, { method: "POST", body: form });
  if (answer.status === 503 && tries) {
    const wait = Number(answer.headers.get("retry-after") || 2);
    say(`the service is busy; trying again in ${wait} s`);
    await new Promise((done) => setTimeout(done, 1000 * wait));
    return post(path, file, fields, tries - 1);
  }
  if (answer.ok) return answer;
  const { detail } = await answer.json().catch(() => ({ detail: answer.statusText }));
  throw Object.assign(new Error(detail), { status: answer.status });
}

async function inspected(file) {
  try {
    return await (await post("/v1/audio/inspect", file)).json();
  } catch (error) {
    if (error.status !== 413) throw error;
    const fields = { response_format: "verbose_json", "timestamp_granularities[]": "word" };
    const transcript = await (await post("/v1/audio/transcriptions", file, fields)).json();
    return { transcript, unpictured: `Only text and times, no picture (${error.message}).` };
  }
}

async function transcribe(file, draft = false) {
  const turn = ++state.asked; // a slower earlier answer must not replace this one
  at("problem").hidden = true;
  if (!draft) clear();
  say(`listening to ${file.name}…`);
  const started = performance.now();
  try {
    let sent = file;
    const answer = await inspected(file).catch(async (error) => {
      if (error.status !== 415) throw error;
      sent = await decodedHere(file, state.rate).catch(() => Promise.reject(error));
      return inspected(sent);
    });
    if (turn === state.asked) show(answer, sent, file.name, (performance.now() - started) / 1000);
  } catch (error) {
    if (turn === state.asked) complain(`${file.name}: ${String(error.message || error).replace(/^the audio: /, "")}`);
  }
}

function clear() {
  at("player").pause();
  at("result").hidden = true;
  state.picture = null;
}

function show({ transcript, unpictured = "", ...picture }, file, name, took) {
  state.file = file;
  URL.revokeObjectURL(at("player").src);
  at("player").src = URL.createObjectURL(file);
  at("player").hidden = false;
  say("");
  at("name").textContent = name;
  at("unpictured").textContent = unpictured;
  at("unpictured").hidden = !unpictured;
  const tokens = transcript.words || [];
  showText(transcript.text, tokens);
  const sure = transcript.confidence === null ? "" : ` · confidence ${(100 * transcript.confidence).toFixed(0)} %`;
  const facts = `${transcript.duration.toFixed(2)} s of audio · ${tokens.length} tokens${sure} · answered in ${took.toFixed(2)} s · ${transcript.method}`;
  at("facts").textContent = [facts, ...transcript.notes].join(" · ");
  at("times").querySelector("tbody").replaceChildren(...tokens.map(row));
  at("times").hidden = at("downloads").hidden = false;
  at("result").hidden = false;
  at("picture").hidden = !picture.mel;
  state.picture = null;
  if (picture.mel) {
    const values = Uint8Array.from(atob(picture.mel.base64), (c) => c.charCodeAt(0));
    picture.mel.values = values;
    state.picture = { ...picture, tokens, seconds: transcript.duration, sums: cumulated(picture.alphas) };
    redraw();
  }
}

function showText(text, tokens) {
  const place = at("transcript");
  place.className = text ? "" : "nothing";
  place.textContent = text || "Nothing was recognised.";
  if (!text) return;
  const spans = [];
  let from = 0; // tokens are shown as they stand in the text, spaces between them too
  for (const [i, { word, confidence, start }] of tokens.entries()) {
    const here = text.indexOf(word, from);
    if (here < 0) return;
    const span = document.createElement("span");
    span.textContent = word;
    span.title = `${start.toFixed(2)} s · confidence ${(100 * confidence).toFixed(0)} %`;
    span.className = confidence < UNSURE ? "unsure" : "";
    span.dataset.token = i;
    span.onclick = () => play(start);
    spans.push(text.slice(from, here), span);
    from = here + word.length;
  }
  place.replaceChildren(...spans, text.slice(from));
}

function row({ word, start, end, confidence }) {
  const line = document.createElement("tr");
  const cells = [shown(word), `${start.toFixed(2)} s`, `${end.toFixed(2)} s`, `${(100 * confidence).toFixed(1)} %`];
  line.replaceChildren(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return line;
}

function redraw() {
  if (!state.picture) return;
  state.place = layout(state.picture, at("scroll").clientWidth);
  draw(at("cif"), state.picture, state.place);
  const words = state.picture.tokens.map(({ word, end }) => `${shown(word)} until ${end.toFixed(2)} s`);
  at("cif").setAttribute("aria-label", `log-mel, weights and their sum; tokens: ${words.join(", ") || "none"}`);
  cursor();
}

function cursor(pointed = null) {
  const place = state.place, pen = sized(at("cursor"), place);
  const line = (time, colour, wide) => {
    pen.fillStyle = colour;
    pen.fillRect(place.x(time) - wide / 2, place.rows.mel.top, wide, place.rows.tokens.bottom - place.rows.mel.top);
  };
  const style = getComputedStyle(document.documentElement);
  const now = at("player").currentTime;
  if (now > 0) line(now, style.getPropertyValue("--ink"), 2);
  if (pointed !== null) line(pointed, style.getPropertyValue("--quiet"), 1);
}

function point(event) {
  const { picture, place } = state;
  const time = place.time(event.offsetX);
  const frame = Math.min(picture.alphas.length - 1, Math.floor(time / picture.alpha_s));
  const token = picture.tokens.find(({ start, end }) => start <= time && time < end);
  const alpha = frame < 0 ? "" : ` · α ${picture.alphas[frame].toFixed(2)} · S ${picture.sums[frame + 1].toFixed(2)}`;
  at("readout").textContent = `${time.toFixed(2)} s${alpha}${token ? ` · ${shown(token.word)}` : ""}`;
  cursor(time);
}

function follow() {
  const time = at("player").currentTime;
  const now = state.picture?.tokens.findIndex(({ start, end }) => start <= time && time < end) ?? -1;
  document.querySelectorAll("#transcript span").forEach((span) => span.classList.toggle("now", !at("player").paused && Number(span.dataset.token) === now));
  if (state.picture) cursor();
  if (!at("player").paused) requestAnimationFrame(follow);
}

function play(time) {
  at("player").currentTime = time;
  at("player").play().catch(() => {});
}

async function toggleRecording() {
  if (state.recording) return finishRecording();
  at("problem").hidden = true;
  say("asking for the microphone…");
  const recording = new Recording(state.rate, hear, finishRecording);
  at("record").disabled = true; // a second click would open the microphone twice
  try {
    await recording.start();
  } catch (error) {
    return complain(`the microphone cannot be used: ${error.message}`);
  } finally {
    at("record").disabled = false;
  }
  state.recording = recording;
  at("record").classList.add("on");
  at("record-label").textContent = "Stop";
  hear("");
  recording.clock = setInterval(() => say(["recording", `${recording.seconds.toFixed(1)} s`, recording.note].filter(Boolean).join(" · ")), 100);
}

async function finishRecording() {
  const recording = state.recording;
  if (!recording) return;
  state.recording = null;
  clearInterval(recording.clock);
  at("record").classList.remove("on");
  at("record-label").textContent = "Record";
  transcribe(await recording.stop(), true);
}

function hear(text) {
  at("result").hidden = false;
  for (const id of ["player", "unpictured", "picture", "times", "downloads"]) at(id).hidden = true;
  at("name").textContent = at("facts").textContent = "";
  at("transcript").className = "draft";
  at("transcript").textContent = text || "…";
}

async function download(format) {
  try {
    const fields = { response_format: format, "timestamp_granularities[]": "word" };
    const body = await (await post("/v1/audio/transcriptions", state.file, fields)).blob();
    const ending = { text: "txt", verbose_json: "json" }[format] || format;
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(body), download: `transcript.${ending}` });
    link.click();
    URL.revokeObjectURL(link.href);
    say("");
  } catch (error) {
    complain(error.message);
  }
}

function say(text) {
  at("status").textContent = text;
}

function complain(text) {
  say("");
  at("problem").textContent = text;
  at("problem").hidden = false;
}

at("file").onchange = ({ target }) => target.files[0] && transcribe(target.files[0]);
at("file").onclick = ({ target }) => (target.value = ""); // the same file may be chosen again
document.ondragover = (event) => (event.preventDefault(), at("drop").classList.add("over"));
document.ondragleave = () => at("drop").classList.remove("over");
document.ondrop = (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  if (event.dataTransfer.files[0]) transcribe(event.dataTransfer.files[0]);
};
at("record").onclick = toggleRecording;
at("player").onplay = at("player").onseeked = follow;
at("cursor").onmousemove = point;
at("cursor").onmouseleave = () => cursor();
at("cursor").onclick = ({ offsetX }) => play(state.place.time(offsetX));
at("downloads").onclick = ({ target }) => target.dataset.format && download(target.dataset.format);
window.onresize = redraw;
matchMedia("(prefers-color-scheme: dark)").onchange = redraw;
greet();
