/* The image that is looked at: one for all panels, from the data or dropped by a visitor. */

import { ask, exported, recorded, upload } from "ask";
import { controls, picker } from "controls";
import { calm, complain, el, whenSeen } from "dom";
import { gallery } from "gallery";

let asked = null;
const images = [], listeners = [];
let current = null;

/** What `look/start` says, asked for once. */
export const about = () => (asked ??= ask("look/start").then(opened, (error) => ((asked = null), Promise.reject(error))));

function opened(start) {
  const held = new Set(recorded("look/predict").map(({ image }) => image));
  images.push(...start.examples.filter(({ image }) => !exported || held.has(image)));
  current = images[0] ?? null;
  return start;
}

/** {image, name, picture, true} that is looked at, or null where there is none. */
export const subject = () => current;

/** Examples and a place for a file. `draw` is called now and for every other image, once `root` is seen. */
export function chooser({ id, root, draw }) {
  const examples = gallery({ id: `${id}-examples`, label: "choose an image", size: 44, onpick: ({ which }) => choose(which) });
  const file = picker({ id: `${id}-file`, label: "or drop your own", accept: "image/*", onfile: drop });
  const show = () => examples.show(images.map((one) => ({ image: one.picture, caption: one.true ?? one.name, chosen: one === current, which: one })));
  const update = async () => {
    show();
    if (!current) return;
    try {
      await draw(current);
    } catch (error) {
      complain(error);
    }
  };
  listeners.push(() => whenSeen(root, update));
  show();
  return { node: el("div", {}, examples, exported ? null : controls(file)), update };
}

function choose(one) {
  current = one;
  calm();
  for (const listener of listeners) listener();
}

async function drop(file) {
  const one = await ask("look/drop", { upload: await upload(file) });
  images.push({ ...one, name: file.name });
  choose(images.at(-1));
}
