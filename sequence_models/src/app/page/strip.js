/* A text in pieces of alternating colour, one tab stop; arrow keys go along it. */

import { el, short } from "dom";
import { visible } from "encode";

const DRAWN = 500;

/**
 * `.show(tokens)`: {text, title(), start, end}, whose bytes begin and end there. `onpoint(index)`
 * when the focus or the mouse gets to one; `.mark(start, end)` those that share bytes with it.
 */
export function strip({ id, label, onpoint }) {
  const node = el("p", { class: "strip", id, "aria-label": label });
  const more = el("span", { class: "soft" });
  node.append(more);
  let [tokens, spans, at] = [[], [], 0];

  node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -spans.length, End: spans.length }[event.key];
    if (!step || !spans.length) return;
    event.preventDefault();
    spans[Math.min(spans.length - 1, Math.max(0, at + step))].focus();
  });
  node.addEventListener("focusin", ({ target }) => reach(spans.indexOf(target)));
  node.addEventListener("pointerover", ({ target }) => point(spans.indexOf(target)));

  function reach(index) {
    if (index < 0) return;
    if (spans[at]) spans[at].tabIndex = -1;
    at = index;
    spans[at].tabIndex = 0;
    point(at);
  }

  function point(index) {
    if (index < 0) return;
    spans[index].title = tokens[index].title();
    onpoint?.(index);
  }

  const piece = ({ text }, index) => el("span", { class: `token t${index % 2}`, tabindex: -1 }, text);

  /** What stays in front is left alone: a text that grows at its end is not drawn anew. */
  node.show = (given) => {
    const focused = node.contains(document.activeElement);
    const drawn = given.slice(0, DRAWN);
    let same = 0;
    while (same < spans.length && same < drawn.length && drawn[same].text === tokens[same].text) same += 1;
    while (spans.length && more.previousSibling !== (same ? spans[same - 1].nextSibling : null))
      more.previousSibling.remove();
    const fresh = drawn.slice(same).map((token, i) => piece(token, same + i));
    more.before(...fresh.flatMap((span) => [span, el(span.textContent.endsWith("⏎") ? "br" : "wbr")]));
    [tokens, spans] = [drawn, [...spans.slice(0, same), ...fresh]];
    const rest = given.length - drawn.length;
    more.textContent = rest ? ` … and ${short(rest)} more` : "";
    at = Math.min(at, Math.max(0, spans.length - 1));
    if (spans.length) spans[at].tabIndex = 0;
    node.mark(0, 0);
    if (focused) spans[at]?.focus();
  };

  node.mark = (start, end) => {
    const here = ({ start: from, end: to }) => from < end && to > start;
    spans.forEach((span, i) => span.classList.toggle("marked", here(tokens[i])));
  };
  return node;
}

/** The tokens of some ids as a strip draws them. */
export function spread(tokenizer, ids) {
  let at = 0;
  const known = new Map(); // id -> text; of the last word it may be another one
  return tokenizer.pieces(ids).map((piece, i) => {
    const key = `${ids[i]} ${piece.length}`;
    if (!known.has(key)) known.set(key, tokenizer.name(ids[i]) ?? visible(piece));
    const text = known.get(key);
    return { text, title: () => titleOf(tokenizer, ids[i], text, piece), start: at, end: (at += piece.length) };
  });
}

function titleOf(tokenizer, id, text, piece) {
  const hex = Array.from(piece, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const kind = tokenizer.name(id) ? "a special token" : `bytes ${hex}`;
  return `id ${id} “${text}”, ${kind}${origin(tokenizer, id)}`;
}

/** Which merge made an id. */
function origin(tokenizer, id) {
  const rank = tokenizer.made.indexOf(id);
  return rank < 0 ? "" : `, merge ${rank + 1}: ${pairOf(tokenizer, rank)}`;
}

/** `[␣t] + [he]`: what a merge joins. */
export const pairOf = (tokenizer, rank) =>
  tokenizer.merges[rank].map((id) => `[${visible(tokenizer.piece(id))}]`).join(" + ");
