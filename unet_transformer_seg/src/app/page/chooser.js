/* The image that the panels look at: an example or a file. A choice in one panel holds in all. */

import { ask, exported, latest, recorded, upload } from "ask";
import { controls, picker } from "controls";
import { calm, complain, el, hint, say, whenSeen } from "dom";
import { gallery } from "gallery";

const ACCEPT = ".png,.jpg,.jpeg,.tif,.tiff,image/png,image/jpeg,image/tiff";
let chosen = { example: "", image: null, mask: null };
let version = 0;
const everyone = [];

/**
 * Asks `call` about each choice, with what `more()` adds, and gives the answer to `onanswer`.
 * `mask`: whether the truth may be given too. `.offer(start)` sets the examples, then asks; it
 * gives whether there was an answer.
 */
export function chooser({ id, call, mask = false, more = () => ({}), onanswer }) {
  let start = null, seen = 0, following = false;
  const examples = gallery({ id: `${id}-examples`, label: "Examples", size: 56,
    onpick: ({ caption }) => take({ example: caption, image: null, mask: null }) });
  const own = picker({ id: `${id}-file`, label: "Your image (PNG, JPEG, TIFF)", accept: ACCEPT,
    onfile: async (file) => take({ example: "", image: await upload(file), mask: null }) });
  const truth = picker({ id: `${id}-truth`, label: "Its true mask (PNG, TIFF)", accept: ACCEPT,
    onfile: async (file) => take({ ...chosen, mask: await upload(file) }) });
  const note = hint("");
  const node = el("div", { class: "chooser" }, examples, note,
    exported ? null : controls(own, mask ? truth : null));
  const asked = latest((given) => ask(call, given));

  /** What is asked: an image, or an example that this panel's model has. */
  function question(choice) {
    const names = start.examples.map(({ name }) => name);
    const example = names.includes(choice.example) ? choice.example : names[0];
    const truly = mask && choice.mask ? { mask: choice.mask } : {};
    return { ...more(), ...(choice.image ? { image: choice.image } : { example }), ...truly };
  }

  /** True if it could be answered. */
  async function take(next) {
    if (!next.image && !start.examples.length) {
      if (next.mask) complain("choose the image first, then its mask");
      return !next.mask;
    }
    try {
      say("the model looks…");
      const answer = await asked(question(next));
      if (answer === null) return true;
      onanswer(answer);
      say("");
      calm();
      if (next !== chosen) version++;
      [chosen, seen] = [next, version];
      mark();
      if (!chosen.image) own.querySelector("input").value = "";
      if (!chosen.mask) truth.querySelector("input").value = "";
      for (const other of everyone) if (other !== node) other.follow();
      return true;
    } catch (error) {
      complain(error); // what was shown before stays, and so does the choice
      mark();
      return false;
    }
  }

  function mark() {
    const { example } = question(chosen);
    const item = ({ name, image }) => ({ image, caption: name, chosen: name === example });
    examples.show(start.examples.map(item));
  }

  /** Another panel has another image: the same one here, once this panel is open. */
  node.follow = () => {
    if (!start || following) return;
    following = true;
    whenSeen(node, () => {
      following = false;
      if (seen !== version) take(chosen);
    });
  };
  node.offer = async (given) => {
    const there = recorded(call).map(({ example }) => example);
    const kept = given.examples.filter(({ name }) => !exported || there.includes(name));
    start = { ...given, examples: kept };
    note.textContent = given.note;
    note.hidden = !given.note;
    examples.hidden = !kept.length;
    mark();
    return take(chosen);
  };
  everyone.push(node);
  return node;
}
