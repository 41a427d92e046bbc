/**
 * The text of an answer: one element for each block of Markdown, and only blocks that change are drawn
 * again.
 */

import { announceBlock } from "./announcer.js";
import { copyFrom } from "./clipboard.js";
import { withFewMarks } from "./combining_marks.js";
import { element } from "./element.js";
import { icon } from "./icons.js";
import { keepingSelection } from "./kept_selection.js";

export class AnswerBlocks {
  element = element("div", { class: "blocks" });
  /** @type {string[]} */
  #html = [];

  get isEmpty() {
    return this.#html.length === 0;
  }

  /**
   * Show these blocks and no others.
   *
   * @param {string[]} blocks
   */
  show(blocks) {
    blocks.forEach((html, number) => this.#draw(number, html));
    while (this.#html.length > blocks.length) {
      this.#html.pop();
      this.element.lastElementChild?.remove();
    }
  }

  /** @param {{ number: number, html: string, complete: boolean }} block */
  replace({ number, html, complete }) {
    const block = this.#draw(number, html);
    if (complete) announceBlock(block);
  }

  /**
   * @param {number} number
   * @param {string} html
   * @returns {HTMLElement}
   */
  #draw(number, html) {
    while (this.element.childElementCount <= number) {
      this.element.append(element("div", { class: "block" }));
      this.#html.push("");
    }
    const block = /** @type {HTMLElement} */ (this.element.children[number]);
    if (this.#html[number] !== html) {
      this.#html[number] = html;
      keepingSelection(block, () => {
        block.innerHTML = withFewMarks(html); // the server has made it: no HTML of the model's is in it
        block.querySelectorAll(":is(h1, h2, h3, h4, h5, h6):empty").forEach((heading) => heading.remove());
        block.querySelectorAll("pre").forEach(frameCode);
        block.querySelectorAll("table").forEach(frameTable);
      });
    }
    return block;
  }
}

/**
 * Give code a bar with its language and a button that copies it.
 *
 * @param {HTMLPreElement} pre
 */
function frameCode(pre) {
  const language = pre.dataset.language ?? "text";
  const text = pre.textContent ?? "";
  const copy = element(
    "button",
    { class: "quiet-button", type: "button", "aria-label": "Copy code", onclick: () => copyFrom(copy, text) },
    icon("copy"),
    "Copy",
  );
  const frame = element("div", { class: "code" });
  pre.replaceWith(frame);
  pre.tabIndex = 0; // long lines are scrolled with the keyboard
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", `Code: ${language}`);
  frame.append(element("div", { class: "code-head" }, element("span", {}, language), copy), pre);
}

/**
 * A wide table scrolls in its own frame; and an empty heading, as in a table's corner, is none.
 *
 * @param {HTMLTableElement} table
 */
function frameTable(table) {
  const frame = element("div", { class: "table", role: "region", "aria-label": "Table", tabindex: 0 });
  for (const heading of table.querySelectorAll("th:empty")) heading.replaceWith(element("td"));
  table.replaceWith(frame);
  frame.append(table);
}
