/* The picture of integrate-and-fire with a cursor that follows the sound and the pointer. */

import { colour, el, onTheme, whenSeen } from "dom";
import { cumulated, draw, layout, shown, sized } from "cif";
import { likeliest } from "spikes";

/** `show(picture)` draws; `play(time)` plays from there. Says in "token" which is spoken. */
export function view(audio) {
  let picture = null, place = null, pointed = null, pen = null, next = 0;
  const canvas = el("canvas", { id: "listen-cif", role: "img" });
  const cursor = el("canvas", { id: "listen-cursor", tabindex: 0, role: "img", "aria-label": "cursor: arrows move it, Enter plays from there" });
  const readout = el("output", { id: "listen-readout", class: "readout" });
  const scroll = el("div", { class: "scroll over" }, canvas, cursor);
  const word = (kind, text) => el("b", { class: kind }, text);
  const node = el("figure", { id: "listen-picture" }, scroll, el("figcaption", {},
    el("p", {}, readout),
    el("p", {}, "Each encoder frame gives a weight ", word("alpha", "α"), ". The weights are summed up (", word("sum", "S"),
      "), and each time the sum passes a whole number ", word("fire", "a token is complete"),
      ": it owns the weight since the one before. The boxes show where that weight lies, so they leave silence out."),
    el("p", {}, "CTC: what its head gives each token at each frame, the blank dotted. A token is a spike; how long it lasts, CTC does not say.")));

  node.show = (heard) => {
    picture = { ...heard, mel: unpacked(heard.mel), ctc: heard.ctc && unpacked(heard.ctc), sums: cumulated(heard.alphas) };
    pointed = null;
    redraw();
    whenSeen(node, redraw);
  };

  node.play = (time) => {
    audio.currentTime = time;
    audio.play().catch(() => {}); // a browser may want a click first
  };

  function redraw() {
    if (!picture || !node.clientWidth) return;
    place = layout(picture, scroll.clientWidth);
    draw(canvas, picture, place);
    pen = sized(cursor, place);
    const words = picture.tokens.map(({ word, end }) => `${shown(word)} until ${end.toFixed(2)} s`);
    canvas.setAttribute("aria-label", `log-mel, weights, their sum, CTC; tokens: ${words.join(", ") || "none"}`);
    move();
    tell();
  }

  function move() {
    pen.clearRect(0, 0, place.width, place.height);
    const { top } = place.rows.mel, { bottom } = place.rows.tokens;
    const line = (time, name, wide) => {
      pen.fillStyle = colour(name);
      pen.fillRect(place.x(time) - wide / 2, top, wide, bottom - top);
    };
    cursor.dataset.time = audio.currentTime;
    if (audio.currentTime > 0) line(audio.currentTime, "--ink", 2);
    if (pointed !== null) line(pointed, "--soft", 1);
  }

  function tell() {
    if (pointed === null) return (readout.textContent = "Point at the picture to read values; click to hear from there.");
    const frame = Math.floor(pointed / picture.alpha_s), alpha = picture.alphas[frame];
    const token = picture.tokens.find(({ start, end }) => start <= pointed && pointed < end);
    readout.textContent = [
      `${pointed.toFixed(2)} s`,
      alpha !== undefined && `α ${alpha.toFixed(2)} · S ${picture.sums[frame + 1].toFixed(2)}`,
      picture.ctc && frame < picture.ctc.frames && `CTC ${likeliest(picture.ctc, frame)}`,
      token && shown(token.word),
    ].filter(Boolean).join(" · ");
  }

  /** Scroll to what leaves a picture that is wider than the page; who looks elsewhere stays there. */
  function reveal(time, before) {
    const room = scroll.clientWidth;
    const seen = (at) => place.x(at) >= scroll.scrollLeft && place.x(at) <= scroll.scrollLeft + room;
    if (seen(before) && !seen(time)) scroll.scrollLeft = place.x(time) - room / 4;
  }

  function point(time) {
    pointed = time;
    move();
    tell();
  }

  /** While it plays: the cursor in each frame of the screen, and the token that is said. */
  function follow() {
    if (!place) return;
    cancelAnimationFrame(next); // a seek begins anew
    reveal(audio.currentTime, Number(cursor.dataset.time));
    const time = audio.currentTime, playing = !audio.paused;
    const now = picture.tokens.findIndex(({ start, end }) => start <= time && time < end);
    node.dispatchEvent(new CustomEvent("token", { detail: playing ? now : -1 }));
    move();
    if (playing) next = requestAnimationFrame(follow);
  }

  for (const name of ["play", "pause", "seeked"]) audio.addEventListener(name, follow);
  cursor.addEventListener("pointermove", ({ offsetX }) => point(place.time(offsetX)));
  cursor.addEventListener("pointerleave", () => point(null));
  cursor.addEventListener("click", ({ offsetX }) => node.play(place.time(offsetX)));
  cursor.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const from = pointed ?? audio.currentTime;
    if (step) {
      point(Math.min(picture.seconds, Math.max(0, from + step * picture.alpha_s)));
      reveal(pointed, from);
    } else if (event.key === "Enter") node.play(from);
    else return;
    event.preventDefault();
  });
  onTheme(redraw);
  return node;
}

const unpacked = (part) => ({ ...part, values: Uint8Array.from(atob(part.base64), (letter) => letter.charCodeAt(0)) });
