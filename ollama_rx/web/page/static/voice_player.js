/** The loudspeaker: samples in, and seconds that have really been played out. */

const MOST_WAIT = 300; // milliseconds for the audio thread to answer; a suspended one never does

export class VoicePlayer {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  #ready = Promise.resolve(); // what is asked meanwhile waits, in its order
  #played = 0; // samples
  #onProgress;
  /** @type {((played: number) => void) | null} */
  #onStopped = null;

  /** @param {(progress: { played: number, waiting: number }) => void} onProgress  in seconds */
  constructor(onProgress) {
    this.#onProgress = onProgress;
  }

  /**
   * Get ready to play; a browser allows it only after a click or a key.
   *
   * @param {number} rate  samples a second
   * @returns {Promise<void>}
   */
  prepare(rate) {
    this.#ready = this.#ready.then(() => this.#setUp(rate));
    return this.#ready;
  }

  /** @param {number} rate */
  async #setUp(rate) {
    if (this.#context?.sampleRate !== rate) {
      await this.#tearDown();
      const context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
      this.#context = context;
      await context.audioWorklet.addModule(new URL("voice_worklet.js", import.meta.url));
      this.#node = new AudioWorkletNode(context, "voice-player", {
        numberOfInputs: 0,
        outputChannelCount: [1],
      });
      this.#node.port.onmessage = ({ data }) => this.#hear(data);
      this.#node.connect(context.destination);
    }
    if (this.#context.state === "suspended") this.#context.resume(); // not awaited: it may wait for a click
  }

  /** Begin with another text: what waits is dropped, and the count starts from zero. */
  async start() {
    await this.#ready;
    this.#played = 0;
    this.#node?.port.postMessage("start");
  }

  /** @param {ArrayBuffer} pcm  signed 16-bit samples */
  async play(pcm) {
    await this.#ready;
    const samples = new Int16Array(pcm);
    this.#node?.port.postMessage(samples, [samples.buffer]);
  }

  /**
   * Be silent at once.
   *
   * @returns {Promise<number>}  the seconds of the text that have been played
   */
  async stop() {
    await this.#ready;
    const node = this.#node;
    const rate = this.#context?.sampleRate;
    if (!node || !rate) return 0;
    /** @type {number} */
    const played = await new Promise((resolve) => {
      this.#onStopped = resolve;
      setTimeout(() => resolve(this.#played), MOST_WAIT);
      node.port.postMessage("stop");
    });
    return played / rate;
  }

  async close() {
    await this.#ready.catch(() => {}); // what has failed to be set up is closed too
    this.#ready = Promise.resolve();
    await this.#tearDown();
  }

  async #tearDown() {
    this.#node?.disconnect();
    await this.#context?.close();
    this.#node = this.#context = null;
  }

  /** @param {{ played: number, waiting: number, stopped?: boolean }} message */
  #hear({ played, waiting, stopped }) {
    const rate = this.#context?.sampleRate ?? 1;
    this.#played = played;
    if (stopped) this.#onStopped?.(played);
    else this.#onProgress({ played: played / rate, waiting: waiting / rate });
  }
}
