/** Keys that work on the whole page, and their list in the dialog. */

import { dialogIsOpen } from "./dialogs.js";
import { byId, element } from "./element.js";

/**
 * @typedef {object} Actions
 * @property {() => void} newChat
 * @property {() => void} search
 * @property {() => void} escape  stop the voice or the answer, or close the drawer
 * @property {() => void} showShortcuts
 */

const CONTROL = navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl";

/** @type {[string, string[]][]} */
const LIST = [
  ["Send the message", ["Enter"]],
  ["Start a new line", ["Shift", "Enter"]],
  ["Stop speaking, or stop the answer", ["Esc"]],
  ["Change your last message (in the empty field)", ["↑"]],
  ["New chat", [CONTROL, "Shift", "O"]],
  ["Search conversations", [CONTROL, "K"]],
  ["This list", [CONTROL, "/"]],
];

/** @param {Actions} actions */
export function startShortcuts(actions) {
  for (const [what, keys] of LIST) {
    const shown = keys.flatMap((key, place) => [place ? " " : "", element("kbd", {}, key)]);
    byId("shortcuts", HTMLElement).append(element("dt", {}, what), element("dd", {}, ...shown));
  }
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || dialogIsOpen()) return;
    const action = actionOf(event, actions);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {Actions} actions
 */
function actionOf(event, { newChat, search, escape, showShortcuts }) {
  const key = event.key.toLowerCase();
  if (key === "escape") return escape;
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
  if (key === "k" && !event.shiftKey) return search;
  if (key === "o" && event.shiftKey) return newChat;
  return key === "/" ? showShortcuts : null;
}
