/* Switch off kernels, channels and blocks: what does the network still get right? */

import { ask, exported, latest, recorded } from "ask";
import { bars } from "bars";
import { button, controls, select, toggle } from "controls";
import { calm, complain, el, hint, percent } from "dom";

export const surgery = { id: "surgery", title: "Surgery", build };

async function build(root) {
  const start = await ask("surgery/start");
  const held = new Set(recorded("surgery/without").flatMap(({ off }) => off));
  const offered = (part) => !exported || held.has(part);
  const off = new Set();
  const summary = el("p", { id: "surgery-summary", class: "sum", "aria-live": "polite" });
  const list = el("p", { id: "surgery-off", class: "hint" });
  const classes = bars({ id: "surgery-classes", label: `share of the images of each class that is named rightly`, show: percent });
  const blocks = el("div", { class: "lines", id: "surgery-blocks" });
  const channels = el("div", { class: "controls checks", id: "surgery-channels" });
  const caption = el("p", { class: "hint" });
  const layers = start.layers.filter((one) => one.shown.some((channel) => offered(`${one.layer}:${channel}`)));
  const layer = select({ id: "surgery-layer", label: "layer", onchange: boxes,
    options: layers.map((one) => [one.layer, `${one.layer} · ${one.kind} · ${one.channels} ${one.kernels ? "kernels" : "channels"}`]) });
  const reset = button({ id: "surgery-reset", label: "all on again", onclick: () => (off.clear(), refresh()) });
  const asked = latest(async (parts) => (parts.length ? ask("surgery/without", { off: parts }) : { ...start, changed: 0 }));

  function box(part, id, label) {
    return toggle({ id, label, value: off.has(part), onchange: (is) => {
      if (exported && is) off.clear(); // a saved page knows each part by itself
      if (is) off.add(part);
      else off.delete(part);
      refresh();
    } });
  }

  function boxes() {
    const one = layers.find((some) => some.layer === layer.value);
    blocks.replaceChildren(...start.blocks.filter((some) => offered(some.layer))
      .map((some, i) => box(some.layer, `surgery-block-${i}`, `${some.layer}: ${some.off}`)));
    const shown = one ? one.shown.filter((channel) => offered(`${one.layer}:${channel}`)) : [];
    channels.replaceChildren(...shown.map((channel) => box(`${one.layer}:${channel}`, `surgery-channel-${channel}`, `${channel}`)));
    const kind = one?.kernels ? "kernels" : "channels";
    caption.textContent = one && shown.length < one.channels ? `${shown.length} of ${one.channels} ${kind}${one.kernels ? ", the strongest" : ""}` : `its ${kind}`;
  }

  async function refresh() {
    const focused = document.activeElement?.id;
    boxes();
    if (focused) document.getElementById(focused)?.focus();
    try {
      const after = await asked([...off].sort());
      if (after) show(after);
      calm();
    } catch (error) {
      complain(error);
    }
  }

  function show(after) {
    const share = `${percent(start.accuracy)}${off.size ? ` → ${percent(after.accuracy)}` : ""}`;
    const moved = off.size ? `; ${after.changed} images are named differently` : "";
    summary.textContent = `${share} of ${start.images} ${start.split} images${moved}`;
    list.textContent = off.size ? `off: ${[...off].join(", ")}` : "everything is on";
    classes.show(start.class_names.map((name, i) => ({ name, value: after.recall[i] ?? 0,
      note: off.size ? `was ${percent(start.recall[i])}` : "", chosen: after.recall[i] !== start.recall[i] })), 1);
  }

  const fewer = start.images < Math.min(start.most, start.of) ? " (fewer than 500, so that an answer takes about a second)" : "";
  root.append(
    hint(`${exported ? "This saved page knows each part by itself: what is ticked is off, one part at a time" : "Whatever is ticked is off"}. Each answer runs ${start.images} of the ${start.of} ${start.split} images, as many of each class${fewer}; blocks in front of the first part that is off are not computed again. A kernel or channel that is off gives zeros.`),
    el("div", { class: "columns" },
      el("div", {}, el("h2", {}, "Blocks"), blocks, el("h2", {}, "Kernels and channels"), controls(layer, reset), caption, channels),
      el("div", {}, summary, classes, list)));
  boxes();
  show({ ...start, changed: 0 });
}
