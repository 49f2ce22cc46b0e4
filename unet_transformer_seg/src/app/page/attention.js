/* What a token of the bottleneck looks at: every layer and head, from whole matrices. */

import { ask, exported, recorded, unpack } from "ask";
import { chooser } from "chooser";
import { controls, select, slider } from "controls";
import { calm, complain, el, hint, percent, short } from "dom";
import { heatmap } from "heatmap";
import { picture } from "picture";
import { lit } from "pixels";

const numbers = (count) => Array.from({ length: count }, (_, i) => i);
const choices = (count) => numbers(count).map((i) => [i + 1, String(i + 1)]);
const DIRECTIONS = [["from", "what the token looks at"], ["to", "who looks at the token"]];

export const attention = {
  id: "attention",
  title: "Attention",
  async build(root) {
    let start = await ask("attention/start");
    let scene, token = 0, maps = [];

    const model = select({ id: "attention-model", label: "model", options: offered(start),
      value: start.key, onchange: change });
    const layer = select({ id: "attention-layer", label: "layer", options: [], onchange: draw });
    const head = select({ id: "attention-head", label: "head", options: [], onchange: draw });
    const direction = select({ id: "attention-direction", label: "shown", options: DIRECTIONS,
      onchange: draw });
    const strength = slider({ id: "attention-strength", label: "strength", min: 0, max: 1, step: 0.05,
      value: 0.8, show: (v) => percent(v, 0), oninput: draw });
    const image = picture({ id: "attention-image", label: "Click a pixel: its token is framed.", size: 460,
      onpick: (row, column) => pick(tokenOf(row, column)) });
    const said = el("p", { class: "readout", id: "attention-said" });
    const grid = el("div", { class: "maps", id: "attention-maps" });
    const without = hint("");
    without.id = "attention-without";
    const images = chooser({ id: "attention", call: "attention/maps", more: () => ({ model: start.key }),
      onanswer: take });
    const found = el("div", { hidden: true }, controls(layer, head, direction, strength),
      el("div", { class: "columns" }, el("div", {}, image, said), grid));
    const all = el("div", {}, images, found);
    root.append(hint("A token is a square of pixels at the bottleneck. The image is yellow where the " +
      "attention goes; the maps show each layer and head on a scale of its own."),
    controls(model), without, all);
    await furnish();

    async function change(key) {
      try {
        start = await ask("attention/start", { model: key });
        calm();
        await furnish();
      } catch (error) {
        model.value = start.key;
        complain(error);
      }
    }

    async function furnish() {
      without.textContent = start.without;
      without.hidden = !start.without;
      all.hidden = Boolean(start.without);
      if (start.without) return;
      scene = null;
      found.hidden = true;
      layer.offer(choices(start.layers));
      layer.value = start.layers;
      head.offer([[0, "mean of all"], ...choices(start.heads)]);
      maps = numbers(start.layers).flatMap((l) => numbers(start.heads).map((h) => small(l, h)));
      grid.replaceChildren(...maps.map(({ node }) => node));
      await images.offer(start);
    }

    function small(l, h) {
      const map = heatmap({ id: `attention-map-${l}-${h}`, label: `Layer ${l + 1}, head ${h + 1}.`, cell: 8,
        onpick: (row, column) => pick(row * scene.columns + column),
        describe: (_row, _column, value) => percent(value, 2) });
      const spread = el("output", { class: "readout spread", id: `attention-spread-${l}-${h}` });
      return { l, h, map, spread, node: el("div", {}, map, spread) };
    }

    function take(answer) {
      scene = { ...answer, pixels: unpack(answer.image), weights: unpack(answer.weights).values,
        largest: unpack(answer.largest).values, spread: unpack(answer.spread).values,
        tokens: answer.rows * answer.columns };
      [scene.height, scene.width] = scene.pixels.shape;
      found.hidden = false;
      image.show(answer.image);
      pick(tokenOf(scene.height >> 1, scene.width >> 1));
    }

    function tokenOf(row, column) {
      const { top, left, stride, columns } = scene;
      return Math.floor((row + top) / stride) * columns + Math.floor((column + left) / stride);
    }

    function pick(given) {
      token = given;
      draw();
    }

    /** The weights of one layer and head that leave the token, or arrive there. */
    function weightsOf(l, h) {
      const { tokens, weights, largest } = scene, first = (l * start.heads + h) * tokens;
      const weight = (from, to) => (weights[(first + from) * tokens + to] / 255) * largest[first + from];
      const leaving = direction.value === "from";
      return Float32Array.from({ length: tokens }, (_, i) => (leaving ? weight(token, i) : weight(i, token)));
    }

    function draw() {
      if (!scene) return;
      const { rows, columns, tokens, spread } = scene;
      const l = layer.value - 1, h = head.value - 1, heads = h < 0 ? numbers(start.heads) : [h];
      const mean = new Float32Array(tokens);
      for (const one of maps) {
        const chosen = one.l === l && heads.includes(one.h), weights = weightsOf(one.l, one.h);
        if (chosen) weights.forEach((weight, i) => (mean[i] += weight / heads.length));
        one.map.show(weights, rows, columns);
        one.map.mark([placeOf(token)]);
        one.node.classList.toggle("chosen", chosen);
        const looks = spread[(one.l * start.heads + one.h) * tokens + token];
        one.spread.textContent = direction.value === "from" ? `as if at ${short(looks, 3)} tokens` : "";
      }
      const most = Math.max(...mean), weightAt = (y, x) => mean[tokenOf(y, x)] / (most || 1);
      image.overlay(lit(scene.pixels, weightAt, start.light, strength.value));
      image.mark([frame(placeOf(token))]);
      said.textContent = sentence(mean.indexOf(most), most, heads.length);
    }

    /** Row and column of a token. */
    function placeOf(i) {
      return [Math.floor(i / scene.columns), i % scene.columns];
    }

    /** [top, left, height, width] of a token, in pixels of the image. */
    function frame([row, column]) {
      const y = row * scene.stride - scene.top, x = column * scene.stride - scene.left;
      const [first, before] = [Math.max(0, y), Math.max(0, x)];
      return [first, before, Math.min(scene.height, y + scene.stride) - first,
        Math.min(scene.width, x + scene.stride) - before];
    }

    function sentence(other, most, heads) {
      const named = (i) => `token (${placeOf(i).join(", ")})`;
      const share = percent(most, 2), averaged = heads > 1 ? ", mean of the heads" : "";
      const whole = scene.whole.join() === `${scene.height},${scene.width}` ? ""
        : ` Of this image the middle, ${scene.width}x${scene.height} pixels, is looked at.`;
      if (direction.value === "to")
        return `The framed ${named(token)} is looked at most by ${named(other)}: ` +
          `${share} of its attention${averaged}.${whole}`;
      return `The framed ${named(token)} looks most at ${named(other)}: ${share}${averaged}; ` +
        `${percent(1 / scene.tokens, 2)} each if it looked everywhere alike.${whole}`;
    }
  },
};

/** The models that can be chosen: in a saved page those whose answers it holds. */
function offered(start) {
  const there = recorded("attention/start").map(({ model }) => model);
  const kept = start.models.filter(({ key }) => !exported || there.includes(key));
  return kept.map(({ key, label }) => [key, label]);
}
