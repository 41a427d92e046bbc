/** The dialogs of index.html. `showModal` keeps the focus inside, and gives it back to where it was. */

import { byId } from "./element.js";
import { withCode } from "./notices.js";

/**
 * Ask for another title.
 *
 * @param {string} title
 * @returns {Promise<string | null>}  null if the reader cancels
 */
export async function askTitle(title) {
  const dialog = byId("rename-dialog", HTMLDialogElement);
  const field = fieldOf(dialog);
  field.value = title;
  const closed = show(dialog);
  field.select();
  return (await closed) && field.value.trim() ? field.value.trim() : null;
}

/**
 * @param {string} title
 * @returns {Promise<boolean>}
 */
export function confirmDeletion(title) {
  byId("delete-text", HTMLParagraphElement).textContent =
    `“${title}” and all its messages will be gone for good.`;
  return show(byId("delete-dialog", HTMLDialogElement));
}

/**
 * @param {string} reason  with `code` in backticks
 * @returns {Promise<string>}  empty if the reader closes the dialog
 */
export async function askToken(reason) {
  const dialog = byId("token-dialog", HTMLDialogElement);
  const field = fieldOf(dialog);
  field.value = "";
  byId("token-text", HTMLParagraphElement).replaceChildren(...withCode(reason));
  return (await show(dialog)) ? field.value : "";
}

export function showShortcuts() {
  return show(byId("shortcuts-dialog", HTMLDialogElement));
}

/** Whether a dialog is open: keys belong to it then. */
export function dialogIsOpen() {
  return document.querySelector("dialog[open]") !== null;
}

/**
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<boolean>}  whether it was closed with its main button
 */
function show(dialog) {
  dialog.returnValue = "cancel";
  const cancel = dialog.querySelector('button[value="cancel"]');
  const onCancel = () => dialog.close("cancel");
  cancel?.addEventListener("click", onCancel, { once: true });
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        cancel?.removeEventListener("click", onCancel);
        resolve(dialog.returnValue === "ok");
      },
      { once: true },
    );
  });
}

/**
 * @param {HTMLDialogElement} dialog
 * @returns {HTMLInputElement}
 */
function fieldOf(dialog) {
  return /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
}
