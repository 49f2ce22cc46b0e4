/* What was measured beside the runs: specification, parity, benchmarks. */

const STATES = ["verified", "FAILED", "skipped", "not run", "planned"];

function showEvidence() {
  const { coverage, parity, benchmarks } = DATA.evidence;
  byId("coverage-list").replaceChildren(...coverage.map(coverageCard));
  measured(byId("parity-list"), parity, [
    { title: "Sub-project", by: (row) => row.project },
    { title: "Component", by: (row) => row.component },
    {
      title: "Reference",
      by: (row) => row.reference,
      cell: (row) => el("code", {}, row.reference),
    },
    {
      title: "Error of the value",
      by: (row) => row.value,
      cell: (row) => errorText(row.value),
      number: true,
      down: true,
    },
    {
      title: "of the gradient",
      by: (row) => row.gradient,
      cell: (row) => errorText(row.gradient),
      number: true,
      down: true,
    },
    {
      title: "Tolerance",
      by: (row) => row.atol,
      cell: (row) => errorText(row.atol),
      number: true,
      down: true,
    },
  ]);
  measured(byId("benchmarks-list"), benchmarks, [
    { title: "Sub-project", by: (row) => row.project },
    { title: "Component", by: (row) => row.component },
    { title: "Rival", by: (row) => row.rival },
    { title: "Of", by: (row) => row.quantity },
    { title: "Ours / rival", by: (row) => row.ratio, cell: ratio, number: true },
    { title: "Threads", by: (row) => row.threads, number: true },
  ]);
}

function coverageCard({ project, source, sentences, missing }) {
  if (missing)
    return el(
      "article",
      { class: "card" },
      el("h3", {}, project),
      el("p", { class: "note" }, withCode(missing)),
    );
  const counts = STATES.map((name) => [
    name,
    sentences.filter((one) => one.state === name).length,
  ]).filter(([, n]) => n);
  const verified = sentences.filter((one) => one.state === "verified").length;
  const open = sentences.filter((one) => one.state !== "verified");
  const list = (rows) =>
    el(
      "ul",
      { class: "sentences" },
      rows.map((one) =>
        el(
          "li",
          {},
          el("span", { class: `status ${one.state.replace(" ", "-")}` }, one.state),
          " ",
          el("b", {}, one.id),
          " ",
          one.text,
        ),
      ),
    );
  return el(
    "article",
    { class: "card" },
    el("h3", {}, project, el("span", { class: "sum" }, `${verified} of ${sentences.length}`)),
    bar(counts, sentences.length),
    el(
      "p",
      { class: "note" },
      counts.map(([name, n]) => `${n} ${name}`).join(", "),
      "; from ",
      el("code", {}, source),
    ),
    open.length
      ? el("details", {}, el("summary", {}, `${open.length} not verified`), list(open))
      : null,
    el("details", {}, el("summary", {}, "All sentences"), list(sentences)),
  );
}

function bar(counts, total) {
  let x = 0;
  const parts = counts.map(([name, n]) => {
    const part = svg("rect", {
      x,
      y: 0,
      width: (100 * n) / total,
      height: 6,
      class: name.replace(" ", "-"),
    });
    x += (100 * n) / total;
    return part;
  });
  return svg(
    "svg",
    { class: "share", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    parts,
  );
}

const region = (label, ...children) =>
  el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": label }, children);

function measured(box, { source, missing, machines, rows }, columns) {
  if (missing) return box.replaceChildren(el("p", { class: "note" }, withCode(missing)));
  const table = el("table", {});
  const machine = { title: "Machine", by: (row) => row.machine, number: true };
  sortable(table, machines.length > 1 ? [...columns, machine] : columns)(rows);
  const named = machines.map((text, i) => el("li", { value: i + 1 }, text));
  box.replaceChildren(
    region(source, table),
    el("p", { class: "note" }, "From ", el("code", {}, source), "; measured on"),
    el("ol", { class: "note" }, named),
  );
}

const errorText = (value) =>
  !isNumber(value) ? short(value) : value === 0 ? "0" : value.toExponential(1).replace("-", "−");

function ratio({ ratio }) {
  if (!isNumber(ratio)) return short(ratio);
  return el("span", { class: ratio <= 1 ? "less" : "greater" }, ratio.toFixed(2));
}
