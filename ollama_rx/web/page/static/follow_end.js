/** Keep the end of the messages in view while they grow, but only for a reader who is at the end. */

import { byId } from "./element.js";

const NEAR = 24; // pixels: zooming makes fractions of a pixel

export class FollowEnd {
  #log = byId("log", HTMLDivElement);
  #button = byId("to-end", HTMLButtonElement);
  #follows = true;
  #atEnd = true;
  #top = 0;

  /** @param {HTMLElement} content */
  constructor(content) {
    this.#log.addEventListener("scroll", () => this.#look(), { passive: true });
    this.#button.addEventListener("click", () => {
      this.toEnd();
      this.#log.focus({ preventScroll: true });
    });
    const sizes = new ResizeObserver(() => {
      if (this.#follows && this.#atEnd) this.toEnd();
      else this.#look();
    });
    sizes.observe(content);
    sizes.observe(this.#log);
  }

  /** Show the beginning, and stay there: what is shown does not grow. */
  toStart() {
    this.#follows = false;
    this.#log.scrollTop = 0;
    this.#button.hidden = true;
  }

  toEnd() {
    this.#follows = true;
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#look();
  }

  /**
   * Only a reader who scrolls up leaves the end; an answer that has grown since the last look does not
   * count.
   */
  #look() {
    if (!this.#follows) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    const near = scrollHeight - scrollTop - clientHeight <= NEAR;
    if (near || scrollTop < this.#top) this.#atEnd = near;
    this.#top = scrollTop;
    this.#button.hidden = this.#atEnd;
  }
}
