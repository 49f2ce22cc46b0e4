/* The playground: choose points, a network and an engine; train it frame by frame, back too. */

import { ask, exported, latest, recording, unpack } from "ask";
import { bars } from "bars";
import { chart } from "chart";
import { button, controls } from "controls";
import { calm, complain, el, hint, percent, short } from "dom";
import { knobsOf } from "knobs";
import { logits, measure, nested } from "network";
import { plane } from "plane";
import { player } from "player";
import { openNetwork } from "stepper";
import { weights } from "weights";

export const playground = { id: "playground", title: "Playground", build };

const KEEP = 1000;
const LIVE =
  "A network learns to tell two classes of points apart, circles and squares. Each frame is some steps of " +
  "training. Step back and play again, turn a knob in between, or set a weight by hand: training goes on " +
  "from what you see.";
const SAVED =
  "This saved page holds one recorded training of each set. Play, step, go back, and set weights by hand; " +
  "with `python scripts/app.py` you choose the network, the optimiser and the engine, and train it live.";

async function build(root) {
  const start = await ask("playground/start");
  let setup = start.setups.xor, wanted = setup, turn = 0, begun = null, seen = null, trace = [];

  const map = plane({ id: "playground-plane", label: "probability of class 1 (orange, squares)" });
  const now = el("p", { id: "playground-now" });
  const curves = (id, label, y) => chart({ id, label, x: "step", y, height: 170 });
  const losses = curves("playground-loss", "loss", "mean log loss");
  const shares = curves("playground-accuracy", "accuracy", "share right");
  const inside = weights({ id: "playground", onmove: tryOut, onset: setByHand });
  const prices = bars({ id: "playground-cost", show: (ms) => `${short(ms, 3)} ms` });
  const priced = el("p", { class: "hint", id: "playground-priced" });
  const play = player({ id: "playground-player", source: { play: train, step: advance }, show, keep: KEEP });
  const costs = latest((given) => ask("playground/cost", { setup: given }));
  const knobs = knobsOf(start, { anew, change });
  const toStepper = button({
    id: "playground-stepper", label: "step through its backward pass", onclick: stepThrough,
    title: "The present network on two points, number by number, in the panel of the stepper",
  });

  root.append(
    hint(exported ? SAVED : LIVE), ...knobs.rows, play, now,
    el("div", { class: "columns" }, map, el("div", {}, losses, shares)),
    el("h2", {}, "Weights, and the gradients at them"), inside,
    controls(exported ? null : toStepper),
    el("h2", {}, "What a step costs on each engine"), prices, priced);
  await anew("xor");

  /** Begin with the settings that suit a set of points, or with `changes` to what was wanted last. */
  async function anew(points, changes = {}) {
    play.pause();
    if (points) knobs.show(start.setups[points], start.steps[points]);
    wanted = { ...(points ? start.setups[points] : wanted), ...changes };
    const mine = ++turn;
    const frames = exported ? recording("playground/record", { points: wanted.points }) : null;
    const first = frames ? frames[0] : await ask("playground/begin", { setup: wanted });
    if (mine !== turn) return; // another choice came after
    calm();
    [setup, begun, trace] = [wanted, first, []];
    map.points(begun.x, begun.y);
    if (frames) play.load((trace = [begun.frame, ...frames.slice(1)].map((one) => ready(one, setup))));
    else play.reset(ready(begun.frame, setup));
    await price();
  }

  /** A knob that leaves the network as it is: the next step turns it. */
  async function change(changes) {
    wanted = { ...wanted, ...changes };
    setup = { ...setup, ...changes };
    if ("level" in changes || "batch" in changes) await price();
  }

  /** The arrays of a frame as numbers, and the settings under which it came to be. */
  function ready(frame, under) {
    const [parameters, gradients] = [frame.parameters, frame.gradients].map((all) => all.map(unpack));
    return { ...frame, parameters, gradients, under };
  }

  /** What the server goes on from: another optimiser remembers nothing. */
  const stateOf = ({ state, under }) =>
    (under.optimiser === setup.optimiser ? state : { ...state, optimiser: {} });

  async function advance(frame, steps = knobs.steps(), state = stateOf(frame)) {
    const under = setup; // a knob may be turned before the answer is here
    const next = await ask("playground/advance", { setup: under, state, steps });
    calm();
    return ready({ ...next, few: next.step - frame.step < steps && next.step - frame.step }, under);
  }

  function train(onframe, frame) {
    let going = true;
    const run = async () => {
      while (going) {
        const before = begun;
        frame = await advance(frame);
        if (!going || before !== begun) return;
        onframe(frame);
        await new Promise(requestAnimationFrame); // the picture is seen, then the next one
      }
    };
    return { stop: () => (going = false), ended: run() };
  }

  function show(frame, index) {
    if (trace[index] !== frame) {
      if (trace.length === KEEP && index === KEEP - 1) trace.splice(1, 1);
      else trace.length = index;
      trace.push(frame);
    }
    seen = frame;
    draw(frame.parameters, frame.gradients);
    tell(frame);
    const at = [{ at: frame.step, text: "" }], x = trace.map(({ step }) => step);
    const line = (name, key, dashed) => ({ name, x, y: trace.map((one) => one[key]), dashed });
    const part = trace.some(({ points }) => points < begun.y.length);
    const of = [line("all points", "loss"), line("the points of the step", "batch_loss", true)];
    losses.show(part ? of : of.slice(0, 1), at);
    shares.show([line("these points", "accuracy"), line("new points", "accuracy_new", true)], at);
  }

  function draw(parameters, gradients) {
    map.draw(parameters, setup.activation);
    inside.show(parameters, gradients);
  }

  function tell(frame, by = "") {
    const { step, loss, accuracy, accuracy_new: fresh, milliseconds: ms, points, cut, few, under } = frame;
    const texts = [`step ${short(step)}${by}`, `loss ${short(loss)}`, `${percent(accuracy)} right`];
    if (fresh !== undefined) texts.push(`${percent(fresh)} of new points`);
    if (ms != null) texts.push(`${short(ms, 3)} ms a step on level ${under.level}`);
    const less = [cut && `${points} points a step`, few && `${few} step${few > 1 ? "s" : ""} a frame`];
    const said = less.filter(Boolean).join(" and ");
    if (said) texts.push(`this engine takes only ${said}, so that a frame stays under 50 ms`);
    now.textContent = texts.join(" · ");
  }

  /** A slider moves: everything but the gradients follows at once, computed in the page. */
  function tryOut(parameters) {
    play.pause();
    draw(parameters, null);
    const found = measure(logits(parameters, setup.activation, Float64Array.from(begun.x.flat())), begun.y);
    tell({ step: seen.step, ...found }, ", a weight by hand");
  }

  /** It rests: the engine gives the gradients there, as a frame of its own. */
  async function setByHand(which, at, value) {
    if (exported) return;
    const from = seen, state = structuredClone(stateOf(from));
    state.parameters[which][at] = value;
    try {
      const frame = await advance(from, 0, state);
      if (seen === from) play.add(frame); // nobody has moved meanwhile
    } catch (error) {
      complain(error);
    }
  }

  async function price() {
    const rows = await costs(setup);
    if (!rows) return;
    const names = new Map(start.levels), found = rows.map(({ loss }) => loss);
    const apart = Math.max(...found) - Math.min(...found);
    prices.show(rows.map(({ level, milliseconds, nodes }) => ({
      name: names.get(level), value: milliseconds, note: `${short(nodes)} nodes`,
      chosen: level === setup.level,
    })));
    priced.textContent = `CPU time of the first forward and backward pass over ${rows[0].points} points, ` +
      `and the operations in its graph. The loss is ${short(found[0])} on all three, ` +
      (apart ? `but for ${short(apart, 2)}: sums in another order.` : "to the last bit.");
  }

  async function stepThrough() {
    play.pause();
    const chosen = [0, 1].map((label) => begun.y.indexOf(label));
    await openNetwork({
      activation: setup.activation, parameters: seen.parameters.map(nested), rate: setup.rate,
      x: chosen.map((i) => begun.x[i]), y: [0, 1],
    });
  }
}
