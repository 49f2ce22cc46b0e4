/* First, back, play, next, last, and a slider: over steps that are all there. */

import { button, slider } from "controls";
import { el } from "dom";

const BEAT = 1200; // milliseconds a step while it plays

/**
 * `onstep(n)` shows step n. Arrow keys, Home and End work wherever the panel is open and
 * no control has them. `load(count)` begins at step 0; `go(n)`, `pause()`, `at`.
 */
export function walker({ id, onstep, more = [] }) {
  let at = 0,
    last = 0,
    clock = null;
  const time = slider({
    id: `${id}-time`,
    label: "step",
    min: 0,
    max: 0,
    value: 0,
    show: (n) => `${n} of ${last}`,
    oninput: (n) => node.go(n),
  });
  const play = button({ id: `${id}-play`, label: "▶ play", onclick: () => (clock ? node.pause() : run()) });
  const turn = (name, label, title, to) =>
    button({ id: `${id}-${name}`, label, title, onclick: () => node.go(to()) });
  const node = el(
    "div",
    { class: "player", role: "group", "aria-label": "steps" },
    turn("first", "|◁", "Home", () => 0),
    turn("back", "◁ back", "left arrow", () => at - 1),
    play,
    turn("next", "next ▷", "right arrow", () => at + 1),
    turn("last", "▷|", "End", () => last),
    more,
    time,
  );

  function show(to) {
    at = Math.max(0, Math.min(last, to));
    time.value = at;
    onstep(at);
  }

  function run() {
    if (at === last) show(0);
    play.textContent = "❚❚ pause";
    clock = setInterval(() => (at === last || !node.offsetParent ? node.pause() : show(at + 1)), BEAT);
  }

  node.pause = () => {
    clearInterval(clock);
    clock = null;
    play.textContent = "▶ play";
  };
  node.go = (to) => {
    node.pause();
    show(to);
  };
  node.load = (count) => {
    last = count - 1;
    time.limits(0, last);
    node.go(0);
  };
  Object.defineProperty(node, "at", { get: () => at });

  document.addEventListener("keydown", (event) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    const taken = event.target.closest("input, select, textarea, [role=tab]");
    if (to === undefined || taken || event.altKey || event.ctrlKey || event.metaKey || !node.offsetParent)
      return;
    event.preventDefault();
    node.go(to);
  });
  return node;
}
