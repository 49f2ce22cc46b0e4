/* What is shown of the chosen runs: curves, settings, pictures; and the evidence below. */

/** Curves and legend of what is chosen. */
function showCurves() {
  const entries = chosenEntries();
  const runs = entries.flatMap((entry) => entry.runs);
  const splits = unique(runs.flatMap((run) => Object.keys(run.metrics))).sort();
  const metrics = unique(runs.flatMap((run) => Object.values(run.metrics).flat())).sort(compareMetrics);
  offer(byId("metric"), metrics.map((name) => [name]));
  offer(byId("split"), [["", splits.join(" and ") || "all"], ...splits.map((name) => [name])]);
  if (state.metric && metrics.includes(state.metric)) byId("metric").value = state.metric;
  state.metric = byId("metric").value;
  const wanted = byId("split").value ? [byId("split").value] : splits;
  const series = entries.flatMap((entry) => wanted.map((split) => seriesOf(entry, split)));
  const drawn = series.filter((one) => !one.why);
  for (const one of drawn) one.faint = one.split === "train" && wanted.length > 1;
  drawChart(byId("chart"), drawn);
  showLegend(drawn);
  showRemarks(series, entries);
}

const compareMetrics = (a, b) => (b === "loss") - (a === "loss") || collator.compare(a, b);

const lowest = (one, sign) => {
  const values = one.points.map((p) => p.y).filter((y) => y !== null);
  return values.length ? sign * extentOf(values.map((y) => sign * y)) : null;
};
const extentOf = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const lastOf = (one) => one.points.findLast((p) => p.y !== null)?.y ?? null;

const LEGEND_COLUMNS = [
  { title: "Curve", by: (one) => one.entry.name, cell: (one) => [swatch(one.slot, one.faint && "faint"), " ", one.entry.name], class: "name" },
  { title: "Split", by: (one) => one.split },
  { title: "Last", by: lastOf, number: true },
  { title: "Smallest", by: (one) => lowest(one, 1), number: true },
  { title: "Largest", by: (one) => lowest(one, -1), number: true, down: true },
  { title: "Points", by: (one) => one.points.length, number: true, down: true },
];
let fillLegend;

function showLegend(drawn) {
  fillLegend ??= sortable(byId("legend"), LEGEND_COLUMNS, (one) => ({
    tabindex: 0,
    class: `s${one.slot % 8}`,
    onpointerenter: () => stress(state.drawn, one),
    onpointerleave: () => stress(state.drawn, null),
    onfocus: () => stress(state.drawn, one),
    onblur: () => stress(state.drawn, null),
  }));
  state.drawn = drawn.filter((one) => one.drawing);
  byId("legend").hidden = !state.drawn.length;
  fillLegend(state.drawn);
}

function showRemarks(series, entries) {
  const lines = [];
  for (const one of series) {
    const name = `${one.entry.name}${one.split ? `, ${one.split}` : ""}`;
    if (one.bad.length) lines.push(`${name}: ${unique(one.bad.map((p) => p.y)).join(", ")} at ${some(one.bad.length, "point")} (a cross on the upper edge).`);
    if (one.below) lines.push(`${name}: ${some(one.below, "point")} not above 0, which a logarithmic axis cannot show.`);
    if (one.runs > 1 && !one.points.length) lines.push(`${name}: fewer than two runs reach the same steps.`);
  }
  const silent = entries.filter((entry) => series.filter((one) => one.entry === entry).every((one) => one.why));
  for (const entry of silent) {
    const empty = entry.runs.every((run) => !Object.keys(run.metrics).length);
    const why = series.find((one) => one.entry === entry)?.why;
    lines.push(`${entry.name} ${empty ? "has no row in metrics.csv" : why}.`);
  }
  if (state.grouped && entries.some((entry) => entry.runs.length > 1)) lines.push("The line is the mean of the runs, the band one standard deviation to each side.");
  const shown = lines.slice(0, 12).map((line) => el("li", {}, line));
  if (lines.length > 12) shown.push(el("li", {}, `and ${lines.length - 12} more of the kind`));
  byId("remarks").replaceChildren(shown.length ? el("ul", { class: "note" }, shown) : "");
}

const COLUMNS = 12; // runs side by side

/** One run: what is unusual in it. Several: in what they differ. */
function showSettings() {
  const runs = chosenRuns();
  const box = byId("settings");
  if (!runs.length) return box.replaceChildren(el("p", { class: "note" }, "Choose a run to see its settings, or several to see how they differ."));
  box.replaceChildren(...(runs.length === 1 ? oneRun(runs[0]) : manyRuns(runs)));
}

function oneRun(run) {
  const usual = DATA.common[run.project] ?? {};
  const rows = differences(run).map(([key, value]) => [key, exact(value), usualText(run, key)]);
  const keys = run.known ? unique([...Object.keys(usual), ...Object.keys(run.own)]) : [];
  const all = keys.filter((key) => setting(run, key) !== undefined).map((key) => [key, exact(setting(run, key))]);
  const facts = [["folder", run.path], ["status", run.status], ...Object.entries(run.facts)];
  const told = facts.map(([key, value]) => [el("dt", {}, key), el("dd", {}, Array.isArray(value) ? value.map(quoted).join(" ") : exact(value))]);
  return [
    el("h3", {}, run.name),
    ...run.problems.map((problem) => el("p", { class: "problem" }, problem)),
    el("h4", {}, `What differs from most runs of ${run.project}`),
    rows.length ? grid(["Setting", "This run", "Most common"], rows) : el("p", { class: "note" }, run.known ? "Nothing: every setting is the most common one." : "Its settings are not known."),
    el("h4", {}, "Circumstances"),
    el("dl", {}, told.flat()),
    el("h4", {}, "Results"),
    grid(["Result", "Value"], Object.entries(run.results).map(([key, value]) => [key, short(value, 6)])),
    el("details", {}, el("summary", {}, `All ${all.length} settings`), grid(["Setting", "Value"], all)),
  ];
}

/** The most common value of a setting, and how many runs have it. */
function usualText(run, key) {
  const usual = DATA.common[run.project];
  const alike = DATA.runs.filter((other) => other.project === run.project && other.known);
  if (Object.hasOwn(usual, key)) return `${exact(usual[key][0])} (${usual[key][1]} of ${alike.length})`;
  const without = alike.filter((other) => setting(other, key) === undefined).length;
  return `absent (${without} of ${alike.length})`;
}

function manyRuns(all) {
  const runs = all.slice(0, COLUMNS);
  const heads = ["Setting", ...runs.map((run) => [swatch(state.chosen.get(run.id)), " ", run.name])];
  const keys = unique(runs.flatMap((run) => [...Object.keys(DATA.common[run.project] ?? {}), ...Object.keys(run.own)]));
  const differing = rowsThatDiffer(["seed", ...keys], runs, setting);
  const facts = unique(runs.flatMap((run) => Object.keys(run.facts))).filter((key) => !["start", "end", "command"].includes(key));
  const around = rowsThatDiffer(facts, runs, (run, key) => run.facts[key]);
  const same = el("p", { class: "note" }, "Nothing: they have the same settings and the same seed.");
  return [
    el("h3", {}, `In what ${some(runs.length, "run")} differ`),
    all.length > runs.length ? el("p", { class: "note" }, `The first ${runs.length} of ${all.length} chosen.`) : null,
    differing.length ? grid(heads, differing) : same,
    around.length ? el("h4", {}, "Circumstances that differ") : null,
    around.length ? grid(heads.map((head) => (Array.isArray(head) ? head.map((part) => part.cloneNode?.(true) ?? part) : head)), around) : null,
    el("p", { class: "note" }, "Whether one is better: ", el("code", {}, `python -m tools compare ${runs.map((run) => quoted(run.path)).join(" ")}`)),
  ].filter(Boolean);
}

function rowsThatDiffer(keys, runs, valueOf) {
  return keys.map((key) => [key, ...runs.map((run) => exact(valueOf(run, key)))]).filter(([, ...values]) => unique(values).length > 1);
}

const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${String(word).replaceAll("'", `'"'"'`)}'`);

function grid(heads, rows) {
  const line = ([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), rest.map((cell) => el("td", { class: cell === "absent" && "absent" }, cell)));
  return el("div", { class: "scroll" }, el("table", { class: "grid" }, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows.map(line))));
}

const PICTURES = 24; // at once

function showPictures() {
  const all = chosenRuns().flatMap((run) => run.pictures.map((picture, i) => ({ run, picture, id: `picture-${run.id}-${i}` })));
  const kinds = unique(all.map(({ picture }) => picture.name)).sort(collator.compare);
  offer(byId("kind"), [["", "all"], ...kinds.map((name) => [name])]);
  const wanted = all.filter(({ picture }) => [picture.name, ""].includes(byId("kind").value));
  state.gallery = wanted.filter(({ picture }) => !picture.why);
  const cards = wanted.slice(0, state.pictures).map(card);
  const none = chosenRuns().length ? "The chosen runs have no pictures." : "Choose runs to see their pictures.";
  byId("gallery").replaceChildren(...(cards.length ? cards : [el("p", { class: "note" }, none)]));
  byId("more").hidden = wanted.length <= state.pictures;
}

function card(one) {
  const { run, picture, id } = one;
  const name = el("figcaption", {}, el("b", {}, run.name), " ", picture.name);
  if (picture.why) return el("figure", { class: "gone" }, el("p", { class: "note" }, picture.why), name);
  const image = el("img", { src: parse(id), alt: `${picture.name} of ${run.name}`, loading: "lazy" });
  return el("figure", {}, el("button", { type: "button", onclick: () => enlarge(state.gallery.indexOf(one)) }, image), name);
}

function enlarge(place) {
  const { run, picture, id } = state.gallery[place];
  state.place = place;
  byId("large-name").textContent = `${run.name}: ${picture.name}`;
  furnish(byId("large-image"), { src: parse(id), alt: `${picture.name} of ${run.name}` }, []);
  byId("before").disabled = place === 0;
  byId("after").disabled = place === state.gallery.length - 1;
  if (!byId("large").open) byId("large").showModal();
}
