/* Two models on one image: masks, where they differ, scores and cost. */

import { ask, exported, recorded, unpack } from "ask";
import { chooser } from "chooser";
import { controls, select, slider } from "controls";
import { el, hint, onTheme, percent, rgb, short } from "dom";
import { swatch, swatches } from "legend";
import { picture } from "picture";
import { NONE, overlaid, painted } from "pixels";

const MEANS = [["mean IoU", "mean_iou"], ["mean Dice", "mean_dice"], ["pixel accuracy", "pixel_accuracy"]];

export const compare = {
  id: "compare",
  title: "Compare",
  async build(root) {
    const start = await ask("compare/start");
    const colours = start.classes.map(({ colour }) => colour), others = offered(start);
    let image, truth, models, share, labels;

    const other = select({ id: "compare-other", label: `${labelOf(start, start.key)} beside`,
      options: [["", "choose a run"], ...others.map(({ key, label }) => [key, label])],
      value: others.find(({ named }) => named)?.key ?? "", onchange: open });
    const opacity = slider({ id: "compare-opacity", label: "opacity", min: 0, max: 1, step: 0.05,
      value: 0.5, show: (v) => percent(v, 0), oninput: () => image && tint() });
    const pictures = ["first", "second", "difference"].map((name) =>
      picture({ id: `compare-${name}`, label: "", size: 360, onpoint: () => {}, describe: told }));
    const titles = pictures.map(() => el("h2"));
    const keys = el("p", { class: "readout", id: "compare-keys" });
    const said = el("p", { class: "readout", id: "compare-said" });
    const table = el("div", { class: "scroll", id: "compare-table", tabindex: 0, role: "group",
      "aria-label": "scores" });
    const images = chooser({ id: "compare", call: "compare/run", mask: true,
      more: () => ({ other: other.value }), onanswer: take });
    const three = pictures.map((one, i) => el("div", {}, titles[i], one, i === 2 ? keys : null));
    const found = el("div", { hidden: true }, controls(opacity), el("div", { class: "three" }, three),
      said, table);
    const all = el("div", { hidden: true }, images, found);
    root.append(hint(others.length
      ? "One image through two models that know the same classes; with a true mask both are scored."
      : "There is no second model here: start the app with `--against CHECKPOINT`, or train another run."),
    controls(other), all);
    other.hidden = !others.length;
    onTheme(paint);
    if (other.value) await open();

    async function open() {
      all.hidden = !other.value;
      if (other.value && !(await images.offer(start))) other.value = models?.[1].key ?? "";
      all.hidden = !other.value;
    }

    function take(answer) {
      found.hidden = false;
      image = unpack(answer.image);
      truth = answer.target && unpack(answer.target).values;
      models = answer.models.map((one) => ({ ...one, mask: unpack(one.mask).values }));
      share = answer.disagreement;
      labels = models.map(({ key }) => labelOf(start, key));
      pictures.forEach((one) => one.show(answer.image));
      paint();
      table.replaceChildren(scoreboard());
    }

    function told(row, column) {
      const i = row * image.shape[1] + column, name = (c) => start.classes[c]?.name ?? "not judged";
      const names = models.map(({ mask }) => name(mask[i])).join(" | ");
      return `row ${row}, column ${column}: ${names}${truth ? `, true: ${name(truth[i])}` : ""}`;
    }

    /** 0 the first alone is right, 1 the second, 2 neither, or nobody knows. */
    function kindOf(i) {
      if (!truth || truth[i] === NONE) return 2;
      return models[0].mask[i] === truth[i] ? 0 : models[1].mask[i] === truth[i] ? 1 : 2;
    }

    function paint() {
      if (!image) return;
      const [first, second] = models.map(({ mask }) => mask);
      const kinds = [rgb("--c0"), rgb("--c1"), rgb("--c3")];
      tint();
      const codes = Uint8Array.from(first, (c, i) => (c === second[i] ? 0 : 1 + kindOf(i)));
      pictures[2].overlay(painted(image, codes, [null, ...kinds.map((colour) => [colour, 0.9])], 0.45));
      [...labels, "where they differ"].forEach((text, i) => (titles[i].textContent = text));
      keys.replaceChildren(...swatches(truth ? [["only the first is right", kinds[0]],
        ["only the second is right", kinds[1]], ["neither", kinds[2]]] : [["different", kinds[2]]]));
      const right = truth ? rights(first, second) : "";
      said.textContent = `They disagree on ${percent(share, 2)} of the pixels${right}.`;
    }

    function tint() {
      models.forEach(({ mask }, i) => pictures[i].overlay(overlaid(image, mask, colours, opacity.value)));
    }

    /** Who is right where they differ. */
    function rights(first, second) {
      const counts = [0, 0, 0];
      for (let i = 0; i < first.length; i++)
        if (first[i] !== second[i] && truth[i] !== NONE) counts[kindOf(i)]++;
      const all = counts[0] + counts[1] + counts[2], [one, two] = counts.map((count) => percent(count / all));
      return all ? `; there the first is right in ${one}, the second in ${two}` : "";
    }

    function scoreboard() {
      const rows = [["parameters", ({ parameters }) => short(parameters)],
        ["least time", ({ milliseconds }) => `${short(milliseconds, 3)} ms`]];
      for (const [name, key] of truth ? MEANS : []) rows.push([name, ({ scores }) => short(scores[key])]);
      start.classes.forEach(({ name, colour }, c) => {
        rows.push([[swatch(colour), `${name}: share`], ({ shares }) => percent(shares[c])]);
        const iou = ({ scores }) => short(scores.classes[c].iou);
        if (truth) rows.push([[swatch(colour), `${name}: IoU`], iou]);
      });
      const cells = (tag, texts) => texts.map((text) => el(tag, { class: "number" }, text));
      const line = ([title, show]) => el("tr", {}, el("td", {}, title), cells("td", models.map(show)));
      return el("table", {}, el("thead", {}, el("tr", {}, el("th"), cells("th", labels))),
        el("tbody", {}, rows.map(line)));
    }
  },
};

const labelOf = (start, key) => start.models.find((one) => one.key === key)?.label ?? key;

/** What the first model can be compared with: in a saved page what it holds. */
function offered(start) {
  const there = recorded("compare/run").map(({ other }) => other);
  return start.models.filter(({ key }) => key !== start.key && (!exported || there.includes(key)));
}
