/* Which runs are shown: text, sub-project, status, and the value of a setting. */

const texts = DATA.runs.map(searchText);

function searchText(run) {
  const keys = [...Object.keys(DATA.common[run.project] ?? {}), ...Object.keys(run.own)];
  const settings = unique(keys).map((key) => `${key}=${exact(setting(run, key))}`);
  const told = [run.name, run.project, run.status, `seed=${run.seed}`, ...settings];
  return told
    .map((text) => `${text}\n`)
    .join("")
    .toLowerCase();
}

function filtered() {
  const words = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [project, status, key, value] = ["project", "status", "setting", "value"].map(
    (id) => byId(id).value,
  );
  return DATA.runs.filter(
    (run) =>
      (!project || run.project === project) &&
      (!status || run.status === status) &&
      (!key || !value || exact(setting(run, key)) === value) &&
      words.every((word) => texts[run.id].includes(whole(word))),
  );
}

/** `lr=0.1` is not meant to find 0.15. */
const whole = (word) => (word.includes("=") ? `${word}\n` : word);

function fillFilters() {
  const count = (key) =>
    [...groupCounts(DATA.runs.map((run) => run[key]))].sort(([a], [b]) => collator.compare(a, b));
  const options = (key, all) => [
    ["", all],
    ...count(key).map(([name, n]) => [name, `${name} (${n})`]),
  ];
  offer(byId("project"), options("project", "all"));
  offer(byId("status"), options("status", "all"));
  const varying = unique(
    DATA.runs.flatMap((run) => [...Object.keys(run.own), ...run.missing]),
  ).sort(collator.compare);
  offer(byId("setting"), [["", "any"], ["seed"], ...varying.map((key) => [key])]);
  const results = unique(DATA.runs.flatMap((run) => Object.keys(run.results))).sort(
    collator.compare,
  );
  offer(byId("result"), [["watched", "the monitored one"], ...results.map((key) => [key])]);
  fillValues();
}

function groupCounts(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function fillValues() {
  const key = byId("setting").value;
  const values = key
    ? unique(DATA.runs.map((run) => exact(setting(run, key)))).sort(collator.compare)
    : [];
  offer(byId("value"), [["", "any"], ...values.map((value) => [value])]);
  byId("value").disabled = !key;
}
