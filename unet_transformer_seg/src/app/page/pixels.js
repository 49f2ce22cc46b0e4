/* Arithmetic on pixels, as src/metrics and src/utils/pictures.py do it. */

import { coloured } from "heatmap";

/** The class of a pixel that nobody judges, or that the model is not sure enough of. */
export const NONE = 255;
const LUMA = [0.299, 0.587, 0.114];

/** Probabilities [class, pixel] at another temperature: p^(1/T), summing to one again. */
export function tempered(values, classes, temperature) {
  if (temperature === 1) return values;
  const count = values.length / classes, total = new Float64Array(count);
  const scaled = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) total[i % count] += scaled[i] = values[i] ** (1 / temperature);
  for (let i = 0; i < values.length; i++) scaled[i] /= total[i % count];
  return scaled;
}

/** {mask, confidence}: the likeliest class of each pixel, NONE below `least`, and its probability. */
export function judged(values, classes, least) {
  const count = values.length / classes, mask = new Uint8Array(count), confidence = values.slice(0, count);
  for (let c = 1; c < classes; c++)
    for (let i = 0; i < count; i++)
      if (values[c * count + i] > confidence[i]) [confidence[i], mask[i]] = [values[c * count + i], c];
  for (let i = 0; i < count; i++) if (confidence[i] < least) mask[i] = NONE;
  return { mask, confidence };
}

/** Entropy of each pixel over ln(classes): 0 certain, 1 a guess. */
export function entropies(values, classes) {
  const count = values.length / classes, most = Math.log(Math.max(2, classes));
  const sums = new Float32Array(count);
  for (let i = 0; i < values.length; i++)
    if (values[i] > 0) sums[i % count] -= (values[i] * Math.log(values[i])) / most;
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

/** An ImageData of the image, changed by `change(i, put, x, y)`; `dim` makes it dark and grey first. */
export function painted({ values, shape: [height, width, channels] }, change, dim = null) {
  const picture = new ImageData(width, height), { data } = picture, rgb = [0, 0, 0];
  let at = 0;
  const put = (colour, alpha) => {
    const grey = LUMA[0] * rgb[0] + LUMA[1] * rgb[1] + LUMA[2] * rgb[2];
    for (let c = 0; c < 3; c++) data[at + c] = Math.round((1 - alpha) * grey + alpha * colour[c]);
  };
  for (let i = 0; i < height * width; i++) {
    at = 4 * i;
    for (let c = 0; c < 3; c++) rgb[c] = values[channels === 1 ? i : 3 * i + c];
    if (dim !== null) rgb.fill(dim * (LUMA[0] * rgb[0] + LUMA[1] * rgb[1] + LUMA[2] * rgb[2]));
    for (let c = 0; c < 3; c++) data[at + c] = Math.round(rgb[c]);
    data[at + 3] = 255;
    change(i, put, i % width, Math.floor(i / width));
  }
  return picture;
}

/** Stripes where nobody judges. */
export const striped = (put, x, y) => (x + y) % 4 < 2 && put([150, 150, 150], 0.6);

/** The image, grey and tinted where the mask has a class but the background. */
export const overlaid = (image, mask, colours, alpha) =>
  painted(image, (i, put, x, y) => {
    if (mask[i] === NONE) striped(put, x, y);
    else if (mask[i] !== 0) put(colours[mask[i]], alpha);
  });

/** Each class in its colour. */
export const flat = (image, mask, colours) =>
  painted(image, (i, put, x, y) => (mask[i] === NONE ? striped(put, x, y) : put(colours[mask[i]], 1)));

/** What is right, too much, missed or of a wrong class; `positive` -1: all classes but the first. */
export function mistakes(image, mask, target, positive, colours) {
  const is = (c) => (positive < 0 ? c !== 0 : c === positive);
  return painted(image, (i, put, x, y) => {
    if (target[i] === NONE || mask[i] === NONE) return striped(put, x, y);
    const found = is(mask[i]), there = is(target[i]);
    if (found && there) put(colours[mask[i] === target[i] ? "true positive" : "wrong class"], 0.9);
    else if (found) put(colours["false positive"], 0.9);
    else if (there) put(colours["false negative"], 0.9);
  }, 0.45);
}

/** The image, dark and grey but of `colour` where `weightAt(row, column)` nears 1. */
export function lit(image, weightAt, colour, strength) {
  const { values, shape: [height, width, channels] } = image, picture = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    const rgb = [0, 1, 2].map((c) => values[channels === 1 ? i : 3 * i + c]);
    const grey = 0.5 * (LUMA[0] * rgb[0] + LUMA[1] * rgb[1] + LUMA[2] * rgb[2]);
    const weight = weightAt(Math.floor(i / width), i % width);
    for (let c = 0; c < 3; c++)
      picture.data[4 * i + c] = (1 - strength) * rgb[c] + strength * ((1 - weight) * grey + weight * colour[c]);
    picture.data[4 * i + 3] = 255;
  }
  return picture;
}

/** Values from 0 to 1 in the colours of a heat map. */
export const mapped = (values, width) => new ImageData(coloured(values, 1, "sequential"), width);
