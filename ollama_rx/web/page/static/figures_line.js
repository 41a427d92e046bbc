/**
 * The line under an answer: the model, the time to the first token, tokens, tokens a second, and the chart.
 */

import { element } from "./element.js";
import { SpeedChart } from "./speed_chart.js";

/** @import { Figures, Stats } from "./types.js" */

export class FiguresLine {
  element = element("p", { class: "figures" });
  #chart = new SpeedChart();

  /**
   * @param {string | null} model
   * @param {Figures} figures
   */
  showRunning(model, { tokens, seconds, time_to_first_text: first }) {
    this.#chart.add(tokens, seconds);
    const writing = seconds - (first ?? 0);
    this.#show(model, first, tokens, tokens > 1 && writing > 0.2 ? tokens / writing : null);
  }

  /**
   * @param {string | null} model
   * @param {Stats | null} stats
   */
  showFinal(model, stats) {
    const tokens = stats?.tokens ?? stats?.metrics?.eval_count ?? stats?.chunks ?? null;
    this.#show(model, stats?.time_to_first_text ?? null, tokens, stats?.tokens_per_second ?? null);
  }

  /**
   * @param {string | null} model
   * @param {number | null} first
   * @param {number | null} tokens
   * @param {number | null} speed
   */
  #show(model, first, tokens, speed) {
    const texts = [
      model,
      tokens !== null && `${tokens} ${tokens === 1 ? "token" : "tokens"}`,
      speed !== null && `${speed.toFixed(speed < 10 ? 1 : 0)} tokens/s`,
      first !== null && `first token after ${first.toFixed(first < 10 ? 2 : 0)} s`,
    ];
    const parts = texts.filter((text) => text).map((text) => element("span", {}, String(text)));
    this.element.replaceChildren(...parts);
    if (this.#chart.isDrawn) this.element.append(this.#chart.element);
  }
}
