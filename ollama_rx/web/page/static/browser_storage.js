/** What the browser keeps for this page. If it is told to keep nothing, the page works all the same. */

/** @typedef {"localStorage" | "sessionStorage"} Kind  for all tabs and visits, or for this tab */

/**
 * @param {Kind} kind
 * @param {string} key
 * @returns {string | null}
 */
export function stored(kind, key) {
  try {
    return window[kind].getItem(key);
  } catch {
    return null; // blocked: every visit is the first one
  }
}

/**
 * @param {Kind} kind
 * @param {string} key
 * @param {string} value
 */
export function store(kind, key, value) {
  try {
    window[kind].setItem(key, value);
  } catch {
    // blocked or full; the value holds until the page is closed
  }
}
