/** The choice of the model in the bar at the top. */

import { byId, element } from "./element.js";
import { remember, setting } from "./settings.js";

/** @import { Model, ServerState } from "./types.js" */

export class ModelChoice {
  #select = byId("model", HTMLSelectElement);
  /** @type {Model[]} */
  #models = [];

  /** @param {(model: Model | null) => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    this.#select.addEventListener("change", () => {
      remember("model", this.#select.value);
      onChange(this.model);
    });
  }

  /** @returns {Model | null} */
  get model() {
    return this.#models.find(({ name }) => name === this.#select.value) ?? null;
  }

  /** @param {ServerState} state */
  setState({ models, default_model: standard }) {
    const chosen = this.#select.value || setting("model") || standard;
    this.#models = models;
    this.#select.replaceChildren(
      ...models.map((model) => element("option", { value: model.name }, labelOf(model))),
    );
    this.#select.disabled = !models.length;
    if (!models.length) this.#select.append(element("option", { value: "" }, "No model"));
    this.#select.value = [chosen, standard].find((name) => this.#has(name)) ?? models[0]?.name ?? "";
    this.onChange(this.model);
  }

  /**
   * Choose the model of a conversation, if it is still there.
   *
   * @param {string | null} name
   */
  choose(name) {
    if (!this.#has(name) || name === this.#select.value) return;
    this.#select.value = String(name);
    this.onChange(this.model);
  }

  /** @param {string | null} name */
  #has(name) {
    return this.#models.some((model) => model.name === name);
  }
}

const SMALL = matchMedia("(max-width: 30rem)"); // there is room for the name only

/** @param {Model} model */
function labelOf({ name, vision, bytes }) {
  if (SMALL.matches) return name;
  const size = bytes ? `${(bytes / 1e9).toFixed(1)} GB` : "";
  return [name, size, vision && "sees images"].filter(Boolean).join(" · ");
}
