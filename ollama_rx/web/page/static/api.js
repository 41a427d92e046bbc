/** The server's requests, one function each; docs/web.md describes them. */

import { authorization } from "./access_token.js";

/** @import { Conversation, ServerState, Summary } from "./types.js" */

/** The server has refused a request; the message is a sentence for the reader. */
export class RefusedError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** No answer came: the server is down, or the network is. */
export class NoServerError extends Error {}

/** @returns {Promise<ServerState>} */
export const getState = () => request("GET", "api/state");

/**
 * @param {string} search
 * @returns {Promise<Summary[]>}
 */
export const getConversations = (search) =>
  request("GET", search ? `api/conversations?search=${encodeURIComponent(search)}` : "api/conversations");

/**
 * @param {string | null} model
 * @returns {Promise<{ id: string }>}
 */
export const createConversation = (model) => request("POST", "api/conversations", { model });

/**
 * @param {string} id
 * @returns {Promise<Conversation>}
 */
export const getConversation = (id) => request("GET", path(id));

/**
 * @param {string} id
 * @param {string} title
 */
export const renameConversation = (id, title) => request("PATCH", path(id), { title });

/** @param {string} id */
export const deleteConversation = (id) => request("DELETE", path(id));

/**
 * Put a message at `position`, in place of all that follow, and have it answered.
 *
 * @param {string} id
 * @param {{ text: string, images: string[], model: string | null, think: boolean, position: number,
 *   version: string | null }} question
 */
export const ask = (id, question) => request("POST", path(id, "answers"), question);

/**
 * Have the last message answered again.
 *
 * @param {string} id
 * @param {{ model: string | null, think: boolean, version: string | null }} choice
 */
export const retry = (id, choice) => request("POST", path(id, "retry"), choice);

/** @param {string} id */
export const stop = (id) => request("POST", path(id, "stop"));

/**
 * @param {string} id
 * @param {"" | "answers" | "retry" | "stop" | "events" | "voice"} [part]
 */
export function path(id, part = "") {
  return `api/conversations/${encodeURIComponent(id)}${part && `/${part}`}`;
}

/**
 * @param {string} method
 * @param {string} address
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function request(method, address, body) {
  const headers = { ...authorization(), ...(body && { "Content-Type": "application/json" }) };
  let response;
  let text;
  try {
    response = await fetch(address, {
      method,
      headers,
      body: body && JSON.stringify(body),
      cache: "no-store",
    });
    text = await response.text();
  } catch (cause) {
    throw new NoServerError("The server does not answer.", { cause });
  }
  if (!response.ok) throw new RefusedError(response.status, sentenceOf(text, response.status));
  return text ? JSON.parse(text) : null;
}

/**
 * The server's sentence in the body of a refusal.
 *
 * @param {string} body
 * @param {number} status
 * @returns {string}
 */
export function sentenceOf(body, status) {
  try {
    const { error } = JSON.parse(body);
    if (typeof error === "string") return error;
  } catch {
    // not from our server: a proxy, for instance
  }
  return `The server answered with status ${status}.`;
}
