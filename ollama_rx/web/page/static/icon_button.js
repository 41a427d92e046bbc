/** A button with a sign instead of a text. */

import { element } from "./element.js";
import { icon } from "./icons.js";

/** @import { IconName } from "./icons.js" */

/**
 * @param {IconName} name
 * @param {string} label  what a screen reader says
 * @param {(button: HTMLButtonElement) => void} onclick
 * @param {{ title?: string, key?: string }} [options]  a tooltip; and a key that finds the button again in a list
 *   that is drawn anew
 * @returns {HTMLButtonElement}
 */
export function iconButton(name, label, onclick, { title, key } = {}) {
  const made = element(
    "button",
    { class: "icon-button", type: "button", "aria-label": label, title, "data-key": key },
    icon(name),
  );
  made.addEventListener("click", () => onclick(made));
  return made;
}
