/** What this browser remembers of the reader's choices. */

const PREFIX = "ollama-rx.";

/**
 * @param {"theme" | "model" | "think"} name
 * @returns {string | null}
 */
export function setting(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null; // storage is blocked: every visit is the first one
  }
}

/**
 * @param {"theme" | "model" | "think"} name
 * @param {string} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // storage is blocked or full; the choice holds until the page is closed
  }
}
