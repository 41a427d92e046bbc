/**
 * Read server-sent events with fetch.
 *
 * EventSource cannot send the Authorization header. What it does is done here: frames are parsed, and a
 * connection that is lost is opened again after a pause, with the id of the last event, so that nothing is
 * missing and nothing comes twice.
 */

import { authorization } from "./access_token.js";
import { RefusedError, sentenceOf } from "./api.js";
import { EventFrames } from "./event_frames.js";

/** @import { PageEvent } from "./types.js" */

const LAST = new Set(["done", "error", "reset"]); // nothing follows in this stream
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;
const SILENCE = 40_000; // milliseconds; the server sends something every 15 s

/**
 * @typedef {object} Options
 * @property {string | null} after  the id of the last event that is known
 * @property {AbortSignal} signal
 * @property {() => void} [onLost]  the connection is lost; it is being opened again
 * @property {() => void} [onBack]
 */

/**
 * Give each event of a running answer; return after the last one, or if no answer runs.
 *
 * @param {string} address
 * @param {Options} options
 * @returns {AsyncGenerator<PageEvent>}
 */
export async function* readEvents(address, { after, signal, onLost, onBack }) {
  let lastId = after;
  let pause = FIRST_PAUSE;
  let lost = false;
  while (!signal.aborted) {
    const connection = new Connection(signal);
    try {
      const body = await connection.open(address, lastId);
      if (lost) onBack?.();
      lost = false;
      if (!body) return;
      for await (const event of connection.events(body)) {
        pause = FIRST_PAUSE;
        if (event.id) lastId = event.id;
        yield event;
        if (LAST.has(event.type)) return;
      }
    } catch (error) {
      if (error instanceof RefusedError && error.status !== 503) throw error;
    } finally {
      connection.close();
    }
    if (signal.aborted) return;
    if (!lost) onLost?.();
    lost = true;
    await sleep(pause, signal);
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }
}

/** One connection: it is closed from outside by the signal, and by itself after a long silence. */
class Connection {
  #abort = new AbortController();
  #silence = 0;

  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = AbortSignal.any([signal, this.#abort.signal]);
  }

  /**
   * @param {string} address
   * @param {string | null} lastId
   * @returns {Promise<ReadableStream<Uint8Array> | null>}  null if no answer runs
   */
  async open(address, lastId) {
    this.#hear();
    const headers = {
      Accept: "text/event-stream",
      ...authorization(),
      ...(lastId && { "Last-Event-ID": lastId }),
    };
    const response = await fetch(address, { headers, signal: this.signal, cache: "no-store" });
    if (response.status === 204) return null;
    if (!response.ok)
      throw new RefusedError(response.status, sentenceOf(await response.text(), response.status));
    return response.body;
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @returns {AsyncGenerator<PageEvent>}
   */
  async *events(body) {
    const frames = new EventFrames();
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#hear();
      yield* frames.feed(decoder.decode(value, { stream: true }));
    }
  }

  close() {
    clearTimeout(this.#silence);
    this.#abort.abort();
  }

  #hear() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#abort.abort(), SILENCE);
  }
}

/**
 * Wait; less if the browser says that the network is back.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      removeEventListener("online", wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    addEventListener("online", wake);
    signal.addEventListener("abort", wake);
  });
}
