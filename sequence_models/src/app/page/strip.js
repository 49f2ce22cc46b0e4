/* A text in pieces of alternating colour, one tab stop; arrow keys go along it. */

import { el } from "dom";
import { visible } from "encode";

const DRAWN = 800;

/**
 * `.show(tokens)`: {text, title, start, end}, whose bytes begin and end there. `onpoint(index)`
 * when the focus or the mouse gets to one; `.mark(start, end)` those that share bytes with it.
 */
export function strip({ id, label, onpoint }) {
  const node = el("p", { class: "strip", id, "aria-label": label });
  let tokens = [],
    spans = [],
    at = 0;

  node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -spans.length, End: spans.length }[event.key];
    if (!step || !spans.length) return;
    event.preventDefault();
    reach(Math.min(spans.length - 1, Math.max(0, at + step)));
    spans[at].focus();
  });

  function reach(index) {
    if (spans[at]) spans[at].tabIndex = -1;
    at = index;
    spans[at].tabIndex = 0;
  }

  const piece = ({ text, title }, index) =>
    el(
      "span",
      {
        class: `token t${index % 2}`,
        title,
        tabindex: index === at ? 0 : -1,
        onfocus: () => (reach(index), onpoint?.(index)),
        onpointerenter: () => onpoint?.(index),
      },
      text,
    );

  node.show = (given) => {
    const focused = node.contains(document.activeElement);
    tokens = given.slice(0, DRAWN);
    at = Math.min(at, Math.max(0, tokens.length - 1));
    spans = tokens.map(piece);
    const rest = given.length - tokens.length;
    node.replaceChildren(
      ...spans.flatMap((span) => (/⏎$/.test(span.textContent) ? [span, el("br")] : [span, el("wbr")])),
      rest ? ` … and ${rest.toLocaleString("en")} more` : "",
    );
    if (focused) spans[at]?.focus();
  };

  node.mark = (start, end) =>
    spans.forEach((span, i) =>
      span.classList.toggle("marked", tokens[i].start < end && tokens[i].end > start),
    );
  return node;
}

/** The tokens of some ids as a strip draws them. */
export function spread(tokenizer, ids) {
  let at = 0;
  const pieces = tokenizer.pieces(ids);
  return ids.map((id, i) => {
    const name = tokenizer.name(id);
    const shown = name ?? visible(pieces[i]);
    const hex = [...pieces[i]].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const title = `id ${id} “${shown}”, ${name ? "a special token" : `bytes ${hex}`}${origin(tokenizer, id)}`;
    return { text: shown, title, start: at, end: (at += pieces[i].length) };
  });
}

/** Which merge made an id. */
function origin(tokenizer, id) {
  const rank = tokenizer.made.indexOf(id);
  return rank < 0 ? "" : `, merge ${rank + 1}: ${pairOf(tokenizer, rank)}`;
}

/** `[␣t] + [he]`: what a merge joins. */
export const pairOf = (tokenizer, rank) =>
  tokenizer.merges[rank].map((id) => `[${visible(tokenizer.piece(id))}]`).join(" + ");
