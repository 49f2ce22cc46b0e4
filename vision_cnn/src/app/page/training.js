/* A small network learns while one watches; every frame can be gone back to. */

import { ask, exported, latest, unpack } from "ask";
import { bars } from "bars";
import { chart } from "chart";
import { confusion } from "confusion";
import { controls, select } from "controls";
import { calm, complain, el, hint, percent, say, short } from "dom";
import { gallery } from "gallery";
import { player } from "player";
import { tiles } from "tiles";

export const training = { id: "training", title: "Training", build };

const CHANNELS = ["red", "green", "blue"];
const RATES = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

async function build(root) {
  const start = await ask("training/start");
  const settings = { ...start.settings };
  let image = 0, seen = [], shown = null, table = null, about = null, mapped = "";

  const rate = select({ id: "training-rate", label: "learning rate", options: RATES.map((r) => [r, short(r)]), value: start.rates[settings.optimiser] });
  const choose = (name, label) => select({ id: `training-${name}`, label, options: start.choices[name].map((v) => [v, names(v, start)]), value: settings[name], onchange: (v) => set(name, v) });
  const step = (name, label, all) => select({ id: `training-${name}`, label, options: all.map((n) => [n, n]), value: settings[name], onchange: (v) => set(name, v) });
  const knobs = [start.choices.data.length > 1 ? choose("data", "images") : null, choose("model", "network"), choose("optimiser", "optimiser"), rate,
    step("batch", "batch", [8, 16, 32, 64, 128]), step("steps", "steps a frame", [1, 2, 3, 5, 10]), step("seed", "seed", [0, 1, 2, 3, 4, 5])].filter(Boolean);

  const time = player({ id: "training-player", show, source: {
    step: (present) => next(present),
    play: (onframe, present) => go(onframe, present),
  } });
  const line = el("p", { id: "training-line" });
  const loss = chart({ id: "training-loss", label: "loss", x: "step", y: "loss" });
  const accuracy = chart({ id: "training-accuracy", label: `accuracy on ${start.judged} validation images, or all there are`, x: "step", y: "accuracy", height: 180 });
  const place = el("div", {});
  const kernelName = el("figcaption", { id: "training-kernel-name" });
  const kernels = tiles({ id: "training-kernels", label: "kernels of the first layer", cell: 9, name: (tile) => `kernel ${tile % kernels.count}, ${kernels.channels > 1 ? CHANNELS[Math.floor(tile / kernels.count)] ?? `input ${Math.floor(tile / kernels.count)}` : "grey"}` });
  const images = gallery({ id: "training-images", label: "an image that it is not trained on", size: 44, onpick: ({ id }) => ((image = Number(id)), again()) });
  const classes = bars({ id: "training-classes", label: "what it says of it; in bold what it is", show: percent });
  const maps = el("div", {});

  root.append(
    hint(`The trainer's own steps on ${start.trained} images (fewer where there are not so many). Play, pause, go back to any frame: the network, its optimiser and the place in the data are restored, and play goes on from there, also at another learning rate. All other settings begin anew.`),
    ...(exported ? [] : [controls(...knobs)]), time, line,
    el("div", { class: "columns" },
      el("div", {}, loss, accuracy, place),
      el("div", {}, kernelName, kernels, images, classes, maps)));
  if (exported) await replay();
  else await begin();

  async function begin() {
    time.pause();
    try {
      furnish(await ask("training/subjects", { settings }));
      seen = [];
      time.reset(await frame(0, [[0, Number(rate.value)]]));
      calm();
    } catch (problem) {
      complain(problem);
    }
  }

  async function replay() {
    furnish(await ask("training/subjects", { settings }));
    const rates = [[0, start.rates[settings.optimiser]]];
    seen = await Promise.all(Array.from({ length: start.recorded + 1 }, (_, n) => frame(n, rates)));
    time.load(seen);
  }

  function furnish(subjects) {
    about = subjects;
    table = confusion({ id: "training-confusion", label: "confusion matrix of these images", names: about.class_names });
    place.replaceChildren(table);
    image = Math.min(image, about.images.length - 1);
    images.show(about.images.slice(0, exported ? 1 : undefined).map((item, i) => ({ ...item, chosen: i === image })));
    say(`${settings.model}: ${short(about.parameters)} parameters, ${about.batches} batches an epoch`);
  }

  const latestStart = latest(begin);
  function set(name, value) {
    settings[name] = typeof start.settings[name] === "number" ? Number(value) : value;
    if (name === "optimiser") rate.value = start.rates[value];
    latestStart();
  }

  async function frame(number, rates) {
    const found = await ask("training/frame", { settings: { ...settings }, number, rates, image });
    return found && { ...found, rates };
  }

  /** The frame after `present`, at the rate that is set now. */
  async function next(present) {
    const rates = present.rates.filter(([n]) => n < present.number); // none at the first frame
    const now = Number(rate.value);
    if (!rates.length || rates.at(-1)[1] !== now) rates.push([present.number, now]);
    const made = await frame(present.number + 1, rates);
    if (made) seen.length = Math.min(seen.length, made.number);
    else say(`${start.frames} frames are as many as are kept; go back, or begin anew`);
    return made;
  }

  function go(onframe, present) {
    let going = true;
    const run = async () => {
      for (let now = present; going;) {
        const made = await next(now);
        if (!going || !made) return;
        calm();
        onframe((now = made));
      }
    };
    return { stop: () => (going = false), ended: run() };
  }

  function show(now) {
    seen[now.number] = now;
    draw(now);
    if (now.image !== image) again(now);
  }

  const fresh = latest((now) => frame(now.number, now.rates));
  async function again(now = shown) {
    try {
      const made = await fresh(now);
      if (made && shown.number === made.number) draw(made);
    } catch (problem) {
      complain(problem);
    }
  }

  function draw(now) {
    shown = now;
    line.textContent = `step ${now.step}, epoch ${now.epoch.toFixed(1)}: ` + (now.loss === null ? "untrained" : `rate ${short(now.rate, 3)}, loss of its batches ${short(now.loss, 3)}`) +
      `; validation loss ${short(now.val_loss, 3)}, ${percent(now.accuracy)} right`;
    const here = now.number < seen.length - 1 ? [{ at: now.step, text: "here" }] : [];
    const past = seen.filter(Boolean), steps = past.map((f) => f.step);
    loss.show([{ name: "training", x: steps, y: past.map((f) => f.loss) }, { name: "validation", x: steps, y: past.map((f) => f.val_loss) }], here);
    accuracy.show([{ name: "accuracy", x: steps, y: past.map((f) => f.accuracy) }], here);
    table.show(Array.from(unpacked(now, "confusion").values));
    drawKernels(now);
    classes.show(now.class_names.map((name, i) => ({ name, value: now.probabilities[i], chosen: name === about.images[now.image].caption })), 1);
    drawMaps(now);
  }

  function drawKernels(now) {
    const { values, shape: [count, channels, height, width] } = unpacked(now, "kernels");
    [kernels.count, kernels.channels] = [count, channels];
    const size = height * width, turned = new Float32Array(values.length); // inputs are the rows
    for (let k = 0; k < count; k++)
      for (let c = 0; c < channels; c++) turned.set(values.subarray((k * channels + c) * size, (k * channels + c + 1) * size), (c * count + k) * size);
    kernels.show(turned, [channels, count, height, width]);
    const first = seen[0] && unpacked(seen[0], "kernels").values;
    const moved = first && Math.sqrt(sum(values, (w, i) => (w - first[i]) ** 2) / sum(first, (w) => w * w));
    const rows = channels === 3 ? "; rows: what they take of red, green and blue" : "";
    kernelName.textContent = `${now.layer}: ${count} kernels of ${height}×${width}${rows}. ` +
      (now.fixed ? "This network computes them from the data and does not train them." : moved ? `They have moved by ${percent(moved, 0)} of their length.` : "");
  }

  function drawMaps(now) {
    const layers = now.maps.map((m) => `${m.layer} ${m.maps.shape}`).join();
    if (mapped !== layers) {
      mapped = layers;
      maps.replaceChildren(...now.maps.map((m, i) => {
        const [, , width] = m.maps.shape;
        const label = `${m.layer}: ${Math.min(8, m.total)} of ${m.total} feature maps, ${m.maps.shape[1]}×${width}`;
        return tiles({ id: `training-maps-${i}`, label, cell: Math.max(2, Math.floor(72 / width)), name: (tile) => `map ${tile}` });
      }));
    }
    now.maps.forEach((m, i) => {
      const { values, shape: [count, height, width] } = unpacked(m, "maps");
      maps.children[i].show(values, [Math.ceil(count / 4), 4, height, width]);
    });
  }
}

const sum = (values, f) => values.reduce((total, value, i) => total + f(value, i), 0);
const names = (value, { data }) => (value === "checkpoint" ? `the checkpoint's: ${data}` : value.replaceAll("_", " "));

const kept = new WeakMap();
/** The array `owner[name]`, unpacked once. */
function unpacked(owner, name) {
  if (!kept.has(owner)) kept.set(owner, {});
  return (kept.get(owner)[name] ??= unpack(owner[name]));
}
