/** An answer: thinking, text, what went wrong, figures and buttons; while it runs, and afterwards. */

import { AnswerBlocks } from "./answer_blocks.js";
import { copyFrom } from "./clipboard.js";
import { LONGEST_MARKS, withFewMarks } from "./combining_marks.js";
import { element } from "./element.js";
import { FiguresLine } from "./figures_line.js";
import { iconButton } from "./icon_button.js";
import { icon } from "./icons.js";
import { notice } from "./notices.js";

/** @import { Figures, Message } from "./types.js" */

export class AnswerView {
  element = element("article", { class: "message answer", "aria-label": "Answer" });
  #heading = element("h2", { class: "visually-hidden" }, "Answer");
  #thinkingLabel = element("span", {}, "Thoughts");
  #thoughts = document.createTextNode("");
  #thinking = element(
    "details",
    { class: "folded thinking", hidden: true },
    element("summary", {}, icon("right"), this.#thinkingLabel),
    element("div", { class: "folded-text" }, this.#thoughts),
  );
  #waiting = element("p", { class: "waiting" });
  #blocks = new AnswerBlocks();
  #unheardText = element("div", { class: "folded-text" });
  #unheard = element(
    "details",
    { class: "folded", hidden: true },
    element("summary", {}, icon("right"), "Not heard"),
    this.#unheardText,
  );
  #newThoughts = ""; // that are not drawn yet
  #problem = element("div");
  #figures = new FiguresLine();
  #again;
  #text = "";
  /** @type {string | null} */
  #model = null;

  /** @param {() => void} askAgain */
  constructor(askAgain) {
    this.askAgain = askAgain;
    this.#again = iconButton("again", "Ask again", askAgain, { title: "Ask again" });
    const copy = iconButton("copy", "Copy answer", (button) => copyFrom(button, this.#text), {
      title: "Copy",
    });
    const buttons = element("div", { class: "message-buttons" }, copy, this.#again);
    const foot = element("div", { class: "answer-foot" }, buttons, this.#figures.element);
    this.element.append(
      this.#heading,
      this.#thinking,
      this.#waiting,
      this.#blocks.element,
      this.#unheard,
      this.#problem,
      foot,
    );
  }

  /** Where the text is. */
  get text() {
    return this.#blocks.element;
  }

  /**
   * @param {Message} message
   * @param {{ running?: boolean, isLast?: boolean }} [options]
   */
  show(message, { running = false, isLast = false } = {}) {
    this.#text = message.text + message.unheard;
    this.#unheardText.textContent = withFewMarks(message.unheard.trim());
    this.#unheard.hidden = !message.unheard;
    this.#setModel(message.model);
    this.#setRunning(running);
    this.#setThoughts(message.thinking);
    this.#blocks.show(message.blocks);
    if (!running) {
      if (message.stats || message.model) this.#figures.showFinal(message.model, message.stats);
      this.#showProblem(message, isLast);
    }
    this.#again.hidden = !isLast;
    this.#setWaiting();
  }

  /** @param {string} text */
  addThinking(text) {
    if (!this.#newThoughts) requestAnimationFrame(() => this.#drawNewThoughts());
    this.#newThoughts += text;
  }

  /** Once for all that came since the last frame: each time costs more, the more there is already. */
  #drawNewThoughts() {
    const text = this.#newThoughts;
    this.#newThoughts = "";
    const end = this.#thoughts.data.slice(-LONGEST_MARKS); // marks may go on in the next piece
    this.#thoughts.appendData(withFewMarks(end + text).slice(end.length)); // not all again, it may be much
    this.#showThinking();
    this.#setWaiting();
  }

  /** @param {{ number: number, html: string, complete: boolean }} block */
  replaceBlock(block) {
    this.#blocks.replace(block);
    this.#showThinking();
    this.#setWaiting();
  }

  /** @param {Figures} figures */
  showFigures(figures) {
    this.#figures.showRunning(this.#model, figures);
    if (!this.#waiting.hidden)
      this.#waiting.textContent = `${this.#waitingText} ${Math.floor(figures.seconds)} s`;
  }

  get #waitingText() {
    return `Waiting for ${this.#model ?? "the model"}…`;
  }

  get #isRunning() {
    return this.element.classList.contains("running");
  }

  /** @param {string | null} model */
  #setModel(model) {
    this.#model = model;
    this.#heading.textContent = model ? `Answer of ${model}` : "Answer";
  }

  /** @param {boolean} running */
  #setRunning(running) {
    this.element.classList.toggle("running", running);
    this.element.setAttribute("aria-busy", String(running));
  }

  #setWaiting() {
    const waits = this.#isRunning && this.#blocks.isEmpty && this.#thinking.hidden;
    if (waits && this.#waiting.hidden) this.#waiting.textContent = this.#waitingText;
    if (!this.#waiting.textContent) this.#waiting.textContent = this.#waitingText;
    this.#waiting.hidden = !waits;
  }

  /** @param {string | null} thinking */
  #setThoughts(thinking) {
    const shown = withFewMarks(thinking ?? "");
    this.#newThoughts = "";
    if (this.#thoughts.data !== shown) this.#thoughts.data = shown;
    this.#showThinking();
  }

  #showThinking() {
    const running = this.#isRunning && this.#blocks.isEmpty;
    this.#thinking.hidden = !this.#thoughts.length;
    this.#thinking.classList.toggle("running", running);
    this.#thinkingLabel.textContent = running ? "Thinking…" : "Thoughts";
  }

  /**
   * @param {Message} message
   * @param {boolean} isLast
   */
  #showProblem({ error, cut, unheard }, isLast) {
    this.#problem.replaceChildren();
    const help = isLast ? [{ label: "Ask again", onclick: this.askAgain }] : [];
    if (error) this.#problem.append(notice(error[0].toUpperCase() + error.slice(1), { kind: "error", help }));
    else if (cut && !unheard) this.#problem.append(notice("This answer was stopped before its end.", { help }));
  }
}
