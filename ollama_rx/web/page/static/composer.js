/** The field for the next message: text, images, thinking, send and stop. */

import { Attachments } from "./attachments.js";
import { store, stored } from "./browser_storage.js";
import { byId } from "./element.js";
import { growWithText } from "./growing_field.js";
import { notice } from "./notices.js";
import { remember, setting } from "./settings.js";

/** @import { Model } from "./types.js" */

const DRAFT = "ollama-rx.draft"; // of this tab

/**
 * @typedef {object} Listener
 * @property {(question: { text: string, images: string[] }) => void} onSend
 * @property {() => void} onStop
 * @property {() => void} onTyping
 * @property {() => void} onEditLast
 */

export class Composer {
  #form = byId("composer", HTMLFormElement);
  #field = byId("question", HTMLTextAreaElement);
  #send = byId("send", HTMLButtonElement);
  #stop = byId("stop", HTMLButtonElement);
  #attach = byId("attach", HTMLButtonElement);
  #think = byId("think", HTMLButtonElement);
  #notices = byId("composer-notice", HTMLDivElement);
  #attachments;
  #listener;
  /** @type {Model | null} */
  #model = null;
  #answering = false;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#attachments = new Attachments({
      allowed: () => this.#canSee(),
      onProblem: (text) => this.say(text),
      onChange: () => this.#update(),
    });
    this.#field.value = stored("sessionStorage", DRAFT) ?? "";
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("input", () => {
      store("sessionStorage", DRAFT, this.#field.value);
      this.#update();
      listener.onTyping();
    });
    this.#field.addEventListener("keydown", (event) => this.#press(event));
    this.#stop.addEventListener("click", () => listener.onStop());
    this.#think.setAttribute("aria-pressed", String(setting("think") === "true"));
    this.#think.addEventListener("click", () => {
      this.#think.setAttribute("aria-pressed", String(!this.#thinkPressed));
      remember("think", String(this.#thinkPressed));
    });
    growWithText(this.#field);
    this.#update();
  }

  /** Whether the next answer begins with thinking. */
  get think() {
    return this.#thinkPressed && !this.#think.hidden;
  }

  /** @param {Model | null} model */
  setModel(model) {
    this.#model = model;
    this.#attach.hidden = !model?.vision;
    this.#think.hidden = !model?.thinking;
    this.#field.placeholder = model ? `Ask ${model.name}` : "Ask anything";
  }

  /** @param {boolean} answering */
  setAnswering(answering) {
    const stopHadFocus = document.activeElement === this.#stop;
    this.#answering = answering;
    this.#update();
    if (stopHadFocus && !answering) this.focus();
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /**
   * Say what is wrong with the message, or what the reader can do.
   *
   * @param {string} text
   * @param {{ kind?: "caution" | "error", help?: import("./notices.js").Help[] }} [options]
   */
  say(text, options) {
    this.#notices.replaceChildren(notice(text, options));
  }

  /**
   * Take back a message that was not sent, so that it is not lost.
   *
   * @param {{ text: string, images: string[] }} question
   */
  takeBack({ text, images }) {
    if (this.#isEmpty) this.#set(text, images);
  }

  quiet() {
    this.#notices.replaceChildren();
  }

  get #thinkPressed() {
    return this.#think.getAttribute("aria-pressed") === "true";
  }

  get #isEmpty() {
    return !this.#field.value.trim() && !this.#attachments.urls.length;
  }

  #canSee() {
    if (this.#model?.vision) return true;
    this.say(
      `${this.#model?.name ?? "This model"} cannot see images. Choose a model that can, then attach them again.`,
    );
    return false;
  }

  async #submit() {
    await this.#attachments.read;
    if (this.#isEmpty) return;
    if (this.#attachments.urls.length && !this.#canSee()) return;
    const question = { text: this.#field.value.trim(), images: this.#attachments.urls };
    this.quiet();
    this.#set(question.text && "", []);
    this.#listener.onSend(question);
  }

  /**
   * @param {string} text
   * @param {string[]} images
   */
  #set(text, images) {
    this.#field.value = text;
    store("sessionStorage", DRAFT, text);
    this.#attachments.set(images);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "ArrowUp" && this.#isEmpty) {
      event.preventDefault();
      this.#listener.onEditLast();
    }
  }

  #update() {
    this.#send.setAttribute("aria-disabled", String(this.#isEmpty));
    this.#stop.hidden = !this.#answering;
    this.#send.hidden = this.#answering && this.#isEmpty;
  }
}
