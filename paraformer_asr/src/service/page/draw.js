// The picture of continuous integrate-and-fire: log-mel, alphas, their sum, the tokens.

const LEFT = 58, RIGHT = 14, GAP = 14;
const HEIGHTS = { mel: 150, alpha: 84, sum: 130, tokens: 34, axis: 22 };
const MOST_PIXELS = 16000; // wide canvases fail silently in some browsers
// A few stops of a map from dark to light that also reads in grey (after cividis).
const STOPS = [[0, 32, 77], [44, 62, 107], [87, 92, 109], [124, 123, 120], [164, 156, 115], [207, 192, 96], [255, 234, 70]];

export function layout(picture, width) {
  const seconds = Math.max(picture.seconds, 0.05);
  const tokens = picture.tokens.length;
  const wanted = Math.max(60 * seconds, 22 * tokens) + LEFT + RIGHT;
  const full = Math.min(MOST_PIXELS, Math.max(width, wanted));
  const rows = {};
  let y = 8;
  for (const [name, height] of Object.entries(HEIGHTS)) {
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

export function sized(canvas, place) {
  const ratio = Math.min(window.devicePixelRatio || 1, MOST_PIXELS / place.width);
  canvas.width = Math.round(place.width * ratio);
  canvas.height = Math.round(place.height * ratio);
  canvas.style.width = `${place.width}px`;
  canvas.style.height = `${place.height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
}

export function draw(canvas, picture, place) {
  const pen = sized(canvas, place);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  pen.fillStyle = colour("card");
  pen.fillRect(0, 0, place.width, place.height);
  drawMel(pen, picture, place, colour);
  drawAlphas(pen, picture, place, colour);
  drawSum(pen, picture, place, colour);
  drawTokens(pen, picture, place, colour);
  drawAxis(pen, place, colour);
}

export function cumulated(alphas) {
  const sums = [0];
  for (const alpha of alphas) sums.push(sums[sums.length - 1] + alpha);
  return sums;
}

function drawMel(pen, picture, place, colour) {
  const { frames, bins, values, frame_s } = picture.mel;
  if (!frames) return;
  const image = new ImageData(frames, bins);
  for (let t = 0; t < frames; t++) {
    for (let m = 0; m < bins; m++) {
      const [r, g, b] = shade(values[t * bins + m] / 255);
      image.data.set([r, g, b, 255], 4 * ((bins - 1 - m) * frames + t));
    }
  }
  const small = new OffscreenCanvas(frames, bins);
  small.getContext("2d").putImageData(image, 0, 0);
  const { top, bottom } = place.rows.mel;
  pen.imageSmoothingEnabled = true;
  const end = place.x(Math.min(place.seconds, frames * frame_s));
  pen.drawImage(small, place.x(0), top, end - place.x(0), bottom - top);
  scale(pen, place, "log-mel", (top + bottom) / 2 + 4, colour("quiet"));
}

function shade(value) {
  const at = value * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(at));
  return STOPS[low].map((from, i) => from + (at - low) * (STOPS[low + 1][i] - from));
}

function drawAlphas(pen, picture, place, colour) {
  const { top, bottom } = place.rows.alpha;
  const most = Math.max(1, ...picture.alphas);
  baseline(pen, place, bottom, colour("line"));
  pen.fillStyle = colour("orange");
  picture.alphas.forEach((alpha, i) => {
    const x = place.x(i * picture.alpha_s), wide = place.x((i + 1) * picture.alpha_s) - x;
    const high = ((bottom - top) * alpha) / most;
    pen.fillRect(x, bottom - high, Math.max(1, wide - (wide > 3 ? 1 : 0)), high);
  });
  scale(pen, place, "α", (top + bottom) / 2 + 4, colour("orange"));
  scale(pen, place, most.toFixed(most > 1 ? 1 : 0), top + 4, colour("quiet"));
}

function drawSum(pen, picture, place, colour) {
  const { top, bottom } = place.rows.sum;
  const sums = cumulated(picture.alphas);
  const most = Math.max(1, Math.ceil(sums[sums.length - 1] + 0.05));
  const y = (value) => bottom - ((bottom - top) * Math.min(value, most)) / most;
  const step = Math.max(1, Math.ceil(most / 8));
  for (let value = 0; value <= most; value += step) {
    baseline(pen, place, y(value), colour("line"));
    scale(pen, place, String(value), y(value) + 4, colour("quiet"));
  }
  pen.lineWidth = 1;
  pen.setLineDash([3, 3]);
  picture.boundaries_s.forEach((time) => {
    const x = place.x(time), { mel, tokens } = place.rows;
    pen.strokeStyle = "rgba(255, 255, 255, 0.85)"; // the map below is never that light
    line(pen, x, mel.top, x, mel.bottom);
    pen.strokeStyle = colour("red");
    line(pen, x, mel.bottom, x, tokens.bottom);
  });
  pen.setLineDash([]);
  pen.strokeStyle = colour("blue");
  pen.lineWidth = 2;
  pen.beginPath();
  sums.forEach((sum, i) => pen.lineTo(place.x(i * picture.alpha_s), y(sum)));
  pen.stroke();
  pen.strokeStyle = colour("red");
  pen.lineWidth = 1.5;
  const last = sums[sums.length - 1];
  picture.boundaries_s.forEach((time, u) => {
    pen.beginPath();
    pen.arc(place.x(time), y(Math.min(u + 1, last)), 4, 0, 7);
    const reached = u + 1 <= last + 0.01; // else the tail completes it: a hollow dot
    pen.fillStyle = colour(reached ? "red" : "card");
    pen.fill();
    pen.stroke();
  });
  label(pen, "S = Σ α", top, colour("blue"), colour("card"));
}

function drawTokens(pen, picture, place, colour) {
  const { top, bottom } = place.rows.tokens;
  pen.textAlign = "center";
  const middles = picture.tokens.map(({ start, end }) => place.x((start + end) / 2));
  picture.tokens.forEach(({ word, start, end }, i) => {
    const middle = middles[i]; // a box grows with its word as far as its neighbours let it
    const room = Math.min(middle - (middles[i - 1] ?? -99), (middles[i + 1] ?? 1e6) - middle) - 3;
    const spoken = place.x(end) - place.x(start), text = pen.measureText(shown(word)).width + 10;
    const wide = Math.max(3, spoken, Math.min(room, text)), x = middle - wide / 2;
    pen.fillStyle = colour("soft");
    pen.strokeStyle = colour("blue");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.roundRect(x + 1, top + 4, Math.max(1, wide - 2), bottom - top - 8, 5);
    pen.fill();
    pen.stroke();
    pen.fillStyle = colour("ink");
    pen.fillText(shown(word), middle, (top + bottom) / 2 + 4, Math.max(wide - 4, 8));
  });
  pen.textAlign = "start";
}

export function shown(word) {
  return word === " " ? "␣" : word;
}

function drawAxis(pen, place, colour) {
  const { top } = place.rows.axis;
  const rough = (70 * place.seconds) / (place.width - LEFT - RIGHT);
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30].find((s) => s >= rough) || 60;
  pen.strokeStyle = pen.fillStyle = colour("quiet");
  pen.textAlign = "center";
  for (let time = 0; time <= place.seconds + 1e-6; time += step) {
    line(pen, place.x(time), top, place.x(time), top + 4);
    const unit = time + step > place.seconds ? " s" : "";
    pen.fillText(time.toFixed(step < 1 ? 1 : 0) + unit, place.x(time), top + 16);
  }
  pen.textAlign = "start";
}

function label(pen, text, top, colour, behind) {
  pen.fillStyle = behind;
  pen.fillRect(LEFT + 2, top + 1, pen.measureText(text).width + 8, 18);
  pen.fillStyle = colour;
  pen.fillText(text, LEFT + 6, top + 14);
}

function scale(pen, place, text, y, colour) {
  pen.fillStyle = colour;
  pen.textAlign = "end";
  pen.fillText(text, LEFT - 6, y);
  pen.textAlign = "start";
}

function baseline(pen, place, y, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  line(pen, LEFT, y, place.width - RIGHT, y);
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}
