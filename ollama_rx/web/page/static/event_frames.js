/**
 * Cut the text of a stream of server-sent events into events, wherever the network has cut it; frames end
 * with an empty line.
 */

/** @import { PageEvent } from "./types.js" */

export class EventFrames {
  #rest = "";

  /**
   * @param {string} text
   * @returns {Generator<PageEvent>}
   */
  *feed(text) {
    const frames = (this.#rest + text).split("\n\n");
    this.#rest = frames.pop() ?? "";
    for (const frame of frames) {
      /** @type {Record<string, string>} */
      const fields = {};
      for (const line of frame.split("\n")) {
        const colon = line.indexOf(":");
        if (colon < 1) continue; // a line that starts with a colon is a heartbeat
        fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart(); // the data is one line of JSON
      }
      if (fields.data)
        yield { type: fields.event ?? "message", id: fields.id ?? "", data: JSON.parse(fields.data) };
    }
  }
}
