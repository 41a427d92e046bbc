/**
 * What a screen reader says by itself.
 *
 * Tokens and open blocks would be read again and again; so only complete blocks, and sentences such as
 * "Answer complete", are put into the live region.
 */

import { byId, element } from "./element.js";

const KEPT = 20; // a screen reader has its own queue; what stays in the page is only for looking back

/** @param {string} text */
export function announce(text) {
  const region = byId("announcer", HTMLDivElement);
  region.append(element("p", {}, text));
  while (region.childElementCount > KEPT) region.firstElementChild?.remove();
}

/** @param {HTMLElement} block  a complete block of an answer */
export function announceBlock(block) {
  const code = block.querySelector(".code");
  const language = code?.querySelector(".code-head span")?.textContent;
  announce(code ? `Code: ${language}.` : (block.textContent ?? "").trim());
}
