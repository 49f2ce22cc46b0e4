/* Strides, views and broadcasting: which cell of the storage an element is. */

import { ask, exported, latest, recorded } from "ask";
import { button, controls, select, textbox } from "controls";
import { calm, complain, el, hint } from "dom";
import { count, lattice, numbers, position, tuple, unravel } from "lattice";
import { broadcasting } from "broadcasting";

const ABOUT =
  "A tensor is a flat storage and three things that read it: shape, strides, offset. Element (i, j) is " +
  "the cell i · strides[0] + j · strides[1] + offset. Point at an element, or move there with the arrow " +
  "keys, and its cell lights up; point at a cell, and all elements that read it do.";

const SAVED =
  "This saved page holds up to two of the suggested steps; with `python scripts/app.py` you type your own.";

export const sandbox = { id: "sandbox", title: "Strides and views", build };

async function build(root) {
  const start = await ask("sandbox/start");
  const held = new Set(recorded("sandbox/chain").map((given) => JSON.stringify([given.shape, given.steps])));
  let chain = null,
    at = 0;

  const shape = select({
    id: "sandbox-shape",
    label: "start with the shape",
    options: start.shapes.map((one) => [one.join(", "), tuple(one)]),
    onchange: (text) => ((own.value = text), load([])),
  });
  const own = textbox({ id: "sandbox-own", label: "or another", value: start.shapes[0].join(", ") });
  const step = textbox({ id: "sandbox-step", label: "or type a step", placeholder: "[1:, ::2]" });
  const apply = button({ id: "sandbox-apply", label: "apply", onclick: () => add(step.value) });
  const undo = button({ id: "sandbox-undo", label: "undo", onclick: () => load(steps().slice(0, -1)) });
  const next = el("div", { id: "sandbox-next", class: "controls", role: "group", "aria-label": "next step" });
  const trail = el("ol", { id: "sandbox-trail", class: "trail" });
  const facts = el("table", { id: "sandbox-facts" });
  const note = el("p", { id: "sandbox-note", class: "hint" });
  const readout = el("p", { id: "sandbox-readout", class: "mono card", role: "status" });
  const elements = lattice({ id: "sandbox-tensor", label: "elements", onpoint: (n) => point(n) });
  const storage = lattice({
    id: "sandbox-storage",
    label: "storage",
    strip: true,
    onpoint: (cell) => backwards(cell),
  });
  const source = lattice({ id: "sandbox-source", label: "copied from", strip: true });

  root.append(
    hint(exported ? `${ABOUT} ${SAVED}` : ABOUT),
    controls(
      shape,
      ...(exported ? [] : [own, button({ id: "sandbox-make", label: "make it", onclick: () => load([]) })]),
    ),
    trail,
    el("h2", {}, "Next step"),
    next,
    controls(...(exported ? [] : [step, apply]), undo),
    readout,
    el("div", { class: "columns" }, el("div", {}, note, facts), elements, el("div", {}, storage, source)),
    ...(await broadcasting(start)),
  );

  const asked = latest((question) => ask("sandbox/chain", question));
  const steps = () => chain.states.slice(1, at + 1).map(({ text }) => text);

  async function load(wanted) {
    try {
      const found = await asked({ shape: numbers(exported ? shape.value : own.value), steps: wanted });
      if (found) show(found);
      return found;
    } catch (error) {
      complain(error);
    }
  }
  const add = async (text) => (await load([...steps(), text])) && (step.value = "");
  for (const [box, go] of [
    [own, () => load([])],
    [step, () => add(step.value)],
  ])
    box.addEventListener("keydown", (event) => event.key === "Enter" && go());

  function show(found) {
    calm();
    const typing = next.contains(document.activeElement);
    chain = found;
    trail.replaceChildren(
      ...found.states.map(({ text }, n) =>
        el(
          "li",
          {},
          el("button", { type: "button", class: "mono", onclick: () => see(n) }, n ? text : `x = ${text}`),
        ),
      ),
    );
    next.replaceChildren(
      ...found.next.map((text) =>
        el("button", { type: "button", class: "mono", onclick: () => add(text) }, text),
      ),
    );
    see(found.states.length - 1);
    if (typing) (next.querySelector("button:enabled") ?? undo).focus(); // its button has gone
  }

  /** One state of the chain: all below is about it. */
  function see(n) {
    at = n;
    const state = chain.states[n],
      { from } = chain.storages[state.storage],
      values = valuesOf(state.storage);
    [...trail.querySelectorAll("button")].forEach((one, i) => one.setAttribute("aria-pressed", i === n));
    const last = n === chain.states.length - 1;
    next.querySelectorAll("button").forEach((one) => (one.disabled = !last || !within(one.textContent)));
    undo.disabled = n === 0;
    note.textContent = state.note;
    facts.replaceChildren(
      ...rowsOf(state, n === 0).map(([name, value]) =>
        el("tr", {}, el("th", {}, name), el("td", { class: "mono" }, value)),
      ),
    );
    elements.show(
      state.shape,
      cellsOf(state).map((cell) => String(values[cell])),
      `elements of shape ${tuple(state.shape)}`,
    );
    storage.show(
      [values.length],
      values.map(String),
      `storage ${state.storage}: ${values.length} cells, those outlined are read`,
    );
    storage.light({ member: cellsOf(state) });
    source.hidden = from === null;
    if (from) {
      const old = valuesOf(state.storage - 1);
      source.show(
        [old.length],
        old.map(String),
        `storage ${state.storage - 1}: what storage ${state.storage} was copied from, ${from.length} numbers`,
      );
      source.light({ member: from });
    }
    readout.textContent = "Point at an element or a cell.";
  }

  /** Whether one more step has an answer: at most so many, in a saved page those that it holds. */
  const within = (text) =>
    at < start.steps && (!exported || held.has(JSON.stringify([numbers(shape.value), [...steps(), text]])));

  const valuesOf = (which) => {
    const { size, from } = chain.storages[which];
    if (!from) return Array.from({ length: size }, (_, i) => i);
    const before = valuesOf(which - 1);
    return from.map((cell) => before[cell]);
  };

  function light(lit, cells) {
    const { from } = chain.storages[chain.states[at].storage];
    elements.light({ lit });
    storage.light({ lit: cells });
    if (from) source.light({ lit: cells.map((cell) => from[cell]) });
  }

  /** From an element to its cell. */
  function point(n) {
    const { shape: sizes, strides, offset, storage: which } = chain.states[at];
    if (n === null) return light([], []);
    const index = unravel(n, sizes),
      cell = position(index, strides, offset),
      { from } = chain.storages[which];
    light([n], [cell]);
    const sum = [...index.map((i, axis) => `${i}·${signed(strides[axis])}`), offset].join(" + ");
    readout.textContent =
      `element ${tuple(index)}: ${sum} = cell ${cell}` + (from ? `, copied from cell ${from[cell]}` : "");
  }

  /** From a cell to all elements that read it. */
  function backwards(cell) {
    if (cell === null) return light([], []);
    const state = chain.states[at],
      readers = cellsOf(state).flatMap((one, n) => (one === cell ? [n] : []));
    light(readers, [cell]);
    const names = readers.map((n) => tuple(unravel(n, state.shape)));
    readout.textContent =
      `cell ${cell}: ` +
      (names.length
        ? `read by ${names.length} element${names.length > 1 ? "s" : ""}, ${names.join(" ")}`
        : "read by no element");
  }

  show(start.chain);
}

/** Where each element of a state lies: index · strides + offset. */
const cellsOf = ({ shape, strides, offset }) =>
  Array.from({ length: count(shape) }, (_, n) => position(unravel(n, shape), strides, offset));

const signed = (stride) => (stride < 0 ? `(−${-stride})` : stride);

function rowsOf({ shape, strides, offset, contiguous, copied, storage, refused, engine }, first) {
  const origin = copied ? "new: a copy was made" : first ? "new" : "shared: nothing was copied";
  const level3 =
    engine && `${engine.shares ? "a view of the same memory" : "a copy"}, strides ${tuple(engine.strides)}`;
  return [
    ["shape", tuple(shape)],
    ["strides", tuple(strides)],
    ["offset", offset],
    ["storage", `${storage}, ${origin}`],
    ["contiguous", contiguous ? "yes" : "no"],
    ...(refused ? [["view(-1)", refused]] : []),
    ...(level3 ? [["level 3 (numpy)", level3]] : []),
  ];
}
