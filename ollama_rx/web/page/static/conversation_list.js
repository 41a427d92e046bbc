/** The list of conversations: by day, with a search, and buttons to rename and delete. */

import * as api from "./api.js";
import { period } from "./dates.js";
import { askTitle, confirmDeletion } from "./dialogs.js";
import { byId, element } from "./element.js";
import { iconButton } from "./icon_button.js";
import { addressOf } from "./router.js";

/** @import { Summary } from "./types.js" */

const TYPING = 200; // a pause in typing after which the search begins, in milliseconds

/**
 * @typedef {object} Listener
 * @property {(id: string) => void} onRenamed
 * @property {(id: string) => void} onDeleted
 * @property {(error: unknown) => void} onProblem
 */

export class ConversationList {
  #place = byId("conversations", HTMLElement);
  #search = byId("search", HTMLInputElement);
  /** @type {Summary[]} */
  #conversations = [];
  /** @type {string | null} */
  #current = null;
  #listener;
  #asked = 0;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    let typing = 0;
    this.#search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.refresh(), TYPING);
    });
    this.#search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        this.#place.querySelector("a")?.focus();
      } else if (event.key === "Escape" && this.#search.value) {
        event.stopPropagation(); // here it does not stop the answer
        this.#search.value = "";
        this.refresh();
      }
    });
    this.#place.addEventListener("keydown", (event) => this.#walk(event));
  }

  async refresh() {
    const asked = ++this.#asked;
    try {
      const conversations = await api.getConversations(this.#search.value.trim());
      if (asked !== this.#asked) return; // a later question has been asked since
      this.#conversations = conversations;
      this.#draw();
    } catch (error) {
      this.#listener.onProblem(error);
    }
  }

  /** @param {string | null} id  of the conversation on the page */
  setCurrent(id) {
    if (id === this.#current) return;
    this.#current = id;
    this.#draw();
    this.#place.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  focusSearch() {
    this.#search.focus();
    this.#search.select();
  }

  #draw() {
    const focused = document.activeElement?.getAttribute("data-key");
    /** @type {Map<string, Summary[]>} */
    const periods = new Map();
    for (const conversation of this.#conversations) {
      const name = this.#search.value.trim() ? "Found" : period(conversation.updated_at);
      periods.set(name, [...(periods.get(name) ?? []), conversation]);
    }
    const parts = [...periods].flatMap(([name, conversations]) => [
      element("h2", {}, name),
      element("ul", {}, ...conversations.map((conversation) => this.#row(conversation))),
    ]);
    this.#place.replaceChildren(...(parts.length ? parts : [this.#nothing()]));
    /** @type {HTMLElement | null} */
    const again = focused ? this.#place.querySelector(`[data-key="${CSS.escape(focused)}"]`) : null;
    again?.focus();
  }

  #nothing() {
    const text = this.#search.value.trim() ? "Nothing found." : "Your conversations will be listed here.";
    return element("p", { class: "nothing", role: "status" }, text);
  }

  /** @param {Summary} conversation */
  #row({ id, title, snippet, is_answering: isAnswering }) {
    const link = element(
      "a",
      {
        href: addressOf(id),
        title,
        "aria-current": id === this.#current && "page",
        "data-key": `open ${id}`,
      },
      element("span", { class: isAnswering ? "name answering" : "name" }, title),
      isAnswering && element("span", { class: "visually-hidden" }, " (is being answered)"),
      snippet && snippet !== title && element("span", { class: "snippet" }, snippet),
    );
    const rename = iconButton("pencil", `Rename ${title}`, () => this.#rename(id, title), {
      title: "Rename",
      key: `rename ${id}`,
    });
    const remove = iconButton("trash", `Delete ${title}`, () => this.#delete(id, title), {
      title: "Delete",
      key: `delete ${id}`,
    });
    return element("li", {}, link, element("div", { class: "row-buttons" }, rename, remove));
  }

  /**
   * @param {string} id
   * @param {string} title
   */
  async #rename(id, title) {
    const changed = await askTitle(title);
    if (changed === null || changed === title) return;
    try {
      await api.renameConversation(id, changed);
      this.#listener.onRenamed(id);
    } catch (error) {
      this.#listener.onProblem(error);
    }
  }

  /**
   * @param {string} id
   * @param {string} title
   */
  async #delete(id, title) {
    if (!(await confirmDeletion(title))) return;
    try {
      await api.deleteConversation(id);
      byId("new-chat", HTMLAnchorElement).focus(); // its own row goes away
      this.#listener.onDeleted(id);
    } catch (error) {
      this.#listener.onProblem(error);
    }
  }

  /**
   * Arrow keys go from one conversation to the next.
   *
   * @param {KeyboardEvent} event
   */
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const links = [...this.#place.querySelectorAll("a")];
    const place = links.findIndex((link) => link.closest("li")?.contains(document.activeElement));
    const next = links[place + step];
    event.preventDefault();
    if (next) next.focus();
    else if (step < 0) this.#search.focus();
  }
}
