// pattern: app/page/ask.js -- the same in every sub-project; edit one, then: python -m tools.copies sync app/page/ask.js --from <sub-project>
/* Questions to the server, or to the answers that a saved page has in it. */

const questions = document.getElementById("questions");

/** True in a page written by `--export`: there is no server. */
export const exported = questions !== null;

/** [name, parameters] of every answer in a saved page. */
const known = exported ? JSON.parse(questions.textContent) : [];
const places = new Map(known.map(([name, given], at) => [key(name, given), at]));

/** The parameters of all answers to `name` that a saved page has. */
export const recorded = (name) => known.filter(([one]) => one === name).map(([, given]) => given);

const GONE = "the app does not answer any more; start scripts/app.py again";

/** The answer of a call. Rejects with one sentence that can be shown. */
export async function ask(name, given = {}) {
  if (exported) return answerOf(name, given);
  const headers = { "content-type": "application/json" };
  let reply;
  try {
    reply = await fetch(`/ask/${name}`, { method: "POST", headers, body: JSON.stringify(given) });
  } catch {
    throw new Error(GONE);
  }
  const said = await reply.json().catch(() => ({ fault: `the app answered ${reply.status}` }));
  if ("fault" in said) throw new Error(said.fault);
  return said.answer;
}

/**
 * Frames of a stream, one after the other, until it ends or `stop()` is called.
 * `ended` resolves then; it rejects with a sentence. In a saved page: `recording`. The
 * parameters travel in the address: some kilobytes at most.
 */
export function listen(name, given, onframe) {
  const source = new EventSource(`/listen/${name}?given=${encodeURIComponent(JSON.stringify(given))}`);
  let stop;
  const ended = new Promise((resolve, reject) => {
    const close = (settle, value) => (source.close(), settle(value));
    stop = () => close(resolve);
    source.onmessage = ({ data }) => {
      const said = JSON.parse(data);
      if ("fault" in said) return close(reject, new Error(said.fault));
      try {
        onframe(said.answer);
      } catch (error) {
        close(reject, error);
      }
    };
    source.addEventListener("end", () => close(resolve));
    source.onerror = () => close(reject, new Error(GONE));
  });
  return { stop, ended };
}

/** All frames of a stream that a saved page holds; throws a sentence if it does not. */
export const recording = (name, given) => answerOf(name, given);

function answerOf(name, given) {
  const at = places.get(key(name, given));
  if (at === undefined)
    throw new Error("this saved page does not hold that answer; start scripts/app.py to ask for anything");
  return JSON.parse(document.getElementById(`answer-${at}`).textContent);
}

function key(name, given) {
  const sorted = (value) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.keys(value).sort().map((one) => [one, sorted(value[one])]))
      : Array.isArray(value) ? value.map(sorted) : value;
  return JSON.stringify([name, sorted(given)]);
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

/** {values, shape} of a packed array. */
export function unpack({ dtype, shape, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return { values: new ARRAYS[dtype](bytes.buffer), shape };
}

const MAX_BYTES = 20 * 2 ** 20;

/** A chosen file as the server's `Upload`. Rejects if it is too large to be sent. */
export async function upload(file) {
  if (file.size > MAX_BYTES) throw new Error(`${file.name}: larger than 20 MiB; choose a smaller file`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return { name: file.name, base64: btoa(text) };
}

/**
 * `f`, one call at a time: of those that come while one is under way only the last is
 * made. Gives null for one that was left out or overtaken.
 */
export function latest(f) {
  let turn = 0, underway = null;
  return async (...given) => {
    const mine = ++turn;
    while (underway) await underway.catch(() => {});
    if (mine !== turn) return null;
    underway = (async () => f(...given))();
    try {
      const answer = await underway;
      return mine === turn ? answer : null;
    } catch (error) {
      if (mine === turn) throw error;
      return null;
    } finally {
      underway = null;
    }
  };
}
