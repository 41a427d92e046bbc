/** The new chat: a question, and four suggestions for a reader who has none. */

import { element } from "./element.js";

const SUGGESTIONS = [
  ["Explain an idea", "Explain how a heat pump warms a house, in words for a curious ten-year-old."],
  ["Write some code", "Write a Python function that groups words by their anagrams, with a short test."],
  ["Compare choices", "Compare SQLite and PostgreSQL for a small web app, in a table."],
  ["Make a plan", "Plan a relaxed weekend in Lisbon for two people who like food and the sea."],
];

/**
 * @param {string} about  one line about the model and where it runs; empty if there is none to ask
 * @param {(text: string) => void} ask
 * @returns {HTMLElement}
 */
export function welcomeView(about, ask) {
  const buttons = SUGGESTIONS.map(([name, text]) =>
    element(
      "button",
      { type: "button", onclick: () => ask(text) },
      element("strong", {}, name),
      element("span", {}, text),
    ),
  );
  return element(
    "section",
    { class: "welcome", "aria-label": "Suggestions" },
    element("h2", {}, "What would you like to know?"),
    ...(about ? [element("p", {}, about), element("div", { class: "suggestions" }, ...buttons)] : []),
  );
}
