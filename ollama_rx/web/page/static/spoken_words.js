/**
 * Marks the word that is spoken in the answer, without touching its elements: they are replaced while it
 * grows.
 */

const AHEAD = 400; // characters: the voice leaves out code and tables, but never jumps far; and never back

export class SpokenWords {
  /** @type {Highlight | null} */
  #highlight = typeof Highlight === "undefined" ? null : new Highlight();
  #said = 0; // characters of the answer

  constructor() {
    if (this.#highlight) CSS.highlights.set("spoken", this.#highlight);
  }

  /** Another text begins, or nothing is spoken any more. */
  clear() {
    this.#said = 0;
    this.#highlight?.clear();
  }

  /**
   * @param {HTMLElement} answer
   * @param {string} word
   */
  mark(answer, word) {
    const range = this.#find(answer, word);
    if (!range) return; // the voice says numbers and signs otherwise than they are written
    this.#highlight?.clear();
    this.#highlight?.add(range);
  }

  /**
   * @param {HTMLElement} answer
   * @param {string} word
   * @returns {Range | null}
   */
  #find(answer, word) {
    const texts = document.createTreeWalker(answer, NodeFilter.SHOW_TEXT);
    let before = 0;
    for (let text = texts.nextNode(); text && before <= this.#said + AHEAD; text = texts.nextNode()) {
      const value = text.nodeValue ?? "";
      const place = isSpoken(text) ? value.indexOf(word, Math.max(0, this.#said - before)) : -1;
      if (place >= 0 && before + value.length > this.#said) {
        this.#said = before + place + word.length;
        const range = document.createRange();
        range.setStart(text, place);
        range.setEnd(text, place + word.length);
        return range;
      }
      before += value.length;
    }
    return null;
  }
}

/** @param {Node} text */
function isSpoken(text) {
  return !text.parentElement?.closest(".code, button");
}
