/**
 * On a narrow window the list of conversations is a drawer: while it is open, nothing behind it can be
 * reached.
 */

import { byId } from "./element.js";

const NARROW = matchMedia("(max-width: 50rem)"); // as in layout.css

export class Drawer {
  #sidebar = byId("sidebar", HTMLElement);
  #main = byId("main", HTMLElement);
  #backdrop = byId("backdrop", HTMLDivElement);
  #opener = byId("open-list", HTMLButtonElement);

  constructor() {
    this.#opener.addEventListener("click", () => this.open());
    byId("close-list", HTMLButtonElement).addEventListener("click", () => this.close());
    this.#backdrop.addEventListener("click", () => this.close());
    this.#sidebar.addEventListener("click", ({ target }) => {
      if (target instanceof Element && target.closest("a")) this.close();
    });
    NARROW.addEventListener("change", () => this.#set(false));
    this.#set(false);
  }

  get isOpen() {
    return this.#sidebar.classList.contains("open");
  }

  open() {
    if (!NARROW.matches) return;
    this.#set(true);
    byId("close-list", HTMLButtonElement).focus();
  }

  close() {
    if (!this.isOpen) return;
    this.#set(false);
    this.#opener.focus();
  }

  /** @param {boolean} open */
  #set(open) {
    this.#sidebar.classList.toggle("open", open);
    this.#sidebar.inert = NARROW.matches && !open;
    this.#main.inert = open;
    this.#backdrop.hidden = !open;
    this.#opener.setAttribute("aria-expanded", String(open));
  }
}
