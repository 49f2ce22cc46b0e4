/* Integrate-and-fire drawn over time: log-mel, alphas, their sum, CTC's posteriors, the tokens. */

import { colour, rgb } from "dom";
import { coloured } from "heatmap";
import { spikes } from "spikes";

const LEFT = 58, RIGHT = 14, GAP = 14;
const HEIGHTS = { mel: 130, alpha: 70, sum: 110, ctc: 84, tokens: 34, axis: 22 };
const MOST_PIXELS = 16000; // wide canvases fail silently in some browsers

/** Where everything lies in a picture of at least `width` pixels. */
export function layout(picture, width) {
  const seconds = Math.max(picture.seconds, 0.05);
  const wanted = Math.max(60 * seconds, 22 * picture.tokens.length) + LEFT + RIGHT;
  const full = Math.min(MOST_PIXELS, Math.max(width, wanted));
  const rows = {};
  let y = 8;
  for (const [name, height] of Object.entries(HEIGHTS)) {
    if (!picture.alphas.length && (name === "alpha" || name === "sum")) continue;
    if (!picture.ctc && name === "ctc") continue;
    rows[name] = { top: y, bottom: y + height };
    y += height + (name === "tokens" ? 2 : GAP);
  }
  const inner = full - LEFT - RIGHT;
  return {
    width: full, height: y, rows, seconds,
    x: (time) => LEFT + (inner * time) / seconds,
    time: (x) => Math.min(seconds, Math.max(0, ((x - LEFT) * seconds) / inner)),
  };
}

/** A pen for a canvas that is as sharp as the screen. */
export function sized(canvas, place) {
  const ratio = Math.min(devicePixelRatio || 1, MOST_PIXELS / place.width);
  canvas.width = Math.round(place.width * ratio);
  canvas.height = Math.round(place.height * ratio);
  canvas.style.width = `${place.width}px`;
  canvas.style.height = `${place.height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return pen;
}

export function draw(canvas, picture, place) {
  const pen = sized(canvas, place);
  pen.fillStyle = colour("--paper");
  pen.fillRect(0, 0, place.width, place.height);
  mel(pen, picture, place);
  if (place.rows.alpha) {
    alphas(pen, picture, place);
    sum(pen, picture, place);
  }
  if (place.rows.ctc) ctc(pen, picture, place);
  boundaries(pen, picture, place);
  tokens(pen, picture, place);
  axis(pen, place);
}

/** 0, then the sum up to the end of each frame. */
export function cumulated(values) {
  const sums = [0];
  for (const value of values) sums.push(sums.at(-1) + value);
  return sums;
}

function mel(pen, picture, place) {
  const { frames, bins, values, frame_s } = picture.mel;
  if (!frames) return;
  const upright = new Float32Array(frames * bins); // the lowest band below
  for (let t = 0; t < frames; t++) for (let m = 0; m < bins; m++) upright[(bins - 1 - m) * frames + t] = values[t * bins + m];
  const image = new ImageData(coloured(upright, 255, "sequential"), frames, bins);
  const small = new OffscreenCanvas(frames, bins);
  small.getContext("2d").putImageData(image, 0, 0);
  const { top, bottom } = place.rows.mel;
  const end = place.x(Math.min(place.seconds, frames * frame_s));
  pen.drawImage(small, place.x(0), top, end - place.x(0), bottom - top);
  beside(pen, "log-mel", (top + bottom) / 2 + 4, "--soft");
}

function alphas(pen, picture, place) {
  const { top, bottom } = place.rows.alpha;
  const most = Math.max(1, ...picture.alphas);
  baseline(pen, place, bottom);
  pen.fillStyle = colour("--c1");
  picture.alphas.forEach((alpha, i) => {
    const x = place.x(i * picture.alpha_s), wide = place.x((i + 1) * picture.alpha_s) - x;
    const high = ((bottom - top) * alpha) / most;
    pen.fillRect(x, bottom - high, Math.max(1, wide - (wide > 3 ? 1 : 0)), high);
  });
  beside(pen, "α", (top + bottom) / 2 + 4, "--c1");
  beside(pen, most.toFixed(most > 1 ? 1 : 0), top + 4, "--soft");
}

function sum(pen, picture, place) {
  const { top, bottom } = place.rows.sum;
  const sums = cumulated(picture.alphas), last = sums.at(-1);
  const most = Math.max(1, Math.ceil(last + 0.05));
  const y = (value) => bottom - ((bottom - top) * Math.min(value, most)) / most;
  const rough = most / 8, ten = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= rough);
  for (let value = 0; value <= most; value += step) {
    baseline(pen, place, y(value));
    beside(pen, String(value), y(value) + 4, "--soft");
  }
  pen.strokeStyle = colour("--c0");
  pen.lineWidth = 2;
  pen.beginPath();
  sums.forEach((value, i) => pen.lineTo(place.x(i * picture.alpha_s), y(value)));
  pen.stroke();
  pen.strokeStyle = colour("--c5");
  pen.lineWidth = 1.5;
  picture.boundaries_s.forEach((time, u) => {
    pen.beginPath();
    pen.arc(place.x(time), y(Math.min(u + 1, last)), 4, 0, 7);
    // Where the tail behind the sound completes a token the dot is hollow.
    pen.fillStyle = colour(u + 1 <= last + 0.01 ? "--c5" : "--paper");
    pen.fill();
    pen.stroke();
  });
  label(pen, "S = Σ α", top, "--c0");
}

function ctc(pen, picture, place) {
  const { top, bottom } = place.rows.ctc;
  baseline(pen, place, bottom);
  baseline(pen, place, top);
  const y = (p) => bottom - (bottom - top) * p;
  const x = (frame) => place.x((frame + 0.5) * picture.alpha_s);
  const { blank, rows, peaks } = spikes(picture.ctc);
  curve(pen, blank, x, y, "--soft", 1, [2, 3]);
  rows.forEach((row, i) => curve(pen, row, x, y, `--c${i % 8}`, 1.6));
  pen.textAlign = "center";
  for (const { frame, p, row } of peaks) {
    const high = y(p) - 3;
    pen.lineWidth = 3;
    pen.strokeStyle = colour("--paper");
    pen.strokeText(shown(picture.ctc.tokens[row]), x(frame), high);
    pen.fillStyle = colour(`--c${row % 8}`);
    pen.fillText(shown(picture.ctc.tokens[row]), x(frame), high);
  }
  pen.textAlign = "start";
  beside(pen, "CTC", (top + bottom) / 2 + 4, "--soft");
  beside(pen, "1", top + 4, "--soft");
  beside(pen, "0", bottom + 4, "--soft");
}

function curve(pen, values, x, y, name, width, dashes = []) {
  pen.strokeStyle = colour(name);
  pen.lineWidth = width;
  pen.setLineDash(dashes);
  pen.beginPath();
  values.forEach((p, frame) => pen.lineTo(x(frame), y(p)));
  pen.stroke();
  pen.setLineDash([]);
}

/** Where a token is complete, through all rows: dashed. */
function boundaries(pen, picture, place) {
  pen.lineWidth = 1;
  pen.setLineDash([3, 3]);
  const [r, g, b] = rgb("--c5");
  pen.strokeStyle = `rgba(${r}, ${g}, ${b}, 0.75)`;
  for (const time of picture.boundaries_s) line(pen, place.x(time), place.rows.mel.top, place.x(time), place.rows.tokens.bottom);
  pen.setLineDash([]);
}

function tokens(pen, picture, place) {
  const { top, bottom } = place.rows.tokens;
  pen.textAlign = "center";
  const middles = picture.tokens.map(({ start, end }) => place.x((start + end) / 2));
  picture.tokens.forEach(({ word, start, end }, i) => {
    const middle = middles[i]; // a box grows with its word as far as its neighbours let it
    const room = Math.min(middle - (middles[i - 1] ?? -99), (middles[i + 1] ?? 1e6) - middle) - 3;
    const spoken = place.x(end) - place.x(start), text = pen.measureText(shown(word)).width + 10;
    const wide = Math.max(3, spoken, Math.min(room, text)), x = middle - wide / 2;
    pen.fillStyle = colour("--card");
    pen.strokeStyle = colour("--c0");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.roundRect(x + 1, top + 4, Math.max(1, wide - 2), bottom - top - 8, 5);
    pen.fill();
    pen.stroke();
    pen.fillStyle = colour("--ink");
    pen.fillText(shown(word), middle, (top + bottom) / 2 + 4, Math.max(wide - 4, 8));
  });
  pen.textAlign = "start";
}

export const shown = (word) => (word === " " ? "␣" : word);

function axis(pen, place) {
  const { top } = place.rows.axis;
  const rough = (70 * place.seconds) / (place.width - LEFT - RIGHT);
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30].find((s) => s >= rough) || 60;
  pen.strokeStyle = pen.fillStyle = colour("--soft");
  pen.textAlign = "center";
  for (let time = 0; time <= place.seconds + 1e-6; time += step) {
    line(pen, place.x(time), top, place.x(time), top + 4);
    const unit = time + step > place.seconds ? " s" : "";
    pen.fillText(time.toFixed(step < 1 ? 1 : 0) + unit, place.x(time), top + 16);
  }
  pen.textAlign = "start";
}

function label(pen, text, top, name) {
  pen.fillStyle = colour("--paper");
  pen.fillRect(LEFT + 2, top + 1, pen.measureText(text).width + 8, 18);
  pen.fillStyle = colour(name);
  pen.fillText(text, LEFT + 6, top + 14);
}

function beside(pen, text, y, name) {
  pen.fillStyle = colour(name);
  pen.textAlign = "end";
  pen.fillText(text, LEFT - 6, y);
  pen.textAlign = "start";
}

function baseline(pen, place, y) {
  pen.strokeStyle = colour("--line");
  pen.lineWidth = 1;
  line(pen, LEFT, y, place.width - RIGHT, y);
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}
