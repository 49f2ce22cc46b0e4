/* The panel of settings: what is unusual in one run, in what several differ. */

const COLUMNS = 12; // runs side by side

/** One run: what is unusual in it. Several: in what they differ. */
function showSettings() {
  const runs = chosenRuns();
  const box = byId("settings");
  if (!runs.length)
    return box.replaceChildren(
      el(
        "p",
        { class: "note" },
        "Choose a run to see its settings, or several to see how they differ.",
      ),
    );
  box.replaceChildren(...(runs.length === 1 ? oneRun(runs[0]) : manyRuns(runs)));
}

function oneRun(run) {
  const usual = DATA.common[run.project] ?? {};
  const rows = differences(run).map(([key, value]) => [key, exact(value), usualText(run, key)]);
  const keys = run.known ? unique([...Object.keys(usual), ...Object.keys(run.own)]) : [];
  const all = keys
    .filter((key) => setting(run, key) !== undefined)
    .map((key) => [key, exact(setting(run, key))]);
  const facts = [["folder", run.path], ["status", run.status], ...Object.entries(run.facts)];
  const told = facts.map(([key, value]) => [
    el("dt", {}, key),
    el("dd", {}, Array.isArray(value) ? value.map(quoted).join(" ") : exact(value)),
  ]);
  return [
    el("h3", {}, run.name),
    ...run.problems.map((problem) => el("p", { class: "problem" }, problem)),
    el("h4", {}, `What differs from most runs of ${run.project}`),
    rows.length
      ? grid(["Setting", "This run", "Most common"], rows)
      : el(
          "p",
          { class: "note" },
          run.known
            ? "Nothing: every setting is the most common one."
            : "Its settings are not known.",
        ),
    el("h4", {}, "Circumstances"),
    el("dl", {}, told.flat()),
    el("h4", {}, "Results"),
    grid(
      ["Result", "Value"],
      Object.entries(run.results).map(([key, value]) => [key, short(value, 6)]),
    ),
    el(
      "details",
      {},
      el("summary", {}, `All ${all.length} settings`),
      grid(["Setting", "Value"], all),
    ),
  ];
}

/** The most common value of a setting, and how many runs have it. */
function usualText(run, key) {
  const usual = DATA.common[run.project];
  const alike = DATA.runs.filter((other) => other.project === run.project && other.known);
  if (Object.hasOwn(usual, key))
    return `${exact(usual[key][0])} (${usual[key][1]} of ${alike.length})`;
  const without = alike.filter((other) => setting(other, key) === undefined).length;
  return `absent (${without} of ${alike.length})`;
}

function manyRuns(all) {
  const runs = all.slice(0, COLUMNS);
  const heads = [
    "Setting",
    ...runs.map((run) => [swatch(state.chosen.get(run.id)), " ", run.name]),
  ];
  const keys = unique(
    runs.flatMap((run) => [
      ...Object.keys(DATA.common[run.project] ?? {}),
      ...Object.keys(run.own),
    ]),
  );
  const differing = rowsThatDiffer(["seed", ...keys], runs, setting);
  const facts = unique(runs.flatMap((run) => Object.keys(run.facts))).filter(
    (key) => !["start", "end", "command"].includes(key),
  );
  const around = rowsThatDiffer(facts, runs, (run, key) => run.facts[key]);
  const same = el(
    "p",
    { class: "note" },
    "Nothing: they have the same settings and the same seed.",
  );
  return [
    el("h3", {}, `In what ${some(runs.length, "run")} differ`),
    all.length > runs.length
      ? el("p", { class: "note" }, `The first ${runs.length} of ${all.length} chosen.`)
      : null,
    differing.length ? grid(heads, differing) : same,
    around.length ? el("h4", {}, "Circumstances that differ") : null,
    around.length
      ? grid(
          heads.map((head) =>
            Array.isArray(head) ? head.map((part) => part.cloneNode?.(true) ?? part) : head,
          ),
          around,
        )
      : null,
    el(
      "p",
      { class: "note" },
      "Whether one is better: ",
      el("code", {}, `python -m tools compare ${runs.map((run) => quoted(run.path)).join(" ")}`),
    ),
  ].filter(Boolean);
}

function rowsThatDiffer(keys, runs, valueOf) {
  return keys
    .map((key) => [key, ...runs.map((run) => exact(valueOf(run, key)))])
    .filter(([, ...values]) => unique(values).length > 1);
}

const quoted = (word) =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${String(word).replaceAll("'", `'"'"'`)}'`;

function grid(heads, rows) {
  const line = ([first, ...rest]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, first),
      rest.map((cell) => el("td", { class: cell === "absent" && "absent" }, cell)),
    );
  return el(
    "div",
    { class: "scroll" },
    el(
      "table",
      { class: "grid" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((head) => el("th", { scope: "col" }, head)),
        ),
      ),
      el("tbody", {}, rows.map(line)),
    ),
  );
}
