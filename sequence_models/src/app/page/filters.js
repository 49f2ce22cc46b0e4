/* From logits to shares: the filters of src/generation/sampling.py in their order.
 *
 *   repetition penalty -> no repeated n-gram -> temperature -> top-k -> top-p -> min-p
 */

/** What changes nothing. */
export const PLAIN = {
  temperature: 1, top_k: 0, top_p: 1, min_p: 0, repetition_penalty: 1, no_repeat_ngram: 0,
};

export function softmax(logits) {
  let most = -Infinity, total = 0;
  for (const one of logits) if (one > most) most = one;
  const shares = Float64Array.from(logits, (one) => Math.exp(one - most));
  for (const one of shares) total += one;
  return shares.map((one) => one / total);
}

/** In bits. */
export function entropy(shares) {
  let bits = 0;
  for (const one of shares) if (one > 0) bits -= one * Math.log2(one);
  return bits;
}

/** The ids, the largest value first; of equal ones the smaller id. */
export const ranked = (values) => Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);

/**
 * What `settings` make of the logits of the token after `history`.
 *
 * shares: of each id in the end; `tempered`: before anything is cut; `order`: the ids as the
 * cuts see them; `cutBy`: for each id the filter that removed it, else null; `cuts`: for each
 * filter that is on, what it kept and removed, and the token on either side of the cut.
 */
export function sample(logits, history, settings) {
  const { temperature, top_k, top_p, min_p, repetition_penalty, no_repeat_ngram } = { ...PLAIN, ...settings };
  const cutBy = new Array(logits.length).fill(null), cuts = [];
  let now = Float64Array.from(logits);
  if (repetition_penalty !== 1) now = penaliseRepetition(now, history, repetition_penalty);
  const order = ranked(now);

  const cut = (name, removes) => {
    const shares = softmax(now), removed = order.filter((id) => now[id] > -Infinity && removes(id, shares));
    for (const id of removed) [now[id], cutBy[id]] = [-Infinity, name];
    const kept = order.filter((id) => now[id] > -Infinity);
    const mass = removed.reduce((sum, id) => sum + shares[id], 0);
    const sizes = { kept: kept.length, removed: removed.length, mass };
    cuts.push({ name, ...sizes, last: kept.at(-1), first: removed[0] ?? null });
  };

  if (no_repeat_ngram) {
    const banned = repeating(history, no_repeat_ngram, logits.length);
    cut("no_repeat_ngram", (id) => banned.has(id));
  }
  if (temperature === 0) return { ...greedy(now), order, cutBy, cuts };
  now = now.map((one) => one / temperature);
  const tempered = softmax(now);
  if (top_k) {
    const least = now[ranked(now)[Math.min(top_k, now.length) - 1]];
    cut("top_k", (id) => now[id] < least);
  }
  if (top_p < 1) {
    const gone = tail(now, 1 - top_p);
    cut("top_p", (id) => gone.has(id));
  }
  if (min_p) {
    const most = Math.max(...softmax(now));
    cut("min_p", (id, shares) => shares[id] < min_p * most);
  }
  return { shares: softmax(now), tempered, order, cutBy, cuts };
}

/** The first id up to which more than `uniform` of the shares lie, in the order of ids. */
export function draw(shares, uniform) {
  const place = uniform * shares.reduce((sum, one) => sum + one, 0);
  let sum = 0;
  for (let id = 0; id < shares.length; id++) if ((sum += shares[id]) > place) return id;
  return shares.length - 1;
}

function greedy(logits) {
  const best = ranked(logits)[0];
  const shares = new Float64Array(logits.length);
  shares[best] = 1;
  return { shares, tempered: softmax(logits) };
}

function penaliseRepetition(logits, history, penalty) {
  const lowered = logits.slice();
  for (const id of new Set(history)) lowered[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
  return lowered;
}

/** The ids that would complete n tokens that `history` has already; none if that is all. */
function repeating(history, n, vocab) {
  const banned = new Set(), suffix = history.slice(history.length - n + 1);
  for (let at = 0; at + n <= history.length; at++) {
    if (suffix.every((id, i) => history[at + i] === id)) banned.add(history[at + n - 1]);
  }
  return banned.size === vocab ? new Set() : banned;
}

/** The unlikeliest ids that together hold at most `share`; never the likeliest. */
function tail(logits, share) {
  const shares = softmax(logits), gone = new Set(), order = ranked(logits);
  let sum = 0;
  for (const id of order.slice(1).reverse()) if ((sum += shares[id]) <= share) gone.add(id);
  return gone;
}
