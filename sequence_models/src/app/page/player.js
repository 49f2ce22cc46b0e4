// pattern: app/page/player.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/player.js --from <sub-project>
/* Play, pause, one step, back: over frames that come one after the other. */

import { el } from "dom";
import { button, slider } from "controls";

/**
 * `source.play(onframe, present)` gives {stop(), ended} as `listen` does, and
 * `source.step(present)` (a promise of) one frame, or null at the end. Both go on from
 * `present`, the frame that is seen, which may be an earlier one: later ones are then
 * forgotten. `show(frame, index)` draws a frame. At most `keep` are kept.
 */
export function player({ id, source, show, keep = 2000 }) {
  let frames = [], at = -1, running = null, busy = false, live = true;
  const time = slider({ id: `${id}-time`, label: "frame", min: 0, max: 0, value: 0,
    show: (n) => `${n + 1} of ${Math.max(frames.length, 1)}`, oninput: (n) => (pause(), goTo(n)) });
  const play = button({ id: `${id}-play`, label: "▶ play", onclick: () => (running ? pause() : start()) });
  const step = button({ id: `${id}-step`, label: "step ▷", onclick: forward });
  const back = button({ id: `${id}-back`, label: "◁ back", onclick: () => (pause(), goTo(at - 1)) });
  const node = el("div", { class: "player", id, role: "group", "aria-label": "play, step, back" }, back, play, step, time);

  function goTo(n) {
    if (n < 0 || n >= frames.length) return;
    at = n;
    time.limits(0, frames.length - 1);
    time.value = at;
    show(frames[at], at);
  }

  function add(frame) {
    if (running && !node.offsetParent) pause(); // nobody sees this tab
    frames = [...frames.slice(0, at + 1), frame];
    if (frames.length > keep) frames.splice(1, 1); // the first stays
    goTo(frames.length - 1);
  }

  async function start() {
    if (busy) return;
    const mine = live ? source.play(add, frames[at]) : replay();
    running = mine;
    tell();
    try {
      await mine.ended;
    } finally {
      if (running === mine) pause();
    }
  }

  function replay() {
    if (at === frames.length - 1) goTo(0);
    let stop;
    const ended = new Promise((resolve) => {
      const more = () => at < frames.length - 1 && node.offsetParent;
      const clock = setInterval(() => (more() ? goTo(at + 1) : stop()), 60);
      stop = () => (clearInterval(clock), resolve());
    });
    return { stop, ended };
  }

  function pause() {
    const was = running;
    running = null;
    was?.stop();
    tell();
  }

  async function forward() {
    pause();
    if (!live) return goTo(at + 1);
    if (busy) return;
    busy = true;
    try {
      const from = frames[at], frame = await source.step(from);
      if (frame && frames[at] === from) add(frame); // nobody has moved meanwhile
    } finally {
      busy = false;
    }
  }

  const tell = () => (play.textContent = running ? "❚❚ pause" : "▶ play");
  /** Begin anew with a first frame; what follows is computed. */
  node.reset = (frame) => {
    pause();
    [frames, at, live] = [[], -1, true];
    add(frame);
  };
  /** Begin anew with frames that were recorded; none is computed. */
  node.load = (recorded) => {
    pause();
    [frames, live] = [recorded, false];
    goTo(0);
  };
  /** A frame that was made by hand: it follows the one that is seen. */
  node.add = (frame) => (pause(), add(frame));
  node.pause = pause;
  node.play = start;
  return node;
}
