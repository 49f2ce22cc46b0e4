/* Curves to draw: of one run, or the mean of those that differ in the seed alone. */

const parsed = new Map();

function curveOf(run, split, metric) {
  if (!parsed.has(run.id)) parsed.set(run.id, parse(`curves-${run.id}`));
  const parts = parsed.get(run.id);
  return Object.hasOwn(parts, split) && Object.hasOwn(parts[split], metric)
    ? parts[split][metric]
    : null;
}

/** Where a step lies along the axis: itself, or between the knots of its scale. */
function position(run, step) {
  if (state.along === "step") return step;
  const [steps, values] = run.scales[state.along];
  return between(steps, values, step);
}

function between(xs, ys, x) {
  let right = xs.findIndex((other) => other >= x);
  if (right === 0) return ys[0];
  if (right < 0) right = xs.length - 1; // beyond the last knot the last line goes on
  const share = (x - xs[right - 1]) / (xs[right] - xs[right - 1]);
  return ys[right - 1] + share * (ys[right] - ys[right - 1]);
}

/** One curve to draw, or why there is none. */
function seriesOf(entry, split) {
  const slot = state.chosen.get(entry.first.id);
  const found = { entry, split, slot, points: [], bad: [], below: 0 };
  const timed = entry.runs.filter((run) => state.along === "step" || run.scales[state.along]);
  if (!timed.length) return { ...found, why: `does not tell its ${state.along}` };
  const curves = timed
    .map((run) => [run, curveOf(run, split, state.metric)])
    .filter(([, curve]) => curve);
  if (!curves.length) return { ...found, why: `has no ${state.metric} of ${split}` };
  const rows = curves.length > 1 ? averaged(curves) : single(...curves[0]);
  for (const row of rows) {
    if (!isNumber(row.y)) found.bad.push(row);
    else if (state.log && row.y <= 0) found.below += 1;
    if (isNumber(row.y) && !(state.log && row.y <= 0)) found.points.push(row);
    else found.points.push({ ...row, y: null });
  }
  found.runs = curves.length;
  return found;
}

function single(run, [steps, values]) {
  return steps.map((step, i) => ({ x: position(run, step), step, y: values[i] }));
}

/** Mean and standard deviation at the steps of the first, where at least two have values. */
function averaged(curves) {
  const [first, [steps]] = curves[0];
  const whole = curves.map(([, [xs, ys]]) => {
    const kept = xs.map((x, i) => [x, ys[i]]).filter(([, y]) => isNumber(y));
    return [kept.map(([x]) => x), kept.map(([, y]) => y)];
  });
  return steps.flatMap((step) => {
    const there = whole.filter(([xs]) => xs.length && xs[0] <= step && step <= xs.at(-1));
    if (there.length < 2) return [];
    const values = there.map(([xs, ys]) => between(xs, ys, step));
    return [{ x: position(first, step), step, y: mean(values), spread: deviation(values) }];
  });
}
