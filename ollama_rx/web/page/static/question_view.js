/** A message of the reader's: text and images, and a form in its place to change it. */

import { copyFrom } from "./clipboard.js";
import { element } from "./element.js";
import { growWithText } from "./growing_field.js";
import { iconButton } from "./icon_button.js";

/** @import { Message } from "./types.js" */

export class QuestionView {
  element = element("article", { class: "message question", "aria-label": "Your message" });
  #text = "";
  /** @type {string[]} */
  #images = [];
  #shown = "";

  /**
   * @param {(question: { text: string, images: string[] }) => void} askAgain  with the changed text
   */
  constructor(askAgain) {
    this.askAgain = askAgain;
  }

  /** @param {Message} message */
  show({ text, images }) {
    const shown = JSON.stringify([text, images]);
    if (shown === this.#shown) return; // also keeps a form open that the reader types in
    [this.#shown, this.#text, this.#images] = [shown, text, images];
    this.#read();
  }

  /** Put the form in the place of the text. */
  edit() {
    const field = element("textarea", { "aria-label": "Change your message", rows: 2 });
    field.value = this.#text;
    const form = element(
      "form",
      { class: "edit", "aria-label": "Change your message" },
      field,
      element(
        "div",
        { class: "edit-buttons" },
        element("p", {}, "The messages after this one will be replaced."),
        element("button", { class: "button", type: "button", onclick: () => this.#leaveForm() }, "Cancel"),
        element("button", { class: "button primary" }, "Ask again"),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!field.value.trim()) return;
      this.#shown = ""; // the form goes away, also if the text is the same
      this.askAgain({ text: field.value.trim(), images: this.#images });
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#leaveForm();
      else if (event.key === "Enter" && !event.shiftKey && event.target === field && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      } else return;
      event.stopPropagation();
    });
    this.element.replaceChildren(heading(), form);
    growWithText(field);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  #leaveForm() {
    this.#read();
    this.element.querySelector("button")?.focus();
  }

  #read() {
    const copy = iconButton("copy", "Copy message", (button) => copyFrom(button, this.#text), {
      title: "Copy",
    });
    const edit = iconButton("pencil", "Edit message", () => this.edit(), { title: "Edit" });
    const images = this.#images.map((src, place) =>
      element("img", { src, alt: `Attached image ${place + 1}` }),
    );
    this.element.replaceChildren(
      heading(),
      ...(images.length ? [element("div", { class: "images" }, ...images)] : []),
      ...(this.#text ? [element("div", { class: "bubble" }, this.#text)] : []),
      element("div", { class: "message-buttons" }, edit, copy),
    );
  }
}

function heading() {
  return element("h2", { class: "visually-hidden" }, "You");
}
