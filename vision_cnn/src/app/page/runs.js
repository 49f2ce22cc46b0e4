/* Why a training stopped, what another patience would have done, and which model is better. */

import { ask, exported, latest } from "ask";
import { bars } from "bars";
import { chart } from "chart";
import { button, controls, select } from "controls";
import { calm, complain, el, hint, percent, short } from "dom";
import { gallery } from "gallery";
import { streamed } from "streamed";

export const runs = { id: "runs", title: "Runs", build };

async function build(root) {
  const start = await ask("runs/start");
  root.append(el("h2", {}, "Why did it stop?"), await stopped(start), el("h2", {}, "Is one better than the other?"), await compared(start));
}

async function stopped(start) {
  if (!start.runs.length) return hint(`${start.folder}/ has no run yet: \`python scripts/train.py --config configs/toy_patterns.yaml\``);
  const run = select({ id: "runs-run", label: "run", options: start.runs.map((name) => [name, name]), value: start.run, onchange: () => refresh({}) });
  const asked = () => ({ patience: Number(patience.value), min_gain: Number(gain.value) });
  const patience = select({ id: "runs-patience", label: "what if train.patience were", options: [], onchange: () => refresh(asked()) });
  const gain = select({ id: "runs-gain", label: "and train.min_gain", options: [], onchange: () => refresh(asked()) });
  const own = button({ id: "runs-own", label: "as it was trained", onclick: () => refresh({}) });
  const said = el("p", { id: "runs-sentence", class: "verdict" });
  const note = el("p", { class: "hint", id: "runs-note" });
  const curve = chart({ id: "runs-curve", label: "the evaluations, and what a gain had to reach", x: "epoch", y: "value" });
  const slope = chart({ id: "runs-slope", label: "smoothed slope", x: "epoch", y: "slope per epoch", height: 180 });
  const look = latest((given) => ask("runs/stopping", given));
  const node = el("div", {},
    hint("After each evaluation the rule asks whether the value is better by `train.min_gain` than the last one that was; after `train.patience` evaluations without such a gain the run ends. The slope is that of a line through the last evaluations; below the band it gains too little to satisfy the rule."),
    controls(exported ? null : run, patience, gain, own), said, note, el("div", { class: "columns" }, curve, slope));
  await refresh({});
  return node;

  async function refresh(what) {
    try {
      const answer = await look({ run: run.value, ...what });
      if (!answer) return;
      calm();
      show(answer);
    } catch (problem) {
      complain(problem);
    }
  }

  function show(answer) {
    const offered = (all, own) => [...new Set([...all, own])].sort((a, b) => a - b).map((v) => [v, v === own ? `${v} (as it was)` : v]);
    patience.offer(offered(start.patiences, answer.own.patience));
    gain.offer(offered(start.gains, answer.own.min_gain));
    [patience.value, gain.value] = [answer.patience, answer.min_gain];
    said.textContent = answer.sentence;
    const early = answer.asked && answer.stop !== null && answer.stop < answer.epochs.at(-1);
    const useful = answer.epochs.filter((_, i) => answer.gains[i]);
    note.textContent = (useful.length ? `Useful gains: epoch ${useful.join(", ")}. ` : "") +
      (early ? `This is what the rule would have done; the run itself went on, to ${short(bestOf(answer))} at best.` : "");
    const ends = answer.stop === null ? [] : [{ at: answer.stop, text: answer.stop < answer.planned ? "it stops" : "" }];
    if (answer.cooling_from !== null) ends.push({ at: answer.cooling_from, text: "cools down" });
    curve.show([
      { name: `validation ${answer.monitor}`, x: answer.epochs, y: answer.values, dots: true },
      { name: "needed for a gain", x: answer.epochs, y: answer.needed, dashed: true },
      { name: `mean of the last ${answer.window}`, x: answer.epochs, y: answer.smooth },
    ], ends);
    const sign = answer.mode === "max" ? 1 : -1, ends2 = [answer.epochs[0], answer.epochs.at(-1)];
    slope.show([
      { name: `slope of the last ${answer.window} evaluations`, x: answer.epochs, y: answer.slope, dots: true },
      ...(answer.band === null ? [] : [{ name: "band of the rule", x: ends2, y: [sign * answer.band, sign * answer.band], dashed: true }]),
      { name: "level", x: ends2, y: [0, 0], dashed: true },
    ], ends);
  }
}

const bestOf = ({ values, mode }) => (mode === "max" ? Math.max(...values) : Math.min(...values));

async function compared(start) {
  if (!start.pair.length)
    return hint(start.splits.length ? "There is one checkpoint only: train another run." : "This needs a checkpoint and its data.");
  const options = start.checkpoints.map((name) => [name, name]);
  const a = select({ id: "runs-a", label: "A", options, value: start.pair[0], onchange: refresh });
  const b = select({ id: "runs-b", label: "B", options, value: start.pair[1], onchange: refresh });
  const split = select({ id: "runs-split", label: "images of", options: start.splits.map((name) => [name, name]), value: start.split, onchange: refresh });
  const images = select({ id: "runs-images", label: "how many", options: [100, 500, 1000, 2000, start.most].map((n) => [n, short(n)]), value: start.images, onchange: refresh });
  const said = el("p", { id: "runs-verdict", class: "verdict" });
  const table = el("table", { id: "runs-table" });
  const delta = bars({ id: "runs-classes", label: "recall of each class: A minus B, in points", show: (v) => short(100 * v, 3) });
  const [wonA, wonB] = ["a", "b"].map((one) => gallery({ id: `runs-only-${one}`, label: "", size: 60 }));
  const [titleA, titleB] = [el("h2", { id: "runs-title-a" }), el("h2", { id: "runs-title-b" })];
  const compare = streamed("runs/compare", "both models look at them");
  const node = el("div", {},
    hint("Two models on the same images: only images count that one of them has right and the other wrong. McNemar's p is the chance of so uneven a split, or a more uneven one, if both were equally good."),
    exported ? null : controls(a, b, split, images), said,
    el("div", { class: "columns" }, table, delta), titleA, wonA, titleB, wonB);
  refresh();
  return node;

  async function refresh() {
    try {
      const answer = await compare({ a: a.value, b: b.value, split: split.value, images: Number(images.value) });
      if (!answer) return;
      calm();
      show(answer);
    } catch (problem) {
      complain(problem);
    }
  }

  function show(answer) {
    const [low, high] = answer.difference_interval_95.map((x) => short(100 * x, 3));
    const p = answer.mcnemar_p;
    said.textContent = `A has ${percent(answer.accuracy_a, 2)} right, B ${percent(answer.accuracy, 2)}: a difference of ${short(100 * answer.difference, 3)} points ` +
      `(95 % interval ${low} to ${high}). McNemar p = ${short(p, 3)} (${answer.mcnemar_method}): ${p < 0.05 ? "hardly luck" : "could well be luck"}. ` +
      (answer.images < answer.of ? `${answer.images} of the ${short(answer.of)} images of ${answer.split}, drawn at random.` : `All ${answer.images} images of ${answer.split}.`);
    const row = (name, ...cells) => el("tr", {}, el("th", {}, name), cells.map((n) => el("td", { class: "number" }, n)));
    table.replaceChildren(el("tr", {}, ["", "B right", "B wrong"].map((name) => el("th", { class: name ? "number" : null }, name))),
      row("A right", answer.both_right, answer.only_this_right), row("A wrong", answer.only_other_right, answer.both_wrong));
    delta.show(answer.classes.map((one) => ({ name: one.name, value: one.difference, note: `A ${percent(one.recall)}, B ${percent(one.recall_other)}` })));
    const names = answer.class_names;
    const items = (found) => found.map((t) => ({ image: t.image, caption: `${names[t.true]}, not ${names[t.predicted]}` }));
    titleA.textContent = counted("A right, B wrong", answer.tiles_a, answer.only_this_right);
    titleB.textContent = counted("B right, A wrong", answer.tiles_b, answer.only_other_right);
    wonA.show(items(answer.tiles_a));
    wonB.show(items(answer.tiles_b));
  }
}

const counted = (what, shown, all) => (shown.length < all ? `${what}: ${all}, the ${shown.length} surest mistakes` : `${what}: ${all}`);
