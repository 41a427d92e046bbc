/** Accents and other marks that stand above or below a letter. */

// A browser takes a time that grows with the square of their number: 100,000 on one letter freeze it for a
// minute. No language puts more than a few on a letter.
const TOO_MANY = /(\p{M}{20})\p{M}+/gu;

/** How long the marks on a letter can be, in a text with few. */
export const LONGEST_MARKS = 2 * 20;

/**
 * Return a text, or HTML, in which no letter has so many that the page would freeze.
 *
 * @param {string} text
 * @returns {string}
 */
export function withFewMarks(text) {
  return text.replace(TOO_MANY, "$1");
}
