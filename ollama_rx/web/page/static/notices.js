/** Notices: what is wrong, in one sentence, and a button that helps. They appear where they belong. */

import { element } from "./element.js";
import { icon } from "./icons.js";

/** @typedef {{ label: string, onclick: () => void }} Help */

/**
 * @param {string} text  with `code` in backticks
 * @param {{ kind?: "caution" | "error", help?: Help[] }} [options]
 * @returns {HTMLElement}
 */
export function notice(text, { kind = "caution", help = [] } = {}) {
  const buttons = help.map(({ label, onclick }) =>
    element("button", { class: "button", type: "button", onclick }, label),
  );
  return element(
    "div",
    { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" },
    icon("alert"),
    element("p", {}, ...withCode(text)),
    ...buttons,
  );
}

/**
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
export function withCode(text) {
  return text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));
}
