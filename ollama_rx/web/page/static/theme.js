/** Light, dark, or as the system says: one button that goes round. */

import { byId } from "./element.js";
import { setIcon } from "./icons.js";
import { remember } from "./settings.js";

/** @import { IconName } from "./icons.js" */

/** @type {Record<string, { icon: IconName, next: string }>} */
const THEMES = {
  system: { icon: "system", next: "light" },
  light: { icon: "sun", next: "dark" },
  dark: { icon: "moon", next: "system" },
};

export function startTheme() {
  const button = byId("theme", HTMLButtonElement);
  const root = document.documentElement; // first_paint.js has set its theme
  const show = () => {
    const name = root.dataset.theme ?? "system";
    setIcon(button, THEMES[name].icon);
    button.setAttribute("aria-label", `Theme: ${name}`);
    button.title = `Theme: ${name}. Click for ${THEMES[name].next}.`;
  };
  if (!((root.dataset.theme ?? "") in THEMES)) root.dataset.theme = "system";
  show();
  button.addEventListener("click", () => {
    root.dataset.theme = THEMES[root.dataset.theme ?? "system"].next;
    remember("theme", root.dataset.theme);
    show();
  });
}
