/* The table of runs: single ones, or all seeds of equal settings in one row. */

const singles = DATA.runs.map((run) => entryOf([run]));

function entryOf(runs) {
  return { runs, first: runs[0], name: nameOf(runs) };
}

/** The rows of the table: single runs, or all seeds of equal settings. */
function entriesOf(runs) {
  if (!state.grouped) return runs.map((run) => singles[run.id]);
  return groupsOf(runs).map(entryOf);
}

function groupsOf(runs) {
  const groups = new Map();
  for (const run of runs) {
    if (!groups.has(run.group)) groups.set(run.group, []);
    groups.get(run.group).push(run);
  }
  return [...groups.values()];
}

/** What the names of a group begin with, without the number of the seed, and how many. */
function nameOf(runs) {
  const names = runs.map((run) => run.name);
  if (names.length === 1) return names[0];
  let common = names[0];
  for (const name of names) while (!name.startsWith(common)) common = common.slice(0, -1);
  common = common.replace(/[-_. ]+(s|seed)?[-_=]?\d*$/, "");
  return `${common.length > 1 ? common : `${names[0]}, …`} × ${names.length}`;
}

/** A result of an entry: the mean of its runs, and their standard deviation. */
function resultOf({ runs }) {
  const key = (run) => (state.result === "watched" ? run.watched : state.result);
  const values = runs.map((run) => run.results[key(run)]).filter((value) => value != null);
  const numbers = values.filter(isNumber);
  const name = state.result === "watched" ? key(runs[0])?.replace("best ", "") : "";
  if (numbers.length < values.length) return { value: values.find((v) => !isNumber(v)), name };
  if (!numbers.length) return { value: null, name: "" };
  return { value: mean(numbers), spread: deviation(numbers), count: numbers.length, name };
}

function resultCell(entry) {
  const { value, spread, count, name } = resultOf(entry);
  const text = spread == null ? short(value) : `${short(value)} ± ${short(spread, 2)}`;
  const about = [name, count < entry.runs.length && `${count} runs`].filter(Boolean).join(", ");
  return [text, about ? el("small", {}, ` ${about}`) : null];
}

function statusCell({ runs }) {
  return unique(runs.map((run) => run.status))
    .map((status) => {
      const count = runs.filter((run) => run.status === status).length;
      const text = runs.length > 1 ? `${count} ${status}` : status;
      const known = ["done", "running", "failed", "killed", "stopped"].includes(status);
      return el("span", { class: `status ${known ? status : ""}` }, text);
    })
    .concat(
      runs.some((run) => run.problems.length)
        ? [el("span", { class: "status damaged" }, "damaged")]
        : [],
    );
}

function differsCell({ first }) {
  const found = differences(first);
  if (!first.known) return "settings unknown";
  const chips = found.slice(0, 4).map(([key, value]) => {
    const text = exact(value);
    return el("span", { class: "chip", title: `${key} = ${text}` }, key, " ", el("b", {}, text));
  });
  const count = found.length > 1 ? el("span", { class: "more" }, `${found.length} `) : null;
  return el("div", {}, count, chips);
}

function seedsText({ runs }) {
  const seeds = unique(runs.map((run) => run.seed).filter((seed) => seed != null));
  const sorted = seeds.sort((a, b) => compare(a, b, 1));
  const close = sorted.length > 2 && sorted.every((s, i) => s === sorted[0] + i);
  return close ? `${sorted[0]}–${sorted.at(-1)}` : sorted.map(exact).join(", ") || "–";
}

const average =
  (key) =>
  ({ runs }) => {
    const values = runs.map((run) => run[key]).filter(isNumber);
    return values.length ? mean(values) : null;
  };

function chooseCell(entry) {
  const box = el("input", {
    type: "checkbox",
    "aria-label": `Choose ${entry.name}`,
    onchange: () => choose(entry.runs, box.checked),
  });
  entry.box = box;
  entry.mark = el("span", { class: "mark" });
  return [box, entry.mark];
}

const RUN_COLUMNS = Object.assign(
  [
    { title: el("span", { class: "unseen" }, "Chosen"), cell: chooseCell, class: "pick" },
    {
      title: "Run",
      by: (e) => e.name,
      cell: (e) =>
        el(
          "button",
          { type: "button", class: "link", title: e.first.path, onclick: () => openRun(e) },
          oneLine(e.name),
        ),
    },
    { title: "Sub-project", by: (e) => e.first.project },
    { title: "Status", by: (e) => e.first.status, cell: statusCell },
    { title: "Result", by: (e) => resultOf(e).value, cell: resultCell, number: true, down: true },
    {
      title: "Differs in",
      by: (e) =>
        differences(e.first)
          .map(([key, value]) => `${key} ${exact(value)}`)
          .join() || null,
      cell: differsCell,
      class: "differs",
    },
    { title: "Seed", by: (e) => e.first.seed, cell: seedsText, number: true },
    { title: "Steps", by: average("steps"), number: true, down: true },
    {
      title: "Time",
      by: average("seconds"),
      cell: (e) => duration(average("seconds")(e)),
      number: true,
      down: true,
    },
    { title: "Parameters", by: average("parameters"), number: true, down: true },
    {
      title: "Started",
      by: (e) => e.first.start || null,
      cell: (e) => when(e.first.start),
      down: true,
      class: "time",
    },
  ],
  { head: 1 },
);
