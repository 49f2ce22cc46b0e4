/* The microphone, streamed to the service while it is spoken, and kept for the picture. */

import { sixteenBit, wavFile } from "wav";

export class Recording {
  // `heard(text)` is called with each partial transcript, `full()` when no more fits.
  constructor(rate, heard, full) {
    this.wanted = rate;
    this.heard = heard;
    this.full = full;
    this.parts = [];
    this.samples = 0;
    this.note = "";
  }

  async start() {
    this.source = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    try {
      await this.listen(this.wanted).catch(() => this.listen());
    } catch (error) {
      this.release();
      throw error;
    }
    this.openSocket();
  }

  async listen(sampleRate) {
    const context = new AudioContext(sampleRate ? { sampleRate } : {});
    try {
      await context.audioWorklet.addModule("/page/tap.js");
      const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
      context.createMediaStreamSource(this.source).connect(tap);
      tap.port.onmessage = ({ data }) => this.take(sixteenBit(data));
      await context.resume();
    } catch (error) {
      await context.close();
      throw error;
    }
    this.context = context;
    this.rate = context.sampleRate;
  }

  openSocket() {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/v1/audio/stream`);
    this.socket = socket;
    this.sent = 0;
    socket.onopen = () => socket.send(JSON.stringify({ sample_rate: this.rate }));
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "ready") {
        this.open = true;
        this.most = message.max_seconds;
        this.send();
      } else if (message.type === "error") {
        this.note = `no live text: ${message.detail}`;
      } else {
        this.heard(message.text);
      }
    };
    socket.onclose = () => (this.open = false);
  }

  take(part) {
    this.parts.push(part);
    this.samples += part.length;
    this.send();
    if (this.most && this.samples > (this.most - 0.5) * this.rate) this.full();
  }

  send() {
    const socket = this.socket;
    while (this.open && socket.readyState === WebSocket.OPEN && this.sent < this.parts.length) socket.send(this.parts[this.sent++]);
  }

  get seconds() {
    return this.samples / (this.rate || 1);
  }

  release() {
    this.source.getTracks().forEach((track) => track.stop());
  }

  async stop() {
    this.release();
    await this.context.close();
    this.open = false;
    this.socket.close();
    return wavFile(this.parts, this.rate, "recording.wav");
  }
}
