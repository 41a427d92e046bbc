/** What this browser remembers of the reader's choices. */

import { store, stored } from "./browser_storage.js";

const PREFIX = "ollama-rx.";

/**
 * @param {"theme" | "model" | "think"} name
 * @returns {string | null}
 */
export function setting(name) {
  return stored("localStorage", PREFIX + name);
}

/**
 * @param {"theme" | "model" | "think"} name
 * @param {string} value
 */
export function remember(name, value) {
  store("localStorage", PREFIX + name, value);
}
