/* The panel: takes a sound, asks what was said, shows it. */

import { ask, exported, latest, upload } from "ask";
import { button, controls, picker, select } from "controls";
import { calm, complain, el, hint, say } from "dom";
import { heard } from "heard";
import { methods } from "methods";
import { Recording } from "record";
import { decodedHere } from "wav";

const KINDS = "audio/*,.wav,.flac,.ogg,.mp3,.aiff,.au,.caf";

export const listen = {
  id: "listen",
  title: "Listen",
  async build(root) {
    const offers = await ask("listen/start");
    const hear = latest((given) => ask("listen/hear", given));
    let source = null, recording = null;

    const noise = select({ id: "listen-noise", label: "white noise", value: "none", onchange: () => source && show(),
      options: offers.noises.map((db) => [db, db === "none" ? "none" : `${db} dB below the sound`]) });
    const beside = methods({ offers });
    const result = heard({ beside });
    const examples = offers.examples.map(({ name, spoken }) => button({
      id: `listen-example-${name}`, label: spoken ? `${name}: ${spoken}` : name,
      onclick: () => take({ name, given: { example: name } }) }));
    const record = button({ id: "listen-record", label: "● Record", onclick: toggle });
    const drop = picker({ id: "listen-file", label: "Drop a sound here, or choose one: WAV, FLAC, MP3, OGG",
      accept: KINDS, onfile: open });
    root.append(
      exported
        ? hint("A saved page with these sounds; `python scripts/app.py` hears your own.")
        : hint("What you drop or say goes to this service only, and is not kept."),
      exported ? "" : controls(drop, record),
      controls(el("div", { class: "examples", role: "group", "aria-label": "Examples" }, examples), noise),
      result,
    );
    if (!exported) {
      root.ownerDocument.addEventListener("dragover", (event) => event.preventDefault());
      root.ownerDocument.addEventListener("drop", (event) => {
        if (event.defaultPrevented) return; // the picker has taken it
        event.preventDefault();
        if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]).catch(complain);
      });
    }

    async function take(next) {
      for (const one of examples) one.setAttribute("aria-pressed", one.id === `listen-example-${next.name}`);
      source = next;
      await show();
    }

    /** A chosen file: what the service does not read, the browser may know. */
    async function open(file, draft = false) {
      if (!draft) result.clear();
      const given = { audio: await upload(file) };
      const other = async () => {
        const decoded = await decodedHere(file, offers.rate);
        return { file: decoded, given: { audio: { ...(await upload(decoded)), name: file.name } } };
      };
      await take({ name: file.name, file, given, other });
    }

    async function show() {
      const mine = source;
      const given = () => ({ ...mine.given, noise: noise.value });
      calm();
      say(`listening to ${mine.name}…`);
      const started = performance.now();
      let answer;
      try {
        answer = await hear(given()).catch(async (error) => {
          const other = await mine.other?.().catch(() => null);
          if (!other) throw error;
          mine.other = null;
          const found = await hear({ ...other.given, noise: noise.value }).catch(() => Promise.reject(error));
          Object.assign(mine, other);
          return found;
        });
      } catch (error) {
        if (mine !== source) return;
        result.clear();
        return complain(error);
      }
      if (!answer || mine !== source) return; // another sound was chosen meanwhile
      say("");
      try {
        await result.show({ ...mine, given: given() }, answer, (performance.now() - started) / 1000);
      } catch (error) {
        if (mine === source) complain(error); // of the methods, such as a hot word: the transcript stays
      }
    }

    async function toggle() {
      if (recording) return finish();
      calm();
      say("asking for the microphone…");
      const next = new Recording(offers.rate, result.draft, () => finish().catch(complain));
      record.disabled = true; // a second click would open the microphone twice
      try {
        await next.start();
      } catch (error) {
        throw new Error(`the microphone cannot be used: ${error.message}`);
      } finally {
        record.disabled = false;
      }
      recording = next;
      record.classList.add("on");
      record.textContent = "■ Stop";
      result.draft("");
      next.clock = setInterval(() => say(["recording", `${next.seconds.toFixed(1)} s`, next.note].filter(Boolean).join(" · ")), 100);
    }

    async function finish() {
      const done = recording;
      if (!done) return;
      recording = null;
      clearInterval(done.clock);
      record.classList.remove("on");
      record.textContent = "● Record";
      await open(await done.stop(), true);
    }

    if (offers.examples.length) await take({ name: offers.examples[0].name, given: { example: offers.examples[0].name } });
  },
};
