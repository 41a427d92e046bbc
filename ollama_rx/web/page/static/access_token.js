/**
 * The token of a server that asks for one.
 *
 * It arrives in the address's fragment, which a browser never sends to a server, and leaves the address bar
 * at once. It is kept for this tab only.
 */

import { store, stored } from "./browser_storage.js";

const KEY = "ollama-rx.token";
const IN_ADDRESS = /^#token=(.+)$/;

let token = stored("sessionStorage", KEY);

/**
 * Take the token out of the address bar.
 *
 * @returns {boolean}  whether there was one
 */
export function takeTokenFromAddress() {
  const found = IN_ADDRESS.exec(location.hash);
  if (!found) return false;
  setToken(decodeURIComponent(found[1]));
  history.replaceState(null, "", "#/");
  return true;
}

/** Whether requests are sent with a token. */
export function hasToken() {
  return Boolean(token);
}

/** @param {string} text */
export function setToken(text) {
  token = text.trim();
  store("sessionStorage", KEY, token);
}

/**
 * The header for requests.
 *
 * @returns {Record<string, string>}
 */
export function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** The subprotocols for a WebSocket, which cannot have headers. */
export function subprotocols() {
  return token ? ["ollama-rx", `token.${token}`] : [];
}
