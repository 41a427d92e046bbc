/**
 * The voice of a conversation: a WebSocket that brings audio and words, and takes interruptions.
 *
 * While it is on, the server speaks each answer that begins in the conversation.
 */

import { subprotocols } from "./access_token.js";
import { path } from "./api.js";
import { sleep } from "./event_stream.js";
import { VoicePlayer } from "./voice_player.js";

const USUAL_RATE = 24_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;
const MOST_WAIT = 3000; // for the connection, before an answer begins without it

/**
 * @typedef {object} Spoken  a sentence or a word
 * @property {string} text  as written
 * @property {string} [said]  as it is said: a sentence without marks of Markdown
 * @property {number} start  seconds of the answer's audio
 * @property {number | null} end
 */

/**
 * @typedef {object} Listener
 * @property {(speaking: boolean) => void} onSpeaking
 * @property {(sentence: Spoken) => void} onSentence  when it is heard
 * @property {(word: Spoken) => void} onWord  when it is heard
 * @property {() => void} onInterrupted  the server has cut the answer to what was heard
 * @property {(text: string) => void} onProblem
 */

export class Voice {
  #listener;
  #player = new VoicePlayer((progress) => this.#follow(progress));
  #leaving = new AbortController();
  /** @type {WebSocket | null} */
  #socket = null;
  #connected = Promise.resolve();
  /**
   * @type {{ kind: "onSentence" | "onWord", spoken: Spoken }[]} sentences and words that are not heard yet
   */
  #coming = [];
  #speaking = false;
  #deaf = false; // after an interruption, until the next text begins: what still arrives is of the old one
  #complete = false; // the server has sent the whole text

  isOn = false;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  get isSpeaking() {
    return this.#speaking;
  }

  /** Turn the voice on; called by a click, as the browser demands. */
  async turnOn() {
    this.isOn = true;
    await this.#player.prepare(USUAL_RATE);
  }

  async turnOff() {
    this.leave();
    this.isOn = false;
    await this.#player.close();
  }

  /**
   * Listen to a conversation; resolves when the connection is there, or does not come.
   *
   * @param {string} id
   */
  async listenTo(id) {
    if (!this.isOn) return;
    if (this.#socket === null || !this.#socket.url.endsWith(path(id, "voice"))) {
      this.leave();
      const { signal } = this.#leaving;
      this.#connected = new Promise((resolve) => this.#keepConnected(id, signal, resolve));
    }
    const patience = new AbortController();
    await Promise.race([this.#connected, sleep(MOST_WAIT, patience.signal)]);
    patience.abort();
  }

  /** Be silent, and leave the conversation. */
  leave() {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    this.#socket?.close();
    this.#socket = null;
    if (this.#speaking) this.#player.stop();
    this.#setSpeaking(false);
  }

  /** Be silent at once; the server stops the answer, and keeps what was heard of it. */
  async interrupt() {
    if (!this.#speaking) return;
    this.#deaf = true;
    this.#setSpeaking(false);
    const played = await this.#player.stop();
    if (this.#socket?.readyState === WebSocket.OPEN)
      this.#socket.send(JSON.stringify({ type: "interrupt", played }));
  }

  /**
   * @param {string} id
   * @param {AbortSignal} signal
   * @param {() => void} onConnected
   */
  async #keepConnected(id, signal, onConnected) {
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      const address = new URL(path(id, "voice"), location.href);
      address.protocol = address.protocol.replace("http", "ws");
      const socket = new WebSocket(address, subprotocols());
      socket.binaryType = "arraybuffer";
      this.#socket = socket;
      socket.addEventListener("open", () => {
        pause = FIRST_PAUSE;
        onConnected();
      });
      socket.addEventListener("message", ({ data }) => {
        if (!signal.aborted) this.#receive(data);
      });
      await new Promise((resolve) => socket.addEventListener("close", resolve));
      await sleep(pause, signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  /** @param {ArrayBuffer | string} frame */
  #receive(frame) {
    if (frame instanceof ArrayBuffer) {
      if (!this.#deaf) this.#player.play(frame);
      return;
    }
    const { event, data } = JSON.parse(frame);
    if (event === "speech") this.#begin(data.rate);
    else if (event === "error") this.#listener.onProblem(data.message);
    else if (event === "interrupted") {
      this.#setSpeaking(false);
      this.#player.stop();
      this.#listener.onInterrupted();
    } else if (this.#deaf) return;
    else if (event === "sentence" && data.end === null)
      this.#coming.push({ kind: "onSentence", spoken: data });
    else if (event === "word") this.#coming.push({ kind: "onWord", spoken: data });
    else if (event === "speech_end") this.#complete = true;
  }

  /** @param {number} rate */
  #begin(rate) {
    this.#deaf = false;
    this.#complete = false;
    this.#coming = [];
    this.#player.prepare(rate); // ready at once, unless the rate is another one than ever before
    this.#player.start();
    this.#setSpeaking(true);
  }

  /** @param {{ played: number, waiting: number }} progress  in seconds */
  #follow({ played, waiting }) {
    if (!this.#speaking) return;
    while (this.#coming.length && this.#coming[0].spoken.start <= played) {
      const next = this.#coming.shift();
      if (next) this.#listener[next.kind](next.spoken);
    }
    if (this.#complete && waiting <= 0) this.#setSpeaking(false);
  }

  /** @param {boolean} speaking */
  #setSpeaking(speaking) {
    if (speaking === this.#speaking) return;
    this.#speaking = speaking;
    this.#listener.onSpeaking(speaking);
  }
}
