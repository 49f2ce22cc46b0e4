/* From logits to shares: the filters of src/generation/sampling.py in their order.
 *
 *   repetition penalty -> no repeated n-gram -> temperature -> top-k -> top-p -> min-p
 *
 * All but the first two keep the likeliest tokens down to some rank, so that the tokens are
 * put in order once and each filter is a number of tokens that stay.
 */

/** What changes nothing. */
export const PLAIN = {
  temperature: 1, top_k: 0, top_p: 1, min_p: 0, repetition_penalty: 1, no_repeat_ngram: 0,
};

/** Loops and not `from`: a vocabulary may have 50,000 tokens. */
export function softmax(logits) {
  const shares = new Float64Array(logits.length);
  let most = -Infinity, total = 0;
  for (let i = 0; i < logits.length; i++) if (logits[i] > most) most = logits[i];
  for (let i = 0; i < logits.length; i++) total += shares[i] = Math.exp(logits[i] - most);
  for (let i = 0; i < logits.length; i++) shares[i] /= total;
  return shares;
}

let before = {}; // what was ranked last: sliders ask for the same again and again

/** The ids in the order of their values, the largest first. */
function ranked(values) {
  const same = before.values?.length === values.length && before.values.every((one, id) => one === values[id]);
  if (!same) before = { values, order: new Uint32Array(values.length).map((_, id) => id) };
  if (!same) before.order.sort((a, b) => values[b] - values[a] || a - b);
  return before.order;
}

/** In bits. */
export function entropy(shares) {
  let bits = 0;
  for (const one of shares) if (one > 0) bits -= one * Math.log2(one);
  return bits;
}

/**
 * What `settings` make of the logits of the token after `history`.
 *
 * shares: of each id in the end; tempered: after the temperature alone; order: the ids as the
 * cuts see them; cutBy: for each id the filter that removed it, else null; cuts: for each filter
 * that is on, what it kept and removed, and the token on either side of the cut.
 */
export function sample(logits, history, settings) {
  const { temperature, top_k, top_p, min_p, repetition_penalty, no_repeat_ngram } = { ...PLAIN, ...settings };
  const cutBy = new Array(logits.length).fill(null), cuts = [];
  let now = new Float64Array(logits);
  if (repetition_penalty !== 1) now = penaliseRepetition(now, history, repetition_penalty);
  const order = ranked(now);
  let alive = order;

  const sharesOf = (ids) => softmax(new Float64Array(ids.length).map((_, place) => now[ids[place]]));
  const spread = (ids) => {
    const shares = new Float64Array(now.length), parts = sharesOf(ids);
    ids.forEach((id, place) => (shares[id] = parts[place]));
    return shares;
  };
  const cut = (name, kept, removed) => {
    const shares = spread(alive);
    for (const id of removed) cutBy[id] = name;
    const mass = removed.reduce((sum, id) => sum + shares[id], 0);
    const sizes = { kept: kept.length, removed: removed.length, mass };
    cuts.push({ name, ...sizes, last: kept.at(-1), first: removed[0] ?? null });
    alive = kept;
  };
  const keep = (name, count) => cut(name, alive.subarray(0, count), alive.subarray(count));

  if (no_repeat_ngram) {
    const banned = repeating(history, no_repeat_ngram, now.length);
    cut("no_repeat_ngram", alive.filter((id) => !banned.has(id)), alive.filter((id) => banned.has(id)));
  }
  if (temperature === 0) {
    const shares = new Float64Array(now.length);
    shares[alive[0]] = 1;
    return { shares, tempered: spread(alive), order, cutBy, cuts };
  }
  now = now.map((one) => one / temperature);
  const tempered = spread(alive);
  if (top_k) keep("top_k", topK(alive, now, top_k));
  if (top_p < 1) keep("top_p", topP(sharesOf(alive), top_p));
  if (min_p) keep("min_p", minP(sharesOf(alive), min_p));
  return { shares: spread(alive), tempered, order, cutBy, cuts };
}

/** The first id up to which more than `uniform` of the shares lie, in the order of ids. */
export function draw(shares, uniform) {
  const place = uniform * shares.reduce((sum, one) => sum + one, 0);
  let sum = 0;
  for (let id = 0; id < shares.length; id++) if ((sum += shares[id]) > place) return id;
  return shares.length - 1;
}

/** How many stay: k, and those that are equal to the last of them. */
function topK(ids, logits, k) {
  let count = Math.min(k, ids.length);
  while (count < ids.length && logits[ids[count]] === logits[ids[count - 1]]) count++;
  return count;
}

/** How many stay: without the unlikeliest that together hold at most 1 - p; always one. */
function topP(shares, p) {
  let count = shares.length, sum = 0;
  while (count > 1 && (sum += shares[count - 1]) <= 1 - p) count--;
  return count;
}

/** How many stay: those with at least p of the likeliest one's share. */
function minP(shares, p) {
  let count = shares.length;
  while (count > 1 && shares[count - 1] < p * shares[0]) count--;
  return count;
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
