/** What is being said, word by word, and the button that stops it. */

import { withFewMarks } from "./combining_marks.js";
import { byId, element } from "./element.js";

/** @import { Spoken } from "./voice.js" */

export class VoiceBar {
  #bar = byId("voice-bar", HTMLDivElement);
  #caption = byId("caption", HTMLParagraphElement);
  #sentence = "";
  #said = 0; // characters of the sentence

  /** @param {() => void} onStop */
  constructor(onStop) {
    byId("stop-voice", HTMLButtonElement).addEventListener("click", onStop);
  }

  /** @param {boolean} speaking */
  setSpeaking(speaking) {
    this.#bar.hidden = !speaking;
    this.showSentence({ text: "", start: 0, end: null });
  }

  /** @param {Spoken} sentence */
  showSentence({ text, said = text }) {
    this.#sentence = withFewMarks(said.trim());
    this.#said = 0;
    this.#caption.textContent = this.#sentence;
  }

  /** @param {Spoken} word */
  showWord({ text }) {
    const place = this.#sentence.indexOf(text, this.#said);
    if (place < 0) return;
    this.#said = place + text.length;
    const word = element("mark", {}, text);
    this.#caption.replaceChildren(this.#sentence.slice(0, place), word, this.#sentence.slice(this.#said));
    this.#caption.scrollTop = word.offsetTop - this.#caption.offsetTop;
  }
}
