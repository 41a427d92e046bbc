/** The messages of the open conversation; a message that has not changed keeps its elements. */

import { AnswerView } from "./answer_view.js";
import { byId } from "./element.js";
import { notice } from "./notices.js";
import { QuestionView } from "./question_view.js";
import { ToolView } from "./tool_view.js";
import { welcomeView } from "./welcome_view.js";

/** @import { Message } from "./types.js" */

/** @typedef {{ role: string, view: QuestionView | AnswerView | ToolView }} Shown */

/**
 * @typedef {object} Actions
 * @property {(question: { text: string, images: string[] }, position: number) => void} askAt
 * @property {() => void} askAgain
 * @property {(text: string) => void} ask
 */

export class MessagesView {
  element = byId("messages", HTMLDivElement);
  /** @type {Shown[]} */
  #shown = [];
  /** @type {HTMLElement | null} */
  #unanswered = null;
  #actions;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  /** @param {string} about */
  welcome(about) {
    this.#shown = [];
    this.element.replaceChildren(welcomeView(about, this.#actions.ask));
  }

  /** Forget what is shown: another conversation comes. */
  clear() {
    this.#shown = [];
    this.element.replaceChildren();
  }

  /**
   * @param {Message[]} messages
   * @param {Message | null} running  the answer that grows, which comes last
   */
  show(messages, running) {
    const all = running ? [...messages, running] : messages;
    if (!this.#shown.length) this.element.replaceChildren();
    all.forEach((message, place) =>
      this.#showAt(place, message, message === running, place === all.length - 1),
    );
    this.#cutAt(all.length);
    this.#unanswered?.remove();
    this.#unanswered = all.at(-1)?.role === "user" ? this.#sayUnanswered() : null;
  }

  /** @returns {AnswerView | null} the last answer */
  get lastAnswer() {
    const last = this.#shown.at(-1)?.view;
    return last instanceof AnswerView ? last : null;
  }

  editLastQuestion() {
    const last = this.#shown.findLast(({ role }) => role === "user")?.view;
    if (last instanceof QuestionView) last.edit();
  }

  /**
   * @param {number} place
   * @param {Message} message
   * @param {boolean} running
   * @param {boolean} isLast
   */
  #showAt(place, message, running, isLast) {
    if (this.#shown[place]?.role !== message.role) {
      this.#cutAt(place);
      this.#shown.push({ role: message.role, view: this.#viewOf(message) });
      this.element.append(this.#shown[place].view.element);
    }
    this.#shown[place].view.show(message, { running, isLast });
  }

  /** The server has ended, or the answer was stopped, before the first word. */
  #sayUnanswered() {
    const said = notice("This message has no answer.", {
      help: [{ label: "Ask again", onclick: this.#actions.askAgain }],
    });
    this.element.append(said);
    return said;
  }

  /** @param {number} length */
  #cutAt(length) {
    for (const { view } of this.#shown.splice(length)) view.element.remove();
  }

  /** @param {Message} message */
  #viewOf({ role, position }) {
    if (role === "user") return new QuestionView((question) => this.#actions.askAt(question, position));
    return role === "tool" ? new ToolView() : new AnswerView(this.#actions.askAgain);
  }
}
