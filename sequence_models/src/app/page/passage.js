/* A text, token by token, each coloured by a number; arrow keys go along it. */

import { el } from "dom";

const FULL = 0.45; // of the hue: more of it would hide the letters, in the dark first

/**
 * `.show(tokens)`: {text, share, sign, title, chosen, faint}, share 0 to 1 of the full
 * colour. `onpick(index)` by click and Enter, `onpoint(index)` when the focus or the mouse
 * gets there.
 */
export function passage({ id, label, onpick, onpoint }) {
  const text = el("p", { class: "passage", id, "aria-label": label });
  const node = el("figure", {}, label ? el("figcaption", {}, label) : null, text);
  let spans = [], at = 0;

  text.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -spans.length, End: spans.length }[event.key];
    if (step) focus(Math.min(spans.length - 1, Math.max(0, at + step)));
    else if (event.key === "Enter" || event.key === " ") onpick?.(at);
    else return;
    event.preventDefault();
  });

  function focus(next) {
    if (!spans.length) return;
    spans[at].tabIndex = -1;
    at = next;
    spans[at].tabIndex = 0;
    spans[at].focus();
  }

  function piece(token, index) {
    const kind = ["piece", token.chosen && "chosen", token.faint && "faint"].filter(Boolean).join(" ");
    const span = el("span", {
      class: kind, title: token.title, role: onpick ? "button" : null,
      tabindex: onpick ? (index === at ? 0 : -1) : null,
      onclick: onpick && (() => ((at = index), onpick(index))),
      onfocus: onpick && (() => ((at = index), onpoint?.(index))),
      onpointerenter: onpoint && (() => onpoint(index)),
    }, token.text);
    const share = Math.round(100 * Math.min(1, Math.max(0, token.share ?? 0)));
    span.dataset.share = share;
    if (share) {
      const hue = token.sign < 0 ? "--minus" : token.sign > 0 ? "--plus" : "--much";
      span.style.background = `color-mix(in srgb, var(${hue}) ${FULL * share}%, transparent)`;
    }
    return span;
  }

  node.show = (tokens) => {
    const focused = text.contains(document.activeElement);
    at = Math.min(at, Math.max(0, tokens.length - 1));
    spans = tokens.map(piece);
    text.replaceChildren(...spans.flatMap(breakable));
    if (focused) focus(at);
  };
  return node;
}

/** Lines break at what stands for a blank. */
function breakable(span) {
  const before = /^[␣⏎⇥]./.test(span.textContent), behind = /[␣⏎⇥]$/.test(span.textContent);
  return [before && el("wbr"), span, behind && el("wbr")].filter(Boolean);
}
