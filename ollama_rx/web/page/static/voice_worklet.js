/**
 * Plays samples in the audio thread, and counts those that have really been played.
 *
 * Messages to it: samples (an Int16Array), "start" for another text, and "stop", which is answered with the
 * count. Messages from it: { played, waiting } about ten times a second, in samples; with `stopped` as the
 * answer to "stop".
 */

const EVERY = 20; // calls of `process` between two messages: 128 samples each, 107 ms at 24 kHz

class VoicePlayer extends AudioWorkletProcessor {
  /** @type {Int16Array[]} */
  #waiting = [];
  #offset = 0; // how much of the first one is played
  #played = 0;
  #calls = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => this.#receive(data);
  }

  /** @param {Int16Array | "start" | "stop"} message */
  #receive(message) {
    if (message instanceof Int16Array) {
      this.#waiting.push(message);
      return;
    }
    const played = this.#played;
    this.#waiting = [];
    this.#offset = 0;
    if (message === "start") this.#played = 0;
    else this.port.postMessage({ played, waiting: 0, stopped: true });
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, outputs) {
    const [samples] = outputs[0];
    let place = 0;
    while (place < samples.length && this.#waiting.length) {
      const first = this.#waiting[0];
      const end = Math.min(first.length, this.#offset + samples.length - place);
      for (; this.#offset < end; place++) samples[place] = first[this.#offset++] / 32768;
      if (this.#offset === first.length) {
        this.#waiting.shift();
        this.#offset = 0;
      }
    }
    this.#played += place; // silence, where nothing has arrived in time, is not part of the text
    if (++this.#calls % EVERY === 0) this.#report();
    return true;
  }

  #report() {
    const waiting = this.#waiting.reduce((sum, { length }) => sum + length, -this.#offset);
    this.port.postMessage({ played: this.#played, waiting });
  }
}

registerProcessor("voice-player", VoicePlayer);
