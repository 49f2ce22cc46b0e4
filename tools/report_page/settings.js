/* The panel of settings: what is unusual in one run, in what several differ. */

const COLUMNS = 12; // runs side by side

/** One row of the table: what is unusual in it. Several: in what they differ. */
function showSettings() {
  const entries = chosenEntries();
  const ask = "Choose a run to see its settings, or several to see how they differ.";
  const nothing = [el("p", { class: "note" }, ask)];
  const shown = entries.length > 1 ? severalEntries(entries) : entries.flatMap(oneEntry);
  byId("settings").replaceChildren(...(entries.length ? shown : nothing));
}

function oneEntry({ first: run, name }) {
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
    el("h3", {}, breakable(name)),
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

function severalEntries(all) {
  const entries = all.slice(0, COLUMNS);
  const heads = () => entries.map((one) => [swatch(state.chosen.get(one.first.id)), " ", ...breakable(one.name)]);
  const keys = unique(entries.flatMap(({ first }) => settingsOf(first)));
  const differing = rowsThatDiffer(["seed", ...keys], entries, settingText);
  const facts = unique(entries.flatMap(({ first }) => Object.keys(first.facts)));
  const around = facts.filter((key) => !["start", "end", "command"].includes(key));
  const circumstances = rowsThatDiffer(around, entries, factText);
  const paths = entries.flatMap(({ runs }) => runs.map((run) => quoted(run.path)));
  const note = (text) => el("p", { class: "note" }, text);
  const less = all.length > COLUMNS ? [note(`The first ${COLUMNS} of ${all.length} chosen.`)] : [];
  const same = note("Nothing: they have the same settings and the same seed.");
  return [
    el("h3", {}, `In what these ${entries.length} differ`),
    ...less,
    differing.length ? grid(["Setting", ...heads()], differing) : same,
    ...(circumstances.length
      ? [el("h4", {}, "Circumstances that differ"), grid(["", ...heads()], circumstances)]
      : []),
    el(
      "details",
      {},
      el("summary", {}, "How to find out whether one is better"),
      el("code", {}, `python -m tools compare ${paths.join(" ")}`),
    ),
  ];
}

const settingsOf = (run) => [
  ...Object.keys(DATA.common[run.project] ?? {}),
  ...Object.keys(run.own),
];

const settingText = (entry, key) =>
  key === "seed" ? seedsText(entry) : exact(setting(entry.first, key));

/** What the runs of a row tell, fingerprints by their beginning. */
const factText = ({ runs }, key) =>
  unique(runs.map((run) => exact(run.facts[key]).replace(/^([0-9a-f]{12})[0-9a-f]+$/, "$1…"))).join(
    ", ",
  );

function rowsThatDiffer(keys, entries, text) {
  return keys
    .map((key) => [key, ...entries.map((entry) => text(entry, key))])
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
