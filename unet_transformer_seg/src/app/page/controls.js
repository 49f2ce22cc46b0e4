// pattern: app/page/controls.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/controls.js --from <sub-project>
/* Sliders, selects, switches, buttons, texts, files: each a label with its control in it. */

import { calm, complain, el, short } from "dom";

/** Controls in a row that wraps. */
export const controls = (...nodes) => el("div", { class: "controls" }, nodes);

/** The node gets a `value` that is read and set through its control. */
function holding(node, get, set) {
  Object.defineProperty(node, "value", { get, set });
  return node;
}

/**
 * A slider with its value beside it. `show` turns the value into text, `log` makes its
 * steps factors: then `step` is the number of positions (100).
 */
export function slider({ id, label, min, max, step = 1, value, show = short, oninput, log = false }) {
  const steps = log ? (step > 1 ? step : 100) : 0;
  const toPosition = (v) => (log ? Math.round((steps * Math.log(v / min)) / Math.log(max / min)) : v);
  const rounded = (p) => Number((min * (max / min) ** (p / steps)).toPrecision(3));
  const toValue = (p) => (log ? Math.min(max, Math.max(min, rounded(p))) : p);
  const range = log ? { min: 0, max: steps, step: 1 } : { min, max, step };
  const output = el("output");
  const input = el("input", { id, type: "range", ...range });
  input.value = toPosition(value);
  const current = () => toValue(Number(input.value));
  const tell = () => {
    output.textContent = show(current());
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => (tell(), oninput?.(current())));
  tell();
  const node = el("label", { class: "slider" }, el("span", {}, label, " ", output), input);
  node.limits = (least, most) => {
    [input.min, input.max] = [least, most];
    tell();
  };
  return holding(node, current, (v) => ((input.value = toPosition(v)), tell()));
}

/** One of several: `options` are [value, text]. */
export function select({ id, label, options, value, onchange }) {
  const input = el("select", { id });
  const fill = (all) => input.replaceChildren(...all.map(([v, text]) => el("option", { value: v }, text ?? v)));
  fill(options);
  if (value !== undefined) input.value = value;
  input.addEventListener("change", () => onchange?.(input.value));
  const node = el("label", {}, el("span", {}, label), input);
  /** Other options; the choice stays if it is still there. */
  node.offer = (all) => {
    const before = input.value;
    fill(all);
    if (all.some(([v]) => String(v) === before)) input.value = before;
  };
  return holding(node, () => input.value, (v) => (input.value = v));
}

/** A switch. */
export function toggle({ id, label, value = false, onchange }) {
  const input = el("input", { id, type: "checkbox" });
  input.checked = value;
  input.addEventListener("change", () => onchange?.(input.checked));
  const node = el("label", { class: "toggle" }, input, el("span", {}, label));
  return holding(node, () => input.checked, (v) => (input.checked = v));
}

/** Do it; a fault, also a later one, is told in a sentence, and an earlier sentence goes. */
export async function attempt(action) {
  calm();
  try {
    await action();
  } catch (error) {
    complain(error);
  }
}

export const button = ({ id, label, onclick, title }) =>
  el("button", { id, type: "button", title, onclick: () => attempt(onclick) }, label);

/** A line of text, or several. */
export function textbox({ id, label, value = "", oninput, multiline = false, placeholder }) {
  const input = el(multiline ? "textarea" : "input", { id, placeholder, spellcheck: "false", rows: multiline ? 3 : null });
  input.value = value;
  input.addEventListener("input", () => oninput?.(input.value));
  const node = el("label", { class: multiline ? "text wide" : "text" }, el("span", {}, label), input);
  return holding(node, () => input.value, (v) => (input.value = v));
}

/** A file, chosen or dropped on it. */
export function picker({ id, label, accept, onfile }) {
  const take = (file) => file && attempt(() => onfile(file));
  const input = el("input", { id, type: "file", accept });
  input.addEventListener("click", () => (input.value = "")); // the same file may be chosen again
  input.addEventListener("change", () => take(input.files[0]));
  const node = el("label", { class: "picker" }, el("span", {}, label), input);
  node.addEventListener("dragover", (event) => (event.preventDefault(), node.classList.add("over")));
  node.addEventListener("dragleave", () => node.classList.remove("over"));
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    node.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  return node;
}
