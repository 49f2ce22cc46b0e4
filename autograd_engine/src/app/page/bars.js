// pattern: app/page/bars.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/bars.js --from <sub-project>
/* Named values as bars, largest value the full width; below zero to the left. */

import { el, short } from "dom";

/** `show` turns a value into text; `onpick(row, index)` makes the names buttons. */
export function bars({ id, label, show = short, onpick }) {
  const list = el("ul", { class: "bars", id, "aria-label": label });
  const node = el("figure", {}, label ? el("figcaption", {}, label) : null, list);

  function line(row, index, most, signed) {
    const { name, value, note, faint, chosen } = row;
    const bar = el("span", { class: value < 0 ? "bar below" : "bar" });
    const share = Math.min(100, (100 * Math.abs(value ?? 0)) / most);
    bar.style.width = `${signed ? share / 2 : share}%`;
    if (signed) bar.style.marginLeft = `${value < 0 ? 50 - share / 2 : 50}%`;
    const title = onpick
      ? el("button", { type: "button", class: "name", title: name, "aria-pressed": Boolean(chosen), onclick: () => onpick(row, index) }, name)
      : el("span", { class: "name", title: name }, name);
    const kind = [faint && "faint", chosen && "chosen"].filter(Boolean).join(" ");
    return el("li", { class: kind, "aria-current": chosen || null }, title, el("span", { class: "track" }, bar),
      el("span", { class: "value" }, show(value), note ? el("small", {}, ` ${note}`) : null));
  }

  /** Rows of {name, value, note, faint, chosen}; `max` is the value of a full bar. */
  node.show = (rows, max) => {
    const signed = rows.some(({ value }) => value < 0);
    const most = max ?? (Math.max(...rows.map(({ value }) => Math.abs(value ?? 0)), 0) || 1);
    const focused = [...list.children].findIndex((row) => row.contains(document.activeElement));
    list.replaceChildren(...rows.map((row, index) => line(row, index, most, signed)));
    list.children[focused]?.querySelector("button")?.focus();
  };
  return node;
}
