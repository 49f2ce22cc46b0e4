/* A tokenizer of the library in the page: text to ids from what its `to_dict` holds.
   bpe.py, bpe_merge.py, presplit.py, char.py, word.py and byte.py, line for line where it matters. */

const SPACE = "\\t\\n\\v\\f\\r\\x85\\p{Z}";
/** What no token crosses, as in presplit.py; (?i:...) is written out, ſ is an s to it. */
const SPLITS = {
  gpt2: `'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^${SPACE}\\p{L}\\p{N}]+|[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`,
  gpt4:
    `'(?:[sdmtSDMTſ]|[lL]{2}|[vV][eE]|[rR][eE])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}` +
    `| ?[^${SPACE}\\p{L}\\p{N}]+[\\r\\n]*|[${SPACE}]*[\\r\\n]+|[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`,
};
const NEVER = Infinity;
const CACHED = 20000; // chunks
const utf8 = (text) => new TextEncoder().encode(text);

/** The byte of each of GPT-2's symbols: printable ones are themselves, the rest follow from 256. */
const BYTES = new Map();
for (let byte = 0, other = 256; byte < 256; byte++) {
  const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  BYTES.set(String.fromCodePoint(printable ? byte : other++), byte);
}

/**
 * `encode(text, limit)` gives {ids, fired}: the ids, and [rank, places] of each merge that joined
 * something; of byte pairs only the first `limit` merges count. It throws a sentence for a text
 * that the tokenizer does not know. `pieces(ids)` are their bytes, `name(id)` that of a special one.
 */
export function open(values) {
  const specials = Array.isArray(values.specials) ? null : new Map(Object.entries(values.specials));
  const kind = { byte: bytes, char: characters, word: words, bpe: pairs }[values.kind](values);
  const named = specials ?? new Map(values.specials.map((name, i) => [name, kind.size + i]));
  const names = new Map([...named].map(([name, id]) => [id, name]));

  function encode(text, limit = NEVER) {
    if (!text.isWellFormed()) throw new Error("the text has half of a surrogate pair: remove it");
    const ids = [];
    const fired = new Map();
    let start = 0;
    for (const part of cut(text, [...named.keys()])) {
      if (named.has(part)) ids.push(named.get(part));
      else for (const id of kind.encode(part, start, limit, fired)) ids.push(id);
      start += [...part].length;
    }
    return { ids, fired: [...fired].sort(([a], [b]) => a - b) };
  }

  const made = new Map(); // id -> bytes, once it was asked for
  function piece(id) {
    if (!made.has(id)) made.set(id, names.has(id) ? utf8(names.get(id)) : kind.piece(id));
    return made.get(id);
  }

  /** Of the last word of a run the space behind it is no part of the text. */
  function pieces(ids) {
    if (values.kind !== "word") return ids.map(piece);
    const last = (at) => !names.has(ids[at]) && (at + 1 === ids.length || names.has(ids[at + 1]));
    return ids.map((id, at) => (last(at) ? piece(id).slice(0, -1) : piece(id)));
  }

  const size = values.kind === "bpe" ? values.tokens.length : kind.size + named.size;
  return {
    kind: values.kind,
    size,
    merges: values.merges ?? [],
    made: kind.made ?? [],
    encode,
    pieces,
    name: (id) => names.get(id),
    piece,
  };
}

/** The parts of a text at and between special names; of two that fit, the longer. */
function cut(text, names) {
  if (!names.length) return [text];
  const safe = names
    .map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .sort((a, b) => b.length - a.length);
  return text.split(new RegExp(`(${safe.join("|")})`, "u")).filter(Boolean);
}

const bytes = () => ({ size: 256, encode: utf8, piece: (id) => Uint8Array.of(id) });

function characters({ characters: known }) {
  const all = [...known],
    ids = new Map(all.map((one, id) => [one, id]));
  function* encode(text, start) {
    let at = start;
    for (const one of text) {
      if (!ids.has(one)) {
        const code = one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
        throw new Error(
          `character "${one}" (U+${code}) at position ${at} is not one of the ${all.length} that it knows`,
        );
      }
      yield ids.get(one);
      at += 1;
    }
  }
  return { size: all.length, encode, piece: (id) => utf8(all[id]) };
}

function words({ words: all }) {
  const ids = new Map(all.map((word, id) => [word, id]));
  const encode = (text) =>
    (text ? text.split(" ") : []).map((word) => {
      if (ids.has(word)) return ids.get(word);
      const what = word ? `word "${word}"` : "the empty word between two spaces";
      throw new Error(`${what} is not one of the ${all.length} that it knows`);
    });
  return { size: all.length, encode, piece: (id) => utf8(`${all[id]} `) };
}

function pairs({ tokens, merges, split, specials }) {
  const special = new Set(Object.values(specials));
  const known = tokens.map((symbols) => Uint8Array.from([...symbols], (one) => BYTES.get(one)));
  const key = (a, b) => a * tokens.length + b;
  const ids = new Map(tokens.map((symbols, id) => [symbols, id]).filter(([, id]) => !special.has(id)));
  const made = merges.map(([a, b]) => ids.get(tokens[a] + tokens[b]));
  const ranks = new Map(merges.map(([a, b], rank) => [key(a, b), rank]));
  const single = new Array(256);
  for (const [symbol, byte] of BYTES) single[byte] = ids.get(symbol);
  const pattern = new RegExp(SPLITS[split], "gu");

  /** Join, again and again, the pair of the lowest rank; of equal ones the leftmost. */
  function join(chunk, limit) {
    const joins = [];
    const own = Array.from(utf8(chunk), (byte) => single[byte]);
    const rank = (i) => {
      const found = ranks.get(key(own[i], own[i + 1]));
      return found === undefined || found >= limit ? NEVER : found;
    };
    const waiting = Array.from({ length: Math.max(0, own.length - 1) }, (_, i) => rank(i));
    for (;;) {
      let [at, best] = [-1, NEVER];
      for (let i = 0; i < waiting.length; i++) if (waiting[i] < best) best = waiting[(at = i)];
      if (at < 0) return { own, joins };
      own.splice(at, 2, made[best]);
      waiting.splice(at, 1);
      if (at > 0) waiting[at - 1] = rank(at - 1);
      if (at < waiting.length) waiting[at] = rank(at);
      joins.push(best);
    }
  }

  const whole = new Map(); // chunk -> how it is joined by all merges: a text that is typed keeps its words
  function* encode(text, _, limit, fired) {
    const known = limit === NEVER ? whole : new Map();
    if (known.size > CACHED) whole.clear();
    for (const chunk of text.match(pattern) ?? []) {
      if (!known.has(chunk)) known.set(chunk, join(chunk, limit));
      const { own, joins } = known.get(chunk);
      for (const rank of joins) fired.set(rank, (fired.get(rank) ?? 0) + 1);
      yield* own;
    }
  }
  return { encode, made, piece: (id) => known[id] };
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const MARKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };

/** Bytes to be read: marks for blanks, \xe2 for what is not whole, \u200b for what is not seen. */
export function visible(piece) {
  let text = "";
  for (let at = 0; at < piece.length;) {
    const lead = piece[at];
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    try {
      text += shown(STRICT.decode(piece.subarray(at, at + length)));
      at += length;
    } catch {
      text += `\\x${lead.toString(16).padStart(2, "0")}`;
      at += 1;
    }
  }
  return text;
}

function shown(character) {
  if (character in MARKS) return MARKS[character];
  if (!/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0),
    digits = (n) => code.toString(16).padStart(n, "0");
  if (character === "\r") return "\\r";
  return code < 0x100 ? `\\x${digits(2)}` : code < 0x10000 ? `\\u${digits(4)}` : `\\U${digits(8)}`;
}
