/** The images of the next message: chosen with the button, pasted or dropped, and shown above the field. */

import { announce } from "./announcer.js";
import { byId, element } from "./element.js";
import { iconButton } from "./icon_button.js";
import { imageUrl } from "./image_file.js";

const MOST = 8;

export class Attachments {
  #list = byId("attachments", HTMLUListElement);
  #files = byId("image-files", HTMLInputElement);
  #form = byId("composer", HTMLFormElement);
  /** @type {string[]} */
  #urls = [];
  /** @type {Promise<unknown>} */
  #reading = Promise.resolve();
  #options;

  /**
   * @param {object} options
   * @param {() => boolean} options.allowed  whether the model can see images; says so if not
   * @param {(text: string) => void} options.onProblem
   * @param {() => void} options.onChange
   */
  constructor(options) {
    this.#options = options;
    byId("attach", HTMLButtonElement).addEventListener("click", () => this.#files.click());
    this.#files.addEventListener("change", () => {
      this.#add(this.#files.files);
      this.#files.value = "";
    });
    byId("question", HTMLTextAreaElement).addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length) {
        event.preventDefault();
        this.#add(event.clipboardData.files);
      }
    });
    this.#acceptDrops();
  }

  get urls() {
    return this.#urls;
  }

  /** @param {string[]} urls */
  set(urls) {
    this.#urls = urls;
    this.#draw();
  }

  #acceptDrops() {
    const page = byId("main", HTMLElement);
    const carriesFiles = (/** @type {DragEvent} */ event) =>
      event.dataTransfer?.types.includes("Files") ?? false;
    page.addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      this.#form.classList.add("dropping");
    });
    page.addEventListener("dragleave", (event) => {
      if (!page.contains(/** @type {Node | null} */ (event.relatedTarget)))
        this.#form.classList.remove("dropping");
    });
    page.addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault(); // the browser would open the file in place of the page
      this.#form.classList.remove("dropping");
      this.#add(event.dataTransfer?.files ?? null);
    });
  }

  /** Resolves when all that were added are read; a large one takes a second. */
  get read() {
    return this.#reading;
  }

  /** @param {FileList | null} files */
  #add(files) {
    const images = [...(files ?? [])]; // now: the browser empties the list
    if (!images.length || !this.#options.allowed()) return;
    this.#reading = Promise.all([this.#reading, this.#read(images)]);
  }

  /** @param {File[]} images */
  async #read(images) {
    for (const file of images) {
      /** @type {string} */
      let url;
      try {
        url = await imageUrl(file); // meanwhile others may be added, removed or sent
      } catch {
        this.#options.onProblem(`${file.name || "This file"} is not an image that this browser can read.`);
        continue;
      }
      if (this.#urls.length >= MOST) return this.#options.onProblem(`A message can have ${MOST} images.`);
      this.set([...this.#urls, url]);
      announce(`${file.name || "Image"} attached`);
    }
  }

  #draw() {
    const items = this.#urls.map((src, place) => {
      const remove = () => {
        this.set(this.#urls.filter((_, other) => other !== place));
        byId("question", HTMLTextAreaElement).focus();
      };
      return element(
        "li",
        {},
        element("img", { src, alt: `Image ${place + 1}` }),
        iconButton("close", `Remove image ${place + 1}`, remove),
      );
    });
    this.#list.replaceChildren(...items);
    this.#list.hidden = !items.length;
    this.#options.onChange();
  }
}
