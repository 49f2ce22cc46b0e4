/* Arithmetic on pixels, as src/metrics and src/utils/pictures.py do it. */

import { coloured } from "heatmap";

/** The class of a pixel that nobody judges, or that the model is not sure enough of. */
export const NONE = 255;
const LUMA = [0.299, 0.587, 0.114];
const STRIPE = [[150, 150, 150], 0.6];

/** Probabilities [class, pixel] at another temperature: p^(1/T), summing to one again. */
export function tempered(logs, classes, temperature) {
  const count = logs.length / classes, power = 1 / temperature;
  const total = new Float64Array(count), scaled = new Float32Array(logs.length);
  for (let c = 0, at = 0; c < classes; c++)
    for (let i = 0; i < count; i++, at++) total[i] += scaled[at] = Math.exp(power * logs[at]);
  for (let c = 0, at = 0; c < classes; c++) for (let i = 0; i < count; i++, at++) scaled[at] /= total[i];
  return scaled;
}

/** The logarithms that `tempered` takes: once for an image, for they cost most. */
export const logarithms = (values) => values.map(Math.log);

/** {mask, confidence}: the likeliest class of each pixel, NONE below `least`, and its probability. */
export function judged(values, classes, least) {
  const count = values.length / classes, mask = new Uint8Array(count), confidence = values.slice(0, count);
  for (let c = 1, at = count; c < classes; c++)
    for (let i = 0; i < count; i++, at++)
      if (values[at] > confidence[i]) [confidence[i], mask[i]] = [values[at], c];
  for (let i = 0; i < count; i++) if (confidence[i] < least) mask[i] = NONE;
  return { mask, confidence };
}

/** Entropy of each pixel over ln(classes): 0 certain, 1 a guess. */
export function entropies(values, classes) {
  const count = values.length / classes, most = Math.log(Math.max(2, classes));
  const sums = new Float32Array(count);
  for (let c = 0, at = 0; c < classes; c++)
    for (let i = 0; i < count; i++, at++)
      if (values[at] > 0) sums[i] -= (values[at] * Math.log(values[at])) / most;
  return sums;
}

/** Share of the pixels that each class has. */
export function shares(mask, classes) {
  const counts = new Array(classes).fill(0);
  for (const c of mask) if (c !== NONE) counts[c]++;
  return counts.map((count) => count / mask.length);
}

/** IoU, Dice, precision, recall, true pixels of each class, over what is judged; null: undefined. */
export function ratios(mask, target, classes) {
  const counts = Array.from({ length: classes }, () => ({ tp: 0, fp: 0, fn: 0 }));
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === NONE || target[i] === NONE) continue;
    if (mask[i] === target[i]) counts[mask[i]].tp++;
    else counts[mask[i]].fp++, counts[target[i]].fn++;
  }
  const share = (part, whole) => (whole ? part / whole : null);
  return counts.map(({ tp, fp, fn }) => ({
    iou: share(tp, tp + fp + fn), dice: share(2 * tp, 2 * tp + fp + fn),
    precision: share(tp, tp + fp), recall: share(tp, tp + fn), pixels: tp + fn,
  }));
}

/** Mean of the numbers that are defined. */
export function mean(values) {
  const valid = values.filter((value) => value !== null);
  return valid.length ? valid.reduce((sum, value) => sum + value, 0) / valid.length : null;
}

/**
 * The image, with [colour, alpha] of `inks` over the grey of each pixel whose code has one;
 * NONE is striped. `dim` makes the image dark and grey first.
 */
export function painted({ values, shape: [height, width, channels] }, codes, inks, dim = null) {
  const picture = new ImageData(width, height), { data } = picture;
  for (let i = 0, at = 0; i < height * width; i++, at += 4) {
    const from = channels === 1 ? i : 3 * i, step = channels === 1 ? 0 : 1;
    let red = values[from], green = values[from + step], blue = values[from + 2 * step];
    const grey = (dim ?? 1) * (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue);
    if (dim !== null) red = green = blue = grey;
    const shown = codes[i] !== NONE || ((i % width) + Math.floor(i / width)) % 4 < 2;
    const ink = codes[i] === NONE ? STRIPE : inks[codes[i]];
    if (ink && shown) {
      const [colour, alpha] = ink, below = (1 - alpha) * grey;
      [red, green, blue] = [below + alpha * colour[0], below + alpha * colour[1], below + alpha * colour[2]];
    }
    data[at] = red;
    data[at + 1] = green;
    data[at + 2] = blue;
    data[at + 3] = 255;
  }
  return picture;
}

/** The image, grey and tinted where the mask has a class but the background. */
export const overlaid = (image, mask, colours, alpha) =>
  painted(image, mask, colours.map((colour, c) => (c === 0 ? null : [colour, alpha])));

/** Each class in its colour. */
export const flat = (image, mask, colours) => painted(image, mask, colours.map((colour) => [colour, 1]));

/** What is right, too much, missed or of a wrong class; `positive` -1: all classes but the first. */
export function mistakes(image, mask, target, positive, colours) {
  const codes = new Uint8Array(mask.length), is = (c) => (positive < 0 ? c !== 0 : c === positive);
  for (let i = 0; i < codes.length; i++) {
    const found = is(mask[i]), there = is(target[i]);
    if (target[i] === NONE || mask[i] === NONE) codes[i] = NONE;
    else if (found && there) codes[i] = mask[i] === target[i] ? 1 : 4;
    else codes[i] = found ? 2 : there ? 3 : 0;
  }
  const kinds = ["true positive", "false positive", "false negative", "wrong class"];
  return painted(image, codes, [null, ...kinds.map((kind) => [colours[kind], 0.9])], 0.45);
}

/** The image, dark and grey but of `colour` where `weightAt(row, column)` nears 1. */
export function lit({ values, shape: [height, width, channels] }, weightAt, colour, strength) {
  const picture = new ImageData(width, height), { data } = picture;
  for (let i = 0; i < height * width; i++) {
    const rgb = [0, 1, 2].map((c) => values[channels === 1 ? i : 3 * i + c]);
    const grey = 0.5 * (LUMA[0] * rgb[0] + LUMA[1] * rgb[1] + LUMA[2] * rgb[2]);
    const weight = weightAt(Math.floor(i / width), i % width);
    for (let c = 0; c < 3; c++)
      data[4 * i + c] = (1 - strength) * rgb[c] + strength * ((1 - weight) * grey + weight * colour[c]);
    data[4 * i + 3] = 255;
  }
  return picture;
}

/** Values from 0 to 1 in the colours of a heat map. */
export const mapped = (values, width) => new ImageData(coloured(values, 1, "sequential"), width);
