/* In the audio thread: hands on what the microphone gives, an eighth of a second at a time. */

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(Math.ceil(sampleRate / 8));
    this.filled = 0;
  }

  process([input]) {
    for (const sample of input[0] || []) {
      this.block[this.filled++] = sample;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("tap", Tap);
