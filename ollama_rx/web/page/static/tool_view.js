/** What a tool has returned to the model, folded. */

import { withFewMarks } from "./combining_marks.js";
import { element } from "./element.js";
import { icon } from "./icons.js";

/** @import { Message } from "./types.js" */

export class ToolView {
  #text = element("pre", { tabindex: 0, role: "region", "aria-label": "Result of a tool" });
  element = element(
    "article",
    { class: "message tool-result", "aria-label": "Result of a tool" },
    element(
      "details",
      { class: "thinking" },
      element("summary", {}, icon("right"), "Result of a tool"),
      this.#text,
    ),
  );

  /** @param {Message} message */
  show({ text }) {
    this.#text.textContent = withFewMarks(text);
  }
}
