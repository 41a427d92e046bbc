/**
 * The conversation on the page: what it holds, and the answer that runs in it.
 *
 * The server is right: after each answer, and after everything that could have changed the conversation
 * elsewhere, it is fetched again, and the view draws what is different.
 */

import * as api from "./api.js";
import { readEvents } from "./event_stream.js";
import { untilReachable } from "./until_reachable.js";

/** @import { Message, PageEvent, Conversation } from "./types.js" */

/**
 * @typedef {object} Listener
 * @property {() => void} onChange  the messages, the title or the running answer have changed
 * @property {(event: PageEvent) => void} onEvent  of the running answer
 * @property {() => void} onLost  the connection is lost while an answer runs
 * @property {() => void} onBack
 * @property {(error: unknown) => void} onProblem
 * @property {(id: string) => Promise<void>} onAsking  an answer is about to begin
 * @property {(ended: PageEvent | null) => void} onAnswered
 */

/** @typedef {{ model: string | null, think: boolean }} Choice */

const TITLE = 60; // characters

export class OpenConversation {
  /** @type {string | null} */
  id = null;
  title = "";
  /** @type {string | null} */
  model = null;
  /** @type {Message[]} */
  messages = [];
  /** @type {Message | null} */
  running = null;

  /** @type {string | null} */
  #version = null;
  #listener;
  #creating = false;
  #leaving = new AbortController();
  /** @type {Promise<void>} resolves when the running answer has ended and the conversation is fetched */
  #answered = Promise.resolve();

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /**
   * Leave the conversation and open another one; null is a new one.
   *
   * @param {string | null} id
   */
  async open(id) {
    this.#leave();
    this.id = id;
    if (id !== null) await this.refresh();
  }

  /** Fetch the conversation again, and follow the answer if one runs. */
  async refresh() {
    const { id, signal } = { id: this.id, signal: this.#leaving.signal };
    if (id === null || this.running) return; // the end of a running answer brings the rest
    try {
      const conversation = await api.getConversation(id);
      if (!signal.aborted && !this.running) this.#show(conversation);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /**
   * Send a message; `position` says which one it replaces, together with all that follow.
   *
   * @param {{ text: string, images: string[] }} question
   * @param {Choice} choice
   * @param {number} [position]
   */
  async ask(question, choice, position) {
    const { signal } = this.#leaving;
    await this.stop();
    const id = this.id ?? (await this.#create(choice.model));
    if (signal.aborted)
      throw new api.RefusedError(409, "The message was not sent, because you left the conversation.");
    this.id = id;
    const place = position ?? this.messages.length;
    const { text, images } = question;
    const request = {
      ...choice,
      text,
      images: images.map((url) => url.slice(url.indexOf(",") + 1)), // without "data:image/png;base64,"
      position: place,
      version: this.#version,
    };
    const message = { ...EMPTY, position: place, role: /** @type {const} */ ("user"), text, images };
    await this.#begin(id, choice.model, message, () => api.ask(id, request));
  }

  /** @param {Choice} choice */
  async askAgain(choice) {
    if (this.id === null) return;
    await this.stop();
    const { id } = this;
    const question = this.messages.findLast(({ role }) => role === "user");
    const request = { ...choice, version: this.#version };
    if (question) await this.#begin(id, choice.model, question, () => api.retry(id, request));
  }

  /** Stop the answer, and wait until the conversation holds what has arrived of it. */
  async stop() {
    if (this.id === null || !this.running) return;
    await api.stop(this.id);
    await this.#answered;
  }

  /**
   * @param {string | null} model
   * @returns {Promise<string>}
   */
  async #create(model) {
    if (this.#creating) throw new api.RefusedError(409, "A message is being sent.");
    this.#creating = true;
    try {
      return (await api.createConversation(model)).id;
    } finally {
      this.#creating = false;
    }
  }

  /**
   * Show the question and an empty answer at once; take them back if the server refuses.
   *
   * @param {string} id
   * @param {string | null} model
   * @param {Message} question
   * @param {() => Promise<void>} send
   */
  async #begin(id, model, question, send) {
    const { signal } = this.#leaving;
    const before = this.messages;
    this.messages = [...before.filter(({ position }) => position < question.position), question];
    this.title ||= titleOf(question.text); // until the server says its own
    this.running = { ...EMPTY, position: question.position + 1, role: "assistant", model };
    this.#listener.onChange();
    try {
      await this.#listener.onAsking(id);
      await send();
    } catch (error) {
      if (signal.aborted) return;
      this.messages = before;
      this.running = null;
      this.#listener.onChange();
      throw error;
    }
    if (!signal.aborted) this.#answered = this.#follow(id, null);
  }

  /** @param {Conversation} conversation */
  #show({ id, title, model, version, messages, answering }) {
    this.title = title;
    this.model = model;
    this.#version = version;
    this.running = answering && answering.message;
    this.messages = answering
      ? messages.filter(({ position }) => position < answering.message.position)
      : messages;
    this.#listener.onChange();
    if (answering) this.#answered = this.#follow(id, answering.after);
  }

  /**
   * Read the events of the answer to the last one, then fetch the conversation.
   *
   * @param {string} id
   * @param {string | null} after
   */
  async #follow(id, after) {
    const { signal } = this.#leaving;
    const { onLost, onBack, onEvent, onAnswered, onProblem } = this.#listener;
    /** @type {PageEvent | null} */
    let last = null;
    try {
      for await (const event of readEvents(api.path(id, "events"), { after, signal, onLost, onBack })) {
        last = event;
        onEvent(event);
      }
      if (signal.aborted) return;
      const conversation = await untilReachable(() => api.getConversation(id), { signal, onLost, onBack });
      if (signal.aborted) return;
      this.#show(conversation);
      if (!conversation.answering) onAnswered(last);
    } catch (error) {
      if (signal.aborted) return;
      this.running = null;
      this.#listener.onChange();
      onProblem(error);
    }
  }

  #leave() {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    this.#answered = Promise.resolve();
    this.#version = null;
    this.id = null;
    this.title = "";
    this.model = null;
    this.messages = [];
    this.running = null;
  }
}

/** @type {Message} */
const EMPTY = {
  position: 0,
  role: "assistant",
  text: "",
  thinking: "",
  blocks: [],
  images: [],
  cut: false,
  stats: null,
  model: null,
  error: null,
  unheard: "",
};

/** @param {string} text */
function titleOf(text) {
  const line = text.replace(/\s+/g, " ");
  return line.length > TITLE ? `${line.slice(0, TITLE - 1)}…` : line;
}
