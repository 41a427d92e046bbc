/**
 * Mark what is spoken in the answer: the word, or the sentence if the voice does not know its words.
 *
 * The elements stay as they are, because they are replaced while the answer grows: the mark is a highlight of CSS.
 */

const AHEAD = 400; // characters: the voice leaves out code and tables, but never jumps far, and never back

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
  markWord(answer, word) {
    this.#mark(answer, word, word.length);
  }

  /**
   * @param {HTMLElement} answer
   * @param {string} sentence
   */
  markSentence(answer, sentence) {
    this.#mark(answer, sentence.trim(), 0); // its words come next
  }

  /**
   * @param {HTMLElement} answer
   * @param {string} phrase
   * @param {number} said  how much of the phrase will not come again
   */
  #mark(answer, phrase, said) {
    const nodes = spokenNodes(answer);
    const text = nodes.map(({ data }) => data.replace(/\s/g, " ")).join("");
    const start = text.indexOf(phrase, this.#said);
    if (start < 0 || start > this.#said + AHEAD) return; // it is said otherwise than it is written
    this.#said = start + said;
    const range = document.createRange();
    range.setStart(...placeIn(nodes, start));
    range.setEnd(...placeIn(nodes, start + phrase.length));
    this.#highlight?.clear();
    this.#highlight?.add(range);
  }
}

/**
 * @param {HTMLElement} answer
 * @returns {Text[]}
 */
function spokenNodes(answer) {
  const walker = document.createTreeWalker(answer, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) {
    const node = /** @type {Text} */ (walker.currentNode);
    if (!node.parentElement?.closest(".code")) nodes.push(node);
  }
  return nodes;
}

/**
 * @param {Text[]} nodes
 * @param {number} offset  in their text
 * @returns {[Text, number]}
 */
function placeIn(nodes, offset) {
  let left = offset;
  for (const node of nodes) {
    if (left <= node.length) return [node, left];
    left -= node.length;
  }
  const last = nodes[nodes.length - 1];
  return [last, last.length];
}
