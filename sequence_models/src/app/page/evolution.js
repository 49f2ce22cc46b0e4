/* Tables of benches, studies and runs: sorted by any column, with curves of the chosen rows. */

import { ask } from "ask";
import { chart } from "chart";
import { button, controls, select, toggle } from "controls";
import { calm, complain, el, hint } from "dom";

const CHOSEN = 6; // rows at the start
const HIGH = /accuracy|tokens_per|pass|vote|greedy|format|reward|correct/; // more of it is better

export const evolution = { id: "evolution", title: "Evolution", build };

async function build(root) {
  const start = await ask("evolution/start");
  const [titles, axes] = [new Map(start.columns), new Map(start.axes)];
  let table = null;
  let sorting = null;
  let chosen = new Set();

  const source = select({
    id: "evolution-source",
    label: "table",
    options: start.sources,
    value: start.source,
    onchange: (name) => another(name).catch(complain),
  });
  const metric = select({ id: "evolution-metric", label: "curves of", options: [], onchange: draw });
  const axis = select({ id: "evolution-axis", label: "along", options: [], onchange: draw });
  const seeds = toggle({ id: "evolution-seeds", label: "each seed, not their mean", onchange: draw });
  const heights = toggle({ id: "evolution-log", label: "logarithmic", onchange: draw });
  const some = (label, rows) => button({ id: `evolution-${label}`, label, onclick: () => choose(rows()) });
  const about = el("div", { class: "hint", id: "evolution-about" });
  const body = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "table" });
  const plot = el("div", {});
  const charts = new Map();

  root.append(
    hint(
      "A row is a model with a recipe, or an arm of a study with its stage. Click a heading to sort, tick the " +
        "rows whose curves you want.",
    ),
    controls(source, metric, axis, seeds, heights),
    plot,
    controls(
      some("best", () => best()),
      some("all", () => table.rows.map((_, i) => i)),
      some("none", () => []),
    ),
    body,
    about,
  );
  open(start.table);

  async function another(name) {
    const found = await ask("evolution/table", { source: name });
    calm();
    open(found);
  }

  function open(found) {
    table = found;
    const sentences = table.about.map((sentence) => el("li", {}, sentence));
    about.replaceChildren(el("h2", {}, table.title), el("ul", {}, sentences));
    metric.offer(Object.keys(table.curves).map((name) => [name, name]));
    const first = ["bpb, validation", "pass@1, validation", "loss, validation"].find(
      (name) => name in table.curves,
    );
    if (first) metric.value = first;
    axis.offer(table.axes.map((name) => [name, axes.get(name) ?? name]));
    const columns = columnsOf(table.rows);
    sorting = columns.length ? { column: columns[0], up: !HIGH.test(columns[0]) } : null;
    choose(best());
  }

  function choose(rows) {
    chosen = new Set(rows);
    list();
    draw();
  }

  /** The first rows of the table as it is sorted that have a curve. */
  function best() {
    const drawn = new Set(Object.values(table.curves).flatMap((all) => all.map(({ row }) => row)));
    return sorted(table.rows, sorting).filter((row) => drawn.has(row)).slice(0, CHOSEN);
  }

  function list() {
    const columns = columnsOf(table.rows);
    const digits = columns.map((name) => digitsOf(table.rows.map(({ values }) => values[name] ?? 0)));
    const focused = document.activeElement?.dataset?.column;
    const rows = sorted(table.rows, sorting).map((i) => {
      const cells = columns.map((name, at) => figure(table.rows[i].values[name], digits[at]));
      return el("tr", {}, el("td", {}, tick(i)), cells.map((text) => el("td", { class: "number" }, text)));
    });
    const head = el("thead", {}, el("tr", {}, el("th", {}, "row"), columns.map(heading)));
    body.replaceChildren(el("table", { id: "evolution-table" }, head, el("tbody", {}, rows)));
    if (focused) body.querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
  }

  /** The title of a column; a click sorts, another one the other way round. */
  function heading(name) {
    const order = sorting.column !== name ? "none" : sorting.up ? "ascending" : "descending";
    const sort = () => {
      sorting = { column: name, up: order === "none" ? !HIGH.test(name) : !sorting.up };
      list();
    };
    const arrow = { ascending: " ▴", descending: " ▾", none: "" }[order];
    const title = `${titles.get(name) ?? name}${arrow}`;
    const press = el("button", { type: "button", class: "plain", onclick: sort, "data-column": name }, title);
    return el("th", { class: "number", "aria-sort": order }, press);
  }

  function tick(i) {
    const onchange = (yes) => (yes ? chosen.add(i) : chosen.delete(i), draw());
    return toggle({ id: `evolution-row-${i}`, label: called(table.rows[i]), value: chosen.has(i), onchange });
  }

  function columnsOf(rows) {
    const there = new Set(rows.flatMap(({ values }) => Object.keys(values)));
    return [
      ...[...there].filter((name) => !titles.has(name)),
      ...[...titles.keys()].filter((name) => there.has(name)),
    ];
  }

  function draw() {
    const rows = [...chosen].sort((a, b) => a - b);
    const lines = curves(table, rows, metric.value, axis.value, !seeds.value);
    const key = JSON.stringify([metric.value, axis.value]);
    if (!charts.has(key)) charts.set(key, picture());
    plot.replaceChildren(charts.get(key));
    charts.get(key).show(lines);
    charts.get(key).logarithmic(heights.value);
  }

  function picture() {
    const along = axes.get(axis.value) ?? axis.value;
    const x = axis.value === "rate" ? `log₁₀ of the ${along}` : along;
    return chart({ id: "evolution-chart", label: "", x, y: metric.value.split(",")[0], height: 300 });
  }
}

const called = ({ name, recipe }) => (recipe ? `${name}, ${recipe}` : name);

/** Places behind the point that all the figures of a column get. */
function digitsOf(values) {
  const most = Math.max(...values.map(Math.abs));
  return values.every(Number.isInteger) || most >= 1000 ? 0 : most < 10 ? 3 : 1;
}

const figure = (value, digits) =>
  value == null ? "–" : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Places of the rows in the order of a column; those without a value come last. */
function sorted(rows, sorting) {
  const order = rows.map((_, i) => i);
  if (!sorting) return order;
  const value = (i) => rows[i].values[sorting.column];
  const sign = sorting.up ? 1 : -1;
  return order.sort((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one == null || other == null) return (one == null) - (other == null) || a - b;
    return sign * (one - other) || a - b;
  });
}

/** Lines for the chart: of each row its seeds, or their mean where all were measured at the same steps. */
function curves(table, rows, metric, axis, mean) {
  const all = (table.curves[metric] ?? []).filter(({ x }) => x[axis]);
  return rows.flatMap((row, slot) => {
    const mine = all.filter((one) => one.row === row);
    const alike = new Set(mine.map(({ x }) => String(x.steps ?? x.tokens))).size === 1;
    const one = mean && alike && mine.length > 1;
    const shown = one ? [averaged(mine, axis)] : mine.map(({ x, y, seed }) => ({ x: along(x, axis), y, seed }));
    return shown.map(({ x, y, seed }) => {
      const name = called(table.rows[row]) + (shown.length > 1 ? `, seed ${seed}` : "");
      return { name, x, y, dashed: slot > 7, dots: axis === "rate" };
    });
  });
}

/** Learning rates are tried by factors. */
const along = (x, axis) => (axis === "rate" ? x.rate.map(Math.log10) : x[axis]);

function averaged(mine, axis) {
  const average = (lists) => lists[0].map((_, i) => lists.reduce((sum, one) => sum + one[i], 0) / lists.length);
  return { x: average(mine.map(({ x }) => along(x, axis))), y: average(mine.map(({ y }) => y)) };
}
