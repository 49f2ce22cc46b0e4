/* What the CTC head gives each token at each frame, and where it spikes. */

const NAMED = 0.1; // a token whose probability peaks above this is named in the picture

/** Bytes of the blank and of each token: as probabilities, with the peaks of tokens. */
export function spikes({ frames, tokens, values }) {
  const row = (i) => Array.from(values.subarray(i * frames, (i + 1) * frames), (byte) => byte / 255);
  const rows = tokens.map((_, i) => row(i + 1));
  const peaks = [];
  rows.forEach((p, at) => p.forEach((value, frame) => {
    const higher = value > (p[frame - 1] ?? 0) && value >= (p[frame + 1] ?? 0);
    if (value >= NAMED && higher) peaks.push({ frame, p: value, row: at });
  }));
  return { blank: row(0), rows, peaks };
}

/** The likeliest token of a frame and its probability, as text. */
export function likeliest({ frames, tokens, values }, frame) {
  let best = 0;
  for (let i = 1; i <= tokens.length; i++) if (values[i * frames + frame] > values[best * frames + frame]) best = i;
  const share = Math.round((100 * values[best * frames + frame]) / 255);
  return `${best ? tokens[best - 1] : "blank"} ${share} %`;
}
