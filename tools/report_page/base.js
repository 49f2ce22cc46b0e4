/* The data of the page, and helpers. What comes from a run becomes text, never HTML. */

const byId = (id) => document.getElementById(id);
const parse = (id) => JSON.parse(byId(id).textContent);
const DATA = parse("data");
DATA.runs.forEach((run, id) => (run.id = id));

/** An element with attributes (`onclick` and the like are listeners) and children. */
const el = (tag, given, ...children) => furnish(document.createElement(tag), given, children);
const svg = (tag, given, ...children) =>
  furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), given, children);

function furnish(node, given, children) {
  for (const [key, value] of Object.entries(given ?? {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child != null));
  return node;
}

/** Fill a <select>; the choice stays if it is still there. */
function offer(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text ?? value)));
  if (options.some(([value]) => value === before)) select.value = before;
}

/** A number in few digits; text as it is; nothing as a dash. */
function short(value, digits = 4) {
  if (value == null) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en");
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

/** A setting as one would type it. */
function exact(value) {
  if (value === undefined) return "absent";
  return typeof value === "string" ? value || "(empty)" : JSON.stringify(value);
}

function duration(seconds) {
  if (typeof seconds !== "number") return short(seconds);
  if (seconds < 100) return `${short(seconds, 3)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

const when = (start) => start.slice(0, 16).replace("T", " ") || "–";
const some = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
const unique = (values) => [...new Set(values)];
const isNumber = (value) => typeof value === "number";

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard deviation of a sample, n - 1 below; none of a single value. */
function deviation(values) {
  if (values.length < 2) return null;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** A setting of a run: its own, or what is most common in its sub-project. */
function setting(run, key) {
  if (key === "seed") return run.seed ?? undefined;
  if (Object.hasOwn(run.own, key)) return run.own[key];
  if (!run.known || run.missing.includes(key)) return undefined;
  const usual = DATA.common[run.project] ?? {};
  return Object.hasOwn(usual, key) ? usual[key][0] : undefined;
}

/** [key, value] of all that this run has otherwise than most of its sub-project. */
function differences(run) {
  const own = Object.entries(run.own);
  return own.concat(run.missing.map((key) => [key, undefined]));
}

/** Text with `commands` in it, as nodes. */
function withCode(text) {
  return text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

/** A name on one line: if it is long, its middle gives way, for runs differ at the end. */
function oneLine(name) {
  const letters = [...name];
  const tail = letters.splice(-20).join("");
  return letters.length > 14 ? [el("span", { class: "head" }, letters.join("")), tail] : [name];
}

/** A name on several lines, broken where one would. */
const breakable = (name) =>
  name.split(/(?<=[/,_=-])/).flatMap((part) => [part, el("wbr")]);

const swatch = (slot, kind) =>
  svg(
    "svg",
    { class: `swatch s${slot % 8} ${kind || ""}`, viewBox: "0 0 22 8", "aria-hidden": "true" },
    svg("line", { x1: 1, x2: 21, y1: 4, y2: 4, "stroke-dasharray": dashOf(slot) }),
  );
/** Eight colours, then the same ones broken. */
const dashOf = (slot) => ["", "7 3", "2 3", "9 3 2 3"][Math.floor(slot / 8) % 4];
