/* Test-time scaling: what n answers are worth on average, and how one problem's vote falls. */

import { ask, exported, listen, recording } from "ask";
import { chart } from "chart";
import { button, controls, select, slider, toggle } from "controls";
import { calm, complain, el, hint, say } from "dom";
import { votes } from "votes";

const AXES = [
  ["budget", "answers, attempts or slots (N)"],
  ["tokens", "tokens written for a problem"],
  ["cpu_seconds", "CPU-seconds for all problems"],
];

const HERE = "measured here";

export const scaling = { id: "scaling", title: "Test-time scaling", build };

async function build(root) {
  const start = await ask("scaling/start");
  root.append(
    hint(
      "A model that may answer more than once can be asked for the answer that most of its answers agree on " +
        "(majority vote), or for any that a verifier accepts (best of N). What that is worth for each N, with " +
        "95 % intervals over the problems, and below on one problem.",
    ),
  );
  if (start.results.length || start.reasoners.length) root.append(curves(start));
  if (start.missing) root.append(el("p", { id: "scaling-missing" }, start.missing));
  else root.append(await votes(start));
}

/** Accuracy by method: saved results, and one that is measured here. */
function curves(start) {
  let result = start.result;
  let own = null; // measured here
  let running = null;
  const offered = start.results.map((name) => [name, name]);
  const along = select({ id: "scaling-axis", label: "along", options: AXES, onchange: draw });
  const intervals = toggle({ id: "scaling-intervals", label: "95 % intervals", onchange: draw });
  const doubling = toggle({ id: "scaling-log", label: "log₂ axis", onchange: draw });
  const saved = select({
    id: "scaling-result",
    label: "result",
    options: offered,
    onchange: (name) => choose(name).catch(complain),
  });
  const who = select({
    id: "scaling-who",
    label: "measure here",
    options: start.reasoners.map((name) => [name, name]),
  });
  const problems = slider({
    id: "scaling-problems",
    label: "problems",
    min: 10,
    max: start.most,
    step: 10,
    value: start.problems,
  });
  const go = button({ id: "scaling-measure", label: "measure", onclick: measure });
  const title = el("p", { id: "scaling-title", class: "mono" });
  const picture = (x) =>
    chart({ id: "scaling-chart", label: "share of problems answered rightly", x, y: "accuracy", height: 300 });
  const charts = new Map(
    AXES.flatMap(([name, label]) => [
      [`${name} false`, picture(label)],
      [`${name} true`, picture(`log₂ of ${label}`)],
    ]),
  );
  const plot = el("div", {});
  const table = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "figures" });
  const node = el(
    "div",
    {},
    controls(start.results.length ? saved : "", along, doubling, intervals),
    start.reasoners.length ? controls(who, exported ? "" : problems, go) : "",
    title,
    plot,
    table,
  );
  if (result) draw();

  async function choose(name) {
    result = name === HERE ? own : await ask("scaling/result", { name });
    calm();
    draw();
  }

  async function measure() {
    if (running) return running.stop();
    const given = { reasoner: who.value, ...(exported ? {} : { problems: problems.value }) };
    const take = (frame) => {
      result = own = { ...frame, problems: frame.done, split: "test" };
      saved.offer([...offered, [HERE, HERE]]);
      saved.value = HERE;
      say(frame.done < frame.of ? `${frame.done} of ${frame.of} problems…` : "");
      draw();
    };
    if (exported) return take(recording("scaling/measure", given).at(-1));
    running = listen("scaling/measure", given, take);
    go.textContent = "stop";
    try {
      await running.ended;
    } finally {
      running = null;
      go.textContent = "measure";
      say("");
    }
  }

  function draw() {
    if (!result) return;
    const { points, task, split, samples } = result;
    const x = along.value;
    const place = (point) => (doubling.value ? Math.log2(Math.max(point[x], 1e-6)) : point[x]);
    const methods = [...new Set(points.map(({ method }) => method))];
    const lines = methods.map((name) => {
      const own = points.filter(({ method }) => method === name);
      return { name, own, x: own.map(place), y: own.map(({ accuracy }) => accuracy), dots: true };
    });
    const ends = intervals.value
      ? lines.flatMap(({ name, own, x: at }) =>
          ["low", "high"].map((end) => ({
            name: `${name}, ${end}`,
            x: at,
            y: own.map((point) => point[end]),
            dashed: true,
          })),
        )
      : [];
    const shown = charts.get(`${x} ${doubling.value}`);
    plot.replaceChildren(shown);
    shown.show([...lines, ...ends]);
    title.textContent = `${task}, ${result.problems} ${split} problems, ${samples} answers to each`;
    table.replaceChildren(figuresOf(points));
  }
  return node;
}

function figuresOf(points) {
  const names = ["method", "N", "accuracy", "95 % interval", "tokens", "CPU-seconds"];
  const head = names.map((name, i) => el("th", { class: i ? "number" : null }, name));
  const cell = (text) => el("td", { class: "number" }, text);
  const row = ({ method, budget, accuracy, low, high, tokens, cpu_seconds }) =>
    el(
      "tr",
      {},
      el("td", {}, method),
      cell(budget),
      cell(accuracy.toFixed(3)),
      cell(`${low.toFixed(3)} to ${high.toFixed(3)}`),
      cell(tokens.toFixed(1)),
      cell(cpu_seconds.toFixed(2)),
    );
  const body = el("tbody", {}, points.map(row));
  return el("table", { id: "scaling-table" }, el("thead", {}, el("tr", {}, head)), body);
}
