/* 16-bit WAV files, made in the browser: from a recording, or from what only it decodes. */

export function wavFile(parts, rate, name) {
  const length = parts.reduce((sum, part) => sum + 2 * part.length, 0);
  const head = new DataView(new ArrayBuffer(44));
  const text = (at, word) => [...word].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + length, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true); // PCM
  head.setUint16(22, 1, true); // one channel
  head.setUint32(24, rate, true);
  head.setUint32(28, 2 * rate, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  text(36, "data");
  head.setUint32(40, length, true);
  return new File([head, ...parts], name, { type: "audio/wav" });
}

export function sixteenBit(samples) {
  return Int16Array.from(samples, (s) => Math.max(-32768, Math.min(32767, Math.round(32768 * s))));
}

// What the service does not read (WebM, M4A, ...) the browser may know.
export async function decodedHere(file, rate) {
  const context = new OfflineAudioContext(1, 1, rate);
  const audio = await context.decodeAudioData(await file.arrayBuffer());
  const mixed = new Float32Array(audio.length);
  for (let c = 0; c < audio.numberOfChannels; c++) {
    audio.getChannelData(c).forEach((s, i) => (mixed[i] += s / audio.numberOfChannels));
  }
  return wavFile([sixteenBit(mixed)], audio.sampleRate, "decoded.wav");
}
