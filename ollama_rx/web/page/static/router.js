/** The address of a conversation is `#/c/ID`; every other one is the new chat. */

/** @returns {string | null} the id of the conversation in the address bar */
export function currentId() {
  const found = /^#\/c\/([^/]+)$/.exec(location.hash);
  return found && decodeURIComponent(found[1]);
}

/**
 * @param {string | null} id
 * @returns {string}
 */
export function addressOf(id) {
  return id === null ? "#/" : `#/c/${encodeURIComponent(id)}`;
}

/**
 * Change the address without the `hashchange` event: what it names is on the page already.
 *
 * @param {string | null} id
 * @param {{ replace?: boolean }} [options]
 */
export function setAddress(id, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", addressOf(id));
  else history.pushState(null, "", addressOf(id));
}

/**
 * Call `open` when the reader follows a link or goes back or forward.
 *
 * @param {(id: string | null) => void} open
 */
export function onAddress(open) {
  addEventListener("popstate", () => {
    if (location.hash === "" || location.hash.startsWith("#/")) open(currentId());
  });
}
