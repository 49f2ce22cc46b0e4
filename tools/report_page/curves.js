/* The panel of curves: menus, legend, and what could not be drawn. */

/** Curves and legend of what is chosen. */
function showCurves() {
  const entries = chosenEntries();
  const runs = entries.flatMap((entry) => entry.runs);
  const splits = unique(runs.flatMap((run) => Object.keys(run.metrics))).sort();
  const metrics = unique(runs.flatMap((run) => Object.values(run.metrics).flat())).sort(
    compareMetrics,
  );
  offer(
    byId("metric"),
    metrics.map((name) => [name]),
  );
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
  {
    title: "Curve",
    by: (one) => one.entry.name,
    cell: (one) => [swatch(one.slot, one.faint && "faint"), " ", ...oneLine(one.entry.name)],
    class: "name",
  },
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
    if (one.bad.length)
      lines.push(
        `${name}: ${unique(one.bad.map((p) => p.y)).join(", ")} at ${some(one.bad.length, "point")} (a cross on the upper edge).`,
      );
    if (one.below)
      lines.push(
        `${name}: ${some(one.below, "point")} not above 0, which a logarithmic axis cannot show.`,
      );
    if (one.runs > 1 && !one.points.length)
      lines.push(`${name}: fewer than two runs reach the same steps.`);
  }
  const silent = entries.filter((entry) =>
    series.filter((one) => one.entry === entry).every((one) => one.why),
  );
  for (const entry of silent) {
    const empty = entry.runs.every((run) => !Object.keys(run.metrics).length);
    const why = series.find((one) => one.entry === entry)?.why;
    lines.push(`${entry.name} ${empty ? "has no row in metrics.csv" : why}.`);
  }
  if (state.grouped && entries.some((entry) => entry.runs.length > 1))
    lines.push("The line is the mean of the runs, the band one standard deviation to each side.");
  const shown = lines.slice(0, 12).map((line) => el("li", {}, line));
  if (lines.length > 12) shown.push(el("li", {}, `and ${lines.length - 12} more of the kind`));
  byId("remarks").replaceChildren(shown.length ? el("ul", { class: "note" }, shown) : "");
}
