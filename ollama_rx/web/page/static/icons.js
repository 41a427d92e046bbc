/** The signs on buttons: strokes on a grid of 24 by 24. */

const PATHS = {
  plus: "M12 5v14M5 12h14",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4",
  pencil: "M4 20h4L19 9a2.8 2.8 0 0 0-4-4L4 16v4ZM13.5 6.5l4 4",
  trash: "M4 7h16M10 11v6M14 11v6M6 7l1 12a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1l1-12M9 7V4h6v3",
  copy: "M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM16 9V5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3",
  check: "M5 12.5l4.5 4.5L19 7.5",
  again: "M20 11a8 8 0 1 0-2.3 5.7M20 5v6h-6",
  stop: "M7 7h10v10H7Z",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  image:
    "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1ZM4 16l4.5-4.5L17 20M14 13l2-2 4 4M9 8.5h.01",
  sound: "M4 10v4h3l5 4V6l-5 4H4ZM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  silent: "M4 10v4h3l5 4V6l-5 4H4ZM16 9.5l5 5M21 9.5l-5 5",
  menu: "M4 7h16M4 12h16M4 17h10",
  close: "M6 6l12 12M18 6L6 18",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4",
  moon: "M20 14.5A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500Z",
  system: "M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM9 20h6M12 16v4",
  keyboard:
    "M4 7h16a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1ZM7 10.500h.01M10.500 10.500h.01M14 10.500h.01M17 10.500h.01M8 14h8",
  right: "M9 6l6 6-6 6",
  bulb: "M9 18h6M10 21h4M8.500 15a6 6 0 1 1 7 0c-.4.4-.5.900-.5 1.500V18H9v-1.500c0-.6-.1-1.100-.5-1.500Z",
  alert: "M12 4L2.800 19.500h18.400L12 4ZM12 10v4.500M12 17h.01",
};

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {keyof typeof PATHS} IconName */

/**
 * @param {IconName} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Put the icons into the elements of index.html that name one in `data-icon`. */
export function drawIcons() {
  for (const place of document.querySelectorAll("[data-icon]")) {
    if (place instanceof HTMLElement) place.prepend(icon(/** @type {IconName} */ (place.dataset.icon)));
  }
}

/**
 * Show another icon on a button.
 *
 * @param {HTMLElement} button
 * @param {IconName} name
 */
export function setIcon(button, name) {
  button.querySelector("svg.icon")?.remove();
  button.prepend(icon(name));
}
