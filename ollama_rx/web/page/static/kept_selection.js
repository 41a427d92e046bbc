/** Replace the HTML of an element without losing the text that the reader has selected in it. */

/**
 * The text of an open block only grows, so the selection is kept as counts of characters from the block's
 * start.
 *
 * @param {HTMLElement} block
 * @param {() => void} change
 */
export function keepingSelection(block, change) {
  const selection = document.getSelection();
  // Not isCollapsed first: to answer that the browser lays out the whole page, and each block asks.
  const ends = [selection?.anchorNode ?? null, selection?.focusNode ?? null];
  if (!selection || !ends.some((node) => block.contains(node)) || selection.isCollapsed) return change();
  const anchor = offsetIn(block, selection.anchorNode, selection.anchorOffset);
  const focus = offsetIn(block, selection.focusNode, selection.focusOffset);
  const { anchorNode, anchorOffset, focusNode, focusOffset } = selection;
  change();
  const [startNode, start] = anchor === null ? [anchorNode, anchorOffset] : placeAt(block, anchor);
  const [endNode, end] = focus === null ? [focusNode, focusOffset] : placeAt(block, focus);
  if (startNode && endNode) selection.setBaseAndExtent(startNode, start, endNode, end);
}

/**
 * @param {HTMLElement} block
 * @param {Node | null} node
 * @param {number} offset
 * @returns {number | null}  null if the place is outside of the block
 */
function offsetIn(block, node, offset) {
  if (!node || !block.contains(node)) return null;
  const before = document.createRange();
  before.setStart(block, 0);
  before.setEnd(node, offset);
  return before.toString().length;
}

/**
 * @param {HTMLElement} block
 * @param {number} offset
 * @returns {[Node, number]}
 */
function placeAt(block, offset) {
  const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  let left = offset;
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const length = text.nodeValue?.length ?? 0;
    if (left <= length) return [text, left];
    left -= length;
  }
  return [block, block.childNodes.length];
}
