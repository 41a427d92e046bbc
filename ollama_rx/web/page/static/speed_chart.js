/** A small chart in SVG: tokens a second over the time of an answer. */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 96;
const HEIGHT = 20;
const POINTS = 48; // one for every two pixels; two neighbours become one when there are more

/** Measures the speed between one figure and the next. */
export class SpeedChart {
  element = /** @type {SVGSVGElement} */ (
    shape("svg", {
      class: "chart",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      preserveAspectRatio: "none",
    })
  );
  #area = shape("path", { class: "area" });
  #line = shape("path", { class: "line" });
  #now = shape("circle", { class: "now", r: "2" });
  /** @type {number[]} */
  #speeds = [];
  #tokens = 0;
  #seconds = 0;

  constructor() {
    this.element.append(this.#area, this.#line, this.#now);
    this.element.setAttribute("aria-label", "Speed of the answer");
  }

  /** Whether there is a line to be seen. */
  get isDrawn() {
    return this.#speeds.length > 1;
  }

  /**
   * @param {number} tokens
   * @param {number} seconds
   */
  add(tokens, seconds) {
    const passed = seconds - this.#seconds;
    if (passed < 0.05) return; // too short for a speed
    if (this.#tokens > 0) this.#speeds.push((tokens - this.#tokens) / passed);
    [this.#tokens, this.#seconds] = [tokens, seconds];
    if (this.#speeds.length > POINTS) this.#speeds = halved(this.#speeds);
    if (this.isDrawn) this.#draw();
  }

  #draw() {
    const top = Math.max(...this.#speeds, 1);
    const points = this.#speeds.map((speed, place) => [
      (place / (this.#speeds.length - 1)) * WIDTH,
      HEIGHT - 1 - (speed / top) * (HEIGHT - 3),
    ]);
    const line = points
      .map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`)
      .join("");
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", `${line}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`);
    const [x, y] = points[points.length - 1];
    this.#now.setAttribute("cx", x.toFixed(1));
    this.#now.setAttribute("cy", y.toFixed(1));
    this.element.setAttribute(
      "aria-label",
      `Speed: between ${Math.round(Math.min(...this.#speeds))} and ${Math.round(top)} tokens a second`,
    );
  }
}

/**
 * @param {number[]} speeds
 * @returns {number[]}
 */
function halved(speeds) {
  const means = [];
  for (let place = 0; place + 1 < speeds.length; place += 2)
    means.push((speeds[place] + speeds[place + 1]) / 2);
  return means;
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @returns {SVGElement}
 */
function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
