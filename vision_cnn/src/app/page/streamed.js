/* A stream of which only the last frame counts; the others say how far it is. */

import { exported, listen, recorded, recording } from "ask";
import { say } from "dom";

/**
 * `ask` gives the last frame, or null if another call has taken its place. A saved page
 * has one answer, whatever is asked.
 */
export function streamed(name, what) {
  let running = null;
  return async function ask(given) {
    if (exported) return recording(name, recorded(name)[0] ?? given).at(-1);
    running?.stop();
    let answer = null;
    const mine = listen(name, given, (frame) => {
      if ("done" in frame) say(`${what}: ${frame.done} of ${frame.of} images`);
      else answer = frame;
    });
    running = mine;
    try {
      await mine.ended;
    } finally {
      if (running === mine) say("");
    }
    return running === mine ? answer : null;
  };
}
