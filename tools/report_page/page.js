/* State, choice, tabs: what happens when something is clicked. */

const SLOTS = 32; // colours and dashes before they begin anew
const state = {
  chosen: new Map(), // id of a run -> its colour
  grouped: false,
  result: "watched",
  metric: "",
  along: "step",
  log: false,
  tab: "curves",
  pictures: PICTURES,
  shown: [],
  drawn: [],
};
const updateTable = sortable(byId("table"), RUN_COLUMNS, (entry) => ({
  class: entry.first.status === "done" ? null : "unfinished",
}));
function showTable() {
  state.shown = entriesOf(filtered());
  updateTable(state.shown);
  const runs = state.shown.flatMap((entry) => entry.runs).length;
  byId("shown").textContent =
    runs === DATA.runs.length ? some(runs, "run") : `${runs} of ${some(DATA.runs.length, "run")}`;
  byId("nothing").hidden = runs > 0;
  byId("nothing").replaceChildren(
    ...withCode(
      DATA.runs.length
        ? "No run has all of that."
        : "There is no run yet: `python scripts/train.py --config configs/NAME.yaml` in a sub-project makes one.",
    ),
  );
  markChosen();
}

function markChosen() {
  for (const entry of state.shown) {
    const slots = entry.runs
      .map((run) => state.chosen.get(run.id))
      .filter((slot) => slot !== undefined);
    entry.box.checked = slots.length === entry.runs.length;
    entry.box.indeterminate = slots.length > 0 && !entry.box.checked;
    entry.mark.replaceChildren(
      ...(slots.length ? [swatch(state.chosen.get(entry.first.id) ?? slots[0])] : []),
    );
    entry.node.classList.toggle("chosen", slots.length > 0);
  }
  byId("chosen").textContent = `${some(state.chosen.size, "run")} chosen`;
}

const chosenRuns = () => [...state.chosen.keys()].map((id) => DATA.runs[id]);

function chosenEntries() {
  return state.grouped
    ? groupsOf(chosenRuns()).map(entryOf)
    : chosenRuns().map((run) => singles[run.id]);
}

/** Choose runs or let them go; each keeps its colour as long as it is chosen. */
function choose(runs, wanted) {
  for (const { id } of runs) {
    if (!wanted) state.chosen.delete(id);
    else if (!state.chosen.has(id)) state.chosen.set(id, slotFor(id));
  }
  refresh();
}

/** The first free colour; in the view of groups, that of the others of the group. */
function slotFor(id) {
  const { group } = DATA.runs[id];
  const others = [...state.chosen].filter(([other]) => DATA.runs[other].group === group);
  return state.grouped && others.length ? others[0][1] : freeSlot();
}

function changeGrouping() {
  state.grouped = byId("grouped").checked;
  const runs = chosenRuns();
  state.chosen.clear();
  showTable();
  choose(runs, true);
}

function freeSlot() {
  const taken = new Set(state.chosen.values());
  for (let slot = 0; slot < SLOTS; slot++) if (!taken.has(slot)) return slot;
  return taken.size % SLOTS;
}

/** Choose these runs alone and show their settings. */
function openRun(entry) {
  state.chosen.clear();
  state.tab = "settings";
  choose(entry.runs, true);
}

function refresh() {
  markChosen();
  showPanel();
}

const PANELS = { curves: showCurves, settings: showSettings, pictures: showPictures };

function showPanel() {
  for (const name of Object.keys(PANELS)) {
    const here = name === state.tab;
    furnish(byId(`tab-${name}`), { "aria-selected": String(here), tabindex: here ? 0 : -1 }, []);
    byId(name).hidden = !here;
  }
  PANELS[state.tab]();
}

function listen(id, kind, act) {
  byId(id).addEventListener(kind, act);
}

/** Results stand in the cells, so these are made anew. */
function changeResult() {
  state.result = byId("result").value;
  for (const entry of singles) entry.node = undefined;
  showTable();
}

function connect() {
  listen("filters", "submit", (event) => event.preventDefault());
  listen("text", "input", showTable);
  for (const id of ["project", "status", "value"]) listen(id, "change", showTable);
  listen("setting", "change", () => {
    fillValues();
    showTable();
  });
  listen("result", "change", changeResult);
  listen("grouped", "change", changeGrouping);
  listen("all", "click", () =>
    choose(
      state.shown.flatMap((entry) => entry.runs),
      true,
    ),
  );
  listen("none", "click", () => choose(chosenRuns(), false));
  for (const id of ["metric", "split", "along", "log"])
    listen(id, "change", () => {
      Object.assign(state, {
        metric: byId("metric").value,
        along: byId("along").value,
        log: byId("log").checked,
      });
      showCurves();
    });
  listen("kind", "change", () => {
    state.pictures = PICTURES;
    showPictures();
  });
  listen("more", "click", () => {
    state.pictures += PICTURES;
    showPictures();
  });
  listen("close", "click", () => byId("large").close());
  listen("before", "click", () => enlarge(state.place - 1));
  listen("after", "click", () => enlarge(state.place + 1));
  listen("large", "keydown", ({ key }) => {
    const next = state.place + ({ ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0);
    if (next !== state.place && state.gallery[next]) enlarge(next);
  });
  connectTabs();
  new ResizeObserver(() => state.tab === "curves" && showCurves()).observe(byId("panel"));
}

function connectTabs() {
  const names = Object.keys(PANELS);
  names.forEach((name, i) => {
    listen(`tab-${name}`, "click", () => {
      state.tab = name;
      showPanel();
    });
    listen(`tab-${name}`, "keydown", ({ key }) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
      if (!step) return;
      state.tab = names[(i + step + names.length) % names.length];
      showPanel();
      byId(`tab-${state.tab}`).focus();
    });
  });
}

function start() {
  fillFilters();
  byId("rules").replaceChildren(...DATA.rules.map((rule) => el("p", {}, rule)));
  showEvidence();
  connect();
  showTable();
  const [newest] = DATA.runs;
  choose(DATA.runs.filter((run) => run.project === newest?.project).slice(0, 4), true);
}

start();
