/* Byte pairs merge by merge: the text as cut by the first n, and which of them join something. */

import { button, controls, select, slider } from "controls";
import { el, hint, short } from "dom";
import { visible } from "encode";
import { pairOf, spread, strip } from "strip";

const LISTED = 150; // merges
const FIRST = 100; // merges at the start

/** `.offer(row)` adds a tokenizer {name, tokenizer, strip}; `.show()` when the text has changed. */
export function merging(textNow) {
  let row = null;
  let fired = []; // [rank, places] of the merges that join something
  const known = new Map();
  const figures = el("p", { id: "tokens-merge", class: "mono" });
  const line = strip({ id: "tokens-merged", label: "the text with these merges" });
  const listed = el("p", { id: "tokens-merges", class: "chips" });
  const which = select({
    id: "tokens-which",
    label: "tokenizer",
    options: [],
    onchange: () => (pick(), show()),
  });
  const count = slider({ id: "tokens-count", label: "merges", min: 0, max: 1, value: 0, oninput: apply });
  const jump = (to) => to !== undefined && ((count.value = to), line.isConnected && apply());
  const next = button({
    id: "tokens-next",
    label: "next that joins ▷",
    onclick: () => jump(fired.map(([rank]) => rank + 1).find((n) => n > count.value)),
  });
  const back = button({
    id: "tokens-back",
    label: "◁ back",
    onclick: () => jump(fired.map(([rank]) => rank).findLast((n) => n < count.value)),
  });
  const node = el(
    "article",
    {},
    el("h2", {}, "Merge by merge"),
    hint("With the first n merges the text is cut as by a tokenizer that has learnt no more than these."),
    controls(which, back, next, count),
    figures,
    line,
    listed,
  );

  function pick() {
    row = known.get(which.value);
    count.limits(0, row.tokenizer.merges.length);
    count.value = Math.min(count.value, row.tokenizer.merges.length);
  }

  /** Another tokenizer to choose, and the one that is shown. */
  function offer(one) {
    known.set(one.strip.id, one);
    which.offer([...known].map(([id, { name }]) => [id, name]));
    which.value = one.strip.id;
    pick();
    jump(Math.min(FIRST, one.tokenizer.merges.length));
  }

  function show() {
    fired = row.tokenizer.encode(textNow()).fired;
    const chip = ([rank, places]) =>
      el(
        "button",
        { type: "button", onclick: () => jump(rank + 1), "data-rank": rank },
        `${rank + 1} ${pairOf(row.tokenizer, rank)}`,
        places > 1 ? ` ×${places}` : "",
      );
    const chips = fired.slice(0, LISTED).map(chip);
    const rest = fired.length - chips.length;
    const all = short(row.tokenizer.merges.length);
    listed.replaceChildren(
      `${short(fired.length)} of ${all} merges join something here: `,
      ...chips,
      rest ? ` … and ${rest} more` : "",
    );
    apply();
  }

  function apply() {
    const n = count.value;
    const { tokenizer } = row;
    const { ids } = tokenizer.encode(textNow(), n);
    line.show(spread(tokenizer, ids));
    const places = fired.find(([rank]) => rank === n - 1)?.[1] ?? 0;
    const made = n && visible(tokenizer.piece(tokenizer.made[n - 1]));
    const here = places ? `${places} time${places === 1 ? "" : "s"} here` : "nowhere here";
    const what = n ? `merge ${n}: ${pairOf(tokenizer, n - 1)} → [${made}], ${here}` : "no merge yet: bytes";
    figures.textContent = `${what}, ${short(ids.length)} tokens`;
    for (const chip of listed.querySelectorAll("button"))
      chip.setAttribute("aria-pressed", Number(chip.dataset.rank) < n);
  }
  node.offer = offer;
  node.show = () => row && show();
  return node;
}

