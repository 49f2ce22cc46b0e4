/* The answers to one problem, and what the first n of them vote for. */

import { ask, exported, latest } from "ask";
import { bars } from "bars";
import { chart } from "chart";
import { button, controls, select, slider, textbox } from "controls";
import { calm, complain, el, hint } from "dom";

const LINES = 6; // answers whose share is drawn

/** Of the reasoners that `start` names: a problem, its answers, a slider over n. */
export async function votes(start) {
  let said = null;
  const who = select({
    id: "scaling-reasoner",
    label: "model",
    options: start.reasoners.map((name) => [name, name]),
    onchange: () => another().catch(complain),
  });
  const problem = select({
    id: "scaling-problem",
    label: "problem, the most split first",
    options: [],
    onchange: () => tried({ question: problem.value }),
  });
  const own = textbox({ id: "scaling-own", label: "or your own" });
  const asked = button({ id: "scaling-ask", label: "ask", onclick: () => answer({ question: own.value }) });
  const seed = slider({
    id: "scaling-seed",
    label: "seed",
    min: 0,
    max: 20,
    value: 0,
    oninput: () => tried({ question: said.question }),
  });
  const count = slider({
    id: "scaling-count",
    label: "answers that vote, n",
    min: 1,
    max: start.samples,
    value: start.samples,
    oninput: show,
  });
  const verdict = el("p", { id: "scaling-verdict", class: "mono" });
  const tally = bars({ id: "scaling-tally", label: "votes of the first n answers" });
  const shares = chart({
    id: "scaling-shares",
    label: "share of the votes as n grows",
    x: "answers that vote, n",
    y: "share of the votes",
  });
  const listed = el("ol", { id: "scaling-answers", class: "answers" });
  const newest = latest((given) => ask("scaling/answers", given));
  const tried = (given) => answer(given).catch(complain);

  async function another() {
    calm();
    const found = await ask("scaling/problems", { reasoner: who.value });
    problem.offer(found.questions.map((one) => [one, one]));
    problem.value = found.questions[0];
    await tried({ question: problem.value });
  }

  async function answer({ question }) {
    const given = { reasoner: who.value, question, ...(exported ? {} : { seed: seed.value }) };
    const found = await newest(given);
    if (!found) return;
    said = found;
    problem.value = said.question; // none of them, where it was typed
    calm();
    show();
  }

  function show() {
    if (!said) return;
    const n = count.value;
    const answers = said.attempts.map(({ answer }) => answer);
    const now = votesOf(answers.slice(0, n));
    const chosen = majority(answers.slice(0, n));
    const judged = (name) => (right(said).has(name) ? "right" : "wrong");
    const rows = now.map(([name, value]) => ({ name, value, chosen: name === chosen, note: judged(name) }));
    tally.show(rows, n);
    const first = said.attempts.slice(0, n).findIndex(({ verdict }) => verdict === "right");
    verdict.textContent = [
      `${said.question}: the vote of ${n} is ${chosen === null ? "none" : `${chosen}, ${judged(chosen)}`}`,
      `best of ${n} with the verifier: ${first < 0 ? "none is right" : `right, answer ${first + 1}`}`,
      `greedy: ${said.greedy.answer ?? "none"}, ${said.greedy.verdict}`,
      `a solution: ${said.solution}`,
    ].join("; ");
    shares.show(sharesOf(answers), [{ at: n }]);
    listed.replaceChildren(...said.attempts.map((one, i) => line(one, i < n)));
  }

  const about =
    "Answers are drawn once; the slider only counts more of them. Of answers with as many votes, the first " +
    "seen wins.";
  const node = el(
    "div",
    {},
    el("h2", {}, "One problem"),
    hint(about),
    controls(who, problem, ...(exported ? [] : [own, asked, seed]), count),
    verdict,
    el("div", { class: "columns" }, el("div", {}, tally, shares), listed),
  );
  await another();
  return node;
}

/** An answer, with its verdict in its colour; faint while it does not vote. */
const line = ({ response, verdict }, counted) =>
  el(
    "li",
    { class: counted ? null : "faint" },
    el("code", {}, response),
    " ",
    el("span", { class: { right: "good", wrong: "bad" }[verdict] ?? "soft" }, verdict),
  );

const right = ({ attempts }) =>
  new Set(attempts.filter(({ verdict }) => verdict === "right").map(({ answer }) => answer));

/** [answer, votes], the most first, of equals the first seen; no answer does not vote. */
function votesOf(answers) {
  const totals = new Map();
  for (const answer of answers) if (answer !== null) totals.set(answer, (totals.get(answer) ?? 0) + 1);
  return [...totals].sort(([, a], [, b]) => b - a);
}

/** What `majority` of src/reasoning/test_time.py gives. */
const majority = (answers) => votesOf(answers)[0]?.[0] ?? null;

/** Of the answers with the most votes at the end: their share of the first n votes, for each n. */
function sharesOf(answers) {
  const ns = answers.map((_, i) => i + 1);
  return votesOf(answers)
    .slice(0, LINES)
    .map(([name]) => ({
      name,
      x: ns,
      y: ns.map((n) => {
        const first = answers.slice(0, n).filter((one) => one !== null);
        return first.length ? first.filter((one) => one === name).length / first.length : null;
      }),
    }));
}
