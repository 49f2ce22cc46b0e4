/* One image as a training would show it in sixteen epochs, for any augmentation. */

import { ask, exported, latest, recorded, upload } from "ask";
import { controls, picker, select, slider, toggle } from "controls";
import { calm, complain, el, hint, percent, short } from "dom";
import { gallery } from "gallery";

export const augment = { id: "augment", title: "Augmentation", build };

const TITLES = {
  flip: "flip", crop: "crop: pixels added", crop_fill: "added pixels", degrees: "turn, degrees", translate: "move, share of the side",
  scale: "scale", shear: "lean, degrees", trivial: "TrivialAugment", cutout: "cut-out, pixels", erasing: "chance to erase",
  mixup: "mixup, alpha", cutmix: "CutMix, alpha",
};

async function build(root) {
  const start = await ask("augment/start");
  const known = new Set(recorded("augment/draws").map(({ image }) => image));
  const offered = start.images.filter(({ id }) => !exported || known.has(id));
  if (!offered.length && exported) throw new Error("this saved page holds no draws; start scripts/app.py");
  let chosen = offered[0] ?? null;

  const knobs = new Map(start.controls.map((about) => [about.name, knob(about, refresh)]));
  const presets = start.presets.map(([name, config]) => [name, name, config]);
  const preset = select({ id: "augment-preset", label: "settings", options: [["own", "own"], ["trained", "as the checkpoint was trained"], ...presets].slice(exported ? 2 : 0),
    value: "small images (CIFAR)", onchange: (name) => (set(name), refresh()) });
  const seed = slider({ id: "augment-seed", label: "seed", min: 0, max: 99, value: 0, oninput: refresh });
  const examples = gallery({ id: "augment-images", label: "an image", size: 56, onpick: (item) => ((chosen = item), refresh()) });
  const file = picker({ id: "augment-file", label: "or your own, which is scaled to the training's size", accept: "image/*", onfile: open });
  const draws = gallery({ id: "augment-draws", label: "epochs 1 to 16", size: 84 });
  const command = el("code", { id: "augment-command" });

  root.append(
    hint("Each picture is what the network would see of this image in that epoch of a training with this seed: the draws are a function of seed, epoch and image, so the same settings always show the same pictures. What is erased becomes the mean colour of the data."),
    el("div", { class: "columns" },
      el("div", {}, examples, exported ? null : file, controls(preset, exported ? null : seed),
        exported ? null : controls(...start.controls.filter(({ used }) => used).map(({ name }) => knobs.get(name)))),
      el("div", {}, draws, el("p", { class: "hint" }, "The same in a training: ", command))));
  examples.show(offered.map((item, i) => ({ ...item, chosen: i === 0 })));
  set(preset.value);
  const look = latest((given) => ask("augment/draws", given));
  await refresh();

  function config() {
    if (exported) return start.presets.find(([name]) => name === preset.value)[1];
    return Object.fromEntries(start.controls.flatMap(({ name, value }) => {
      const now = knobs.get(name).value;
      return now === value ? [] : [[name, now]];
    }));
  }

  function set(name) {
    if (name === "own") return;
    const given = name === "trained" ? start.trained : start.presets.find(([one]) => one === name)[1];
    for (const { name: knobName, value } of start.controls) knobs.get(knobName).value = given[knobName] ?? value;
  }

  async function refresh(turned) {
    if (turned !== undefined && turned !== null && !exported) presetOf();
    if (!chosen) return complain("the data of this checkpoint is not here; drop an image");
    try {
      const answer = await look({ image: chosen.id, config: config(), seed: exported ? 0 : seed.value });
      if (!answer) return;
      calm();
      draws.show(answer.draws.map((draw) => ({ image: draw.image, caption: caption(draw, chosen) })));
      command.textContent = `python scripts/train.py --config configs/….yaml ${answer.overrides.join(" ")}`.trim();
    } catch (problem) {
      complain(problem);
    }
  }

  /** The name of the settings, once a knob was turned away from them. */
  function presetOf() {
    const now = JSON.stringify(sorted(config()));
    const same = presets.find(([, , given]) => JSON.stringify(sorted(given)) === now);
    preset.value = same ? same[0] : "own";
  }

  async function open(dropped) {
    chosen = await ask("augment/drop", { upload: await upload(dropped) });
    examples.show([...offered, { ...chosen, caption: "your image", chosen: true }].map((item) => ({ ...item, chosen: item.id === chosen.id })));
    await refresh();
  }
}

function caption(draw, chosen) {
  if (!("share" in draw)) return `${draw.epoch}`;
  const own = chosen.caption || "this";
  return `${draw.epoch}: ${percent(draw.share, 0)} ${own}, ${percent(1 - draw.share, 0)} ${draw.class}`.replaceAll(" %", "\u00a0%");
}

const sorted = (config) => Object.keys(config).sort().map((name) => [name, config[name]]);

function knob({ name, kind, value, choices, min, max, step }, oninput) {
  const common = { id: `augment-${name}`, label: TITLES[name] ?? name, value };
  if (kind === "str") return select({ ...common, options: choices.map((c) => [c, c]), onchange: oninput });
  if (kind === "bool") return toggle({ ...common, onchange: oninput });
  return slider({ ...common, min, max, step, show: (v) => (v ? short(v) : "off"), oninput });
}
