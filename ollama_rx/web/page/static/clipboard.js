/** Copy text, also where the clipboard is not given to scripts (plain http from another machine). */

import { announce } from "./announcer.js";
import { element } from "./element.js";
import { setIcon } from "./icons.js";

const CONFIRMATION = 1800;

/**
 * Copy, and show on the button that it is done.
 *
 * @param {HTMLButtonElement} button
 * @param {string} text
 */
export async function copyFrom(button, text) {
  const done = await copy(text);
  announce(done ? "Copied" : "Copying is not allowed here");
  if (!done) return;
  setIcon(button, "check");
  setTimeout(() => setIcon(button, "copy"), CONFIRMATION);
}

/**
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/**
 * @param {string} text
 * @returns {boolean}
 */
function copyBySelection(text) {
  const focused = document.activeElement;
  const field = element("textarea", { class: "visually-hidden", "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}
