/* Draw a digit: its classes, what each pixel does, and the units that see it. */

import { ask, exported, latest, unpack, upload } from "ask";
import { bars } from "bars";
import { button, controls, picker } from "controls";
import { calm, complain, el, hint, percent, short } from "dom";
import { gallery } from "gallery";
import { heatmap } from "heatmap";
import { forward, gradient, softmax } from "mlp";
import { pad } from "pad";

export const digits = { id: "digits", title: "Draw a digit", build };

const HELD =
  "This saved page holds what the network says of the pictures below, and where more ink would raise (orange) or " +
  "lower (blue) its likeliest class; with `python scripts/app.py` you draw your own.";

async function build(root) {
  const start = await ask("digits/start");
  if (start.refusal) throw new Error(start.refusal);
  const [height, width] = start.size;
  const layers = start.layers.map(({ weight, bias }) => ({ weight: unpack(weight), bias: unpack(bias) }));
  const drawing = pad({ id: "digits-pad", label: "draw here", height, width, onchange: judge });
  const classes = bars({ id: "digits-classes", label: "probability", show: percent });
  const slope = heatmap({ id: "digits-gradient", label: "gradient of the likeliest logit by pixel", scale: "diverging", cell: 9 });
  const examples = gallery({ id: "digits-examples", label: "or take one of these", size: 40,
    onpick: ({ image }) => drawing.set(unpack(image).values) });
  examples.show(start.examples.map(({ name, image }) => ({ image, caption: name })));
  const file = picker({ id: "digits-file", label: `an image of ${height}x${width} pixels`, accept: "image/png,image/jpeg", onfile: open });
  const inside = layers.length ? units(layers, start) : null;

  const free = !exported || inside; // a saved page computes what a perceptron says
  root.append(
    hint(!free ? HELD : "Draw with the mouse or a finger, large and in the middle; with the keyboard arrows move the pen and space paints. Every stroke runs the network forwards, and backwards from its likeliest class: where the gradient is orange more ink would raise that class, where it is blue less."),
    el("div", { class: "columns" },
      el("div", {}, drawing, controls(free && button({ id: "digits-clear", label: "clear", onclick: drawing.clear }), !exported && file), examples),
      el("div", {}, classes, slope),
      inside?.node));

  const predict = latest((pixels) => exported && layers.length ? answerHere(layers, start, pixels)
    : ask("digits/predict", { pixels: Array.from(pixels) }));

  async function judge(pixels) {
    try {
      const answer = await predict(pixels);
      if (!answer) return;
      calm();
      const best = answer.probabilities.indexOf(Math.max(...answer.probabilities));
      classes.show(start.classes.map((name, i) => ({ name, value: answer.probabilities[i], note: `logit ${short(answer.logits[i], 3)}`, chosen: i === best })), 1);
      slope.show(answer.gradient.values ?? unpack(answer.gradient).values, height, width);
      inside?.show(normalised(start, pixels));
    } catch (error) {
      complain(error);
    }
  }

  async function open(chosen) {
    const { image } = await ask("digits/open", { file: await upload(chosen) });
    drawing.set(unpack(image).values);
  }
  if (start.examples.length) drawing.set(unpack(start.examples[Math.min(3, start.examples.length - 1)].image).values);
  else if (free) drawing.clear();
}

const normalised = ({ mean, std }, pixels) => Float64Array.from(pixels, (p) => (p / 255 - mean[0]) / std[0]);

function answerHere(layers, start, pixels) {
  const pass = forward(layers, normalised(start, pixels));
  const probabilities = softmax(pass.logits);
  const best = probabilities.indexOf(Math.max(...probabilities));
  return { probabilities, logits: Array.from(pass.logits), gradient: { values: gradient(layers, pass, best) } };
}

/** The first hidden layer: each unit's value, and the weights of the one that is picked. */
function units(layers, { size: [height, width] }) {
  const { weight, bias } = layers[0];
  const count = weight.shape[0], across = Math.ceil(Math.sqrt(2 * count)), down = Math.ceil(count / across);
  let chosen = null, x = null; // until a unit is chosen the one with the largest value is shown
  const all = heatmap({ id: "digits-units", label: `the ${count} units of the first layer; pick one`, cell: 16,
    describe: (r, c, value) => (r * across + c < count ? `unit ${r * across + c}: ${short(value)}` : "no unit"),
    onpick: (r, c) => r * across + c < count && pick((chosen = r * across + c)) });
  const own = heatmap({ id: "digits-weights", label: "its weights", scale: "diverging", cell: 9 });
  const sum = el("p", { class: "hint", id: "digits-sum" });

  function pick(unit) {
    const row = weight.values.subarray(unit * height * width, (unit + 1) * height * width);
    own.show(row, height, width);
    all.mark([[Math.floor(unit / across), unit % across]]);
    let dot = 0;
    row.forEach((w, i) => (dot += w * x[i]));
    const total = dot + bias.values[unit];
    sum.textContent = `unit ${unit}: Σ weight · input = ${short(dot)}, + bias ${short(bias.values[unit])} = ${short(total)}` +
      (layers.length > 1 ? `; relu gives ${short(Math.max(0, total))}` : "");
  }

  function show(pixels) {
    x = pixels;
    const values = layers.length > 1 ? forward(layers, x).inputs[1] : forward(layers, x).logits;
    const filled = new Float64Array(across * down).fill(NaN);
    filled.set(values);
    all.show(filled, down, across);
    pick(chosen ?? values.indexOf(Math.max(...values)));
  }
  return { node: el("div", {}, all, own, sum), show };
}
