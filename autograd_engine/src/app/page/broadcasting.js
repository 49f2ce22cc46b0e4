/* Two shapes by the rule of broadcasting, and which elements are read together. */

import { ask, exported, latest } from "ask";
import { button, controls, select, textbox } from "controls";
import { calm, complain, el, hint } from "dom";
import { count, lattice, numbers, position, tuple, unravel } from "lattice";

/** The part of the sandbox for two tensors, as nodes. */
export async function broadcasting(start) {
  let answer = null;
  const texts = start.pairs.map(([first, second]) => [first.join(", "), second.join(", ")]);
  const pair = select({
    id: "sandbox-pair",
    label: "two shapes",
    options: start.pairs.map(([a, b], i) => [i, `${tuple(a)} and ${tuple(b)}`]),
    onchange: (i) => (([first.value, second.value] = texts[i]), load()),
  });
  const first = textbox({ id: "sandbox-first", label: "the first", value: texts[0][0] });
  const second = textbox({ id: "sandbox-second", label: "the second", value: texts[0][1] });
  const go = button({ id: "sandbox-broadcast", label: "broadcast", onclick: () => load() });
  const table = el("table", { id: "sandbox-rule" });
  const said = el("p", { id: "sandbox-said" });
  const readout = el("p", { id: "sandbox-pairs", class: "mono card", role: "status" });
  const result = lattice({ id: "sandbox-sum", label: "first + second", onpoint: (n) => point(n) });
  const operands = [0, 1].map((side) =>
    lattice({ id: `sandbox-operand${side}`, label: "", onpoint: (cell) => backwards(side, cell) }),
  );
  const pictures = el("div", { class: "row" }, operands, result);

  const asked = latest((question) => ask("sandbox/broadcast", question));
  async function load() {
    try {
      const found = await asked({ first: numbers(first.value), second: numbers(second.value) });
      if (found) show(found);
    } catch (error) {
      complain(error);
    }
  }
  for (const box of [first, second])
    box.addEventListener("keydown", (event) => event.key === "Enter" && load());

  function show(found) {
    calm();
    answer = found;
    const size = (n) => el("td", { class: "number" }, n ?? "–");
    table.replaceChildren(
      el(
        "tr",
        {},
        ["axis", "first", "second", "result"].map((name) => el("th", { class: "number" }, name)),
        el("th", {}, "rule"),
      ),
      ...found.rows.map((row) =>
        el(
          "tr",
          { class: row.size === null ? "bad" : "" },
          size(row.axis),
          size(row.first),
          size(row.second),
          size(row.size),
          el("td", {}, row.why),
        ),
      ),
    );
    pictures.hidden = readout.hidden = found.shape === null;
    if (found.shape === null) return (said.textContent = found.sentence);
    said.replaceChildren(...found.sides.map((side, i) => el("span", { class: "block" }, toldOf(side, i))));
    found.sides.forEach((side, i) =>
      operands[i].show(
        side.shape,
        Array.from({ length: side.size }, (_, n) => String(n)),
        `${NAMES[i]} ${tuple(side.shape)}`,
      ),
    );
    result.show(
      found.shape,
      Array.from({ length: count(found.shape) }, (_, n) => cells(n).join("+")),
      `first + second: ${tuple(found.shape)}, by number of cell`,
    );
    readout.textContent = "Point at an element of the result, or of the two.";
  }

  /** The cells of both that element n of the result reads. */
  const cells = (n) => answer.sides.map(({ strides }) => position(unravel(n, answer.shape), strides, 0));

  function light(which) {
    result.light({ lit: which });
    operands.forEach((one, side) => one.light({ lit: which.map((n) => cells(n)[side]) }));
  }

  function point(n) {
    light(n === null ? [] : [n]);
    if (n === null) return;
    const index = unravel(n, answer.shape);
    const terms = answer.sides.map(({ strides }, i) => {
      const sum = index.map((at, axis) => `${at}·${strides[axis]}`).join(" + ");
      return `${NAMES[i]} ${sum || "0"} = cell ${cells(n)[i]}`;
    });
    readout.textContent = `result ${tuple(index)} reads ${terms.join("; ")}`;
  }

  function backwards(side, cell) {
    if (cell === null) return light([]);
    const readers = Array.from({ length: count(answer.shape) }, (_, n) => n).filter(
      (n) => cells(n)[side] === cell,
    );
    light(readers);
    const times = readers.length > 1 ? `${readers.length} times` : "once";
    const parts = `its gradient is the sum of ${readers.length}`;
    readout.textContent = `cell ${cell} of the ${NAMES[side]} is read ${times}: ${parts}`;
  }

  show(start.broadcast);
  return [
    el("h2", {}, "Broadcasting"),
    hint(ABOUT),
    controls(pair, ...(exported ? [] : [first, second, go])),
    el("div", { class: "scroll" }, table),
    said,
    readout,
    pictures,
  ];
}

const ABOUT =
  "Shapes are compared from the right, axis by axis: equal sizes fit, and a size of 1 fits any. What " +
  "has size 1, or no such axis, is read again and again by stride 0; nothing is copied.";
const NAMES = ["first", "second"];

function toldOf({ before, strides, repeated }, i) {
  const sum = repeated.length
    ? `its gradient is summed over axis ${repeated.join(" and ")}`
    : "its gradient is not summed";
  return `${NAMES[i]}: strides ${tuple(before)} become ${tuple(strides)}; backward, ${sum}. `;
}
