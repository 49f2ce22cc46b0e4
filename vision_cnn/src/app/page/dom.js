// pattern: app/page/dom.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/dom.js --from <sub-project>
/* Elements, numbers as text, colours, and the two lines in which a page speaks. */

/** An element with attributes (`onclick` and the like are listeners) and children. */
export const el = (tag, given, ...children) =>
  furnish(document.createElement(tag), given, children);

export const svg = (tag, given, ...children) =>
  furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), given, children);

function furnish(node, given, children) {
  for (const [key, value] of Object.entries(given ?? {})) {
    if (key.startsWith("on")) {
      if (value) node.addEventListener(key.slice(2), value);
    } else if (key.startsWith("aria-") && value != null) node.setAttribute(key, String(value));
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** A paragraph that explains; `code` between backticks. */
export const hint = (text) =>
  el("p", { class: "hint" }, text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part)));

/** A number in few digits; text as it is; nothing as a dash. */
export function short(value, digits = 4) {
  if (value == null) return "–";
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return String(value).replace("-", "−");
  if (value === 0) return "0";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en").replace("-", "−");
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e9) return value.toExponential(Math.max(0, digits - 2)).replaceAll("-", "−");
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

export const percent = (share, digits = 1) => (!Number.isFinite(share) ? "–" : `${(100 * share).toFixed(digits)} %`);

/** What a CSS variable says at the moment, light or dark. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** [red, green, blue] of a CSS variable written as #rrggbb. */
export function rgb(name) {
  const digits = colour(name).slice(1);
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}

/**
 * Call `draw` when light and dark change, or the window gets another width; no longer
 * once `node` has left the page.
 */
export function onTheme(draw, node = document.body) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let width = innerWidth, seen = false;
  const forget = new AbortController(), signal = forget.signal;
  const change = () => {
    seen ||= node.isConnected; // before that it is only being built
    if (seen && !node.isConnected) forget.abort();
    else draw();
  };
  dark.addEventListener("change", change, { signal });
  addEventListener("resize", () => innerWidth !== width && ((width = innerWidth), change()), { signal });
}

/** Call `draw` once the node has a width: at once, or when its panel is opened. */
export function whenSeen(node, draw) {
  new ResizeObserver((_, observer) => {
    if (!node.clientWidth) return;
    observer.disconnect();
    draw();
  }).observe(node);
}

/** Call `draw` whenever the node gets another width, also when its panel is opened. */
export function onWidth(node, draw) {
  let width = 0;
  new ResizeObserver(() => {
    if (!node.clientWidth || node.clientWidth === width) return;
    width = node.clientWidth;
    draw();
  }).observe(node);
}

/** What is going on, in the status line. */
export const say = (text) => (byId("status").textContent = text);

/** A sentence about what cannot be done; it stays until something works. */
export function complain(problem) {
  say("");
  byId("problem").textContent = problem instanceof Error ? problem.message : String(problem);
  byId("problem").hidden = false;
}

export const calm = () => (byId("problem").hidden = true);
