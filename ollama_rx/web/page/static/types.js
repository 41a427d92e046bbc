/**
 * The JSON of the server, as JSDoc types. Nothing runs here.
 *
 * @typedef {{ name: string, vision: boolean, thinking: boolean, bytes: number | null }} Model
 *
 * @typedef {object} ServerState
 * @property {string} server  the address of Ollama, or "embedded model"
 * @property {boolean} reachable
 * @property {string | null} problem  a sentence for the reader
 * @property {Model[]} models
 * @property {string | null} default_model
 * @property {boolean} voice
 * @property {string | null} voice_problem
 * @property {string} version
 *
 * @typedef {object} Summary  a conversation in the list
 * @property {string} id
 * @property {string} title
 * @property {number} updated_at  seconds since 1970
 * @property {string | null} model
 * @property {boolean} is_answering
 * @property {string | null} snippet  where the search text was found
 *
 * @typedef {object} Message
 * @property {number} position
 * @property {"user" | "assistant" | "tool"} role
 * @property {string} text  as written: Markdown
 * @property {string} thinking
 * @property {string[]} blocks  the HTML of an answer, made by the server
 * @property {string[]} images  data: URLs
 * @property {boolean} cut
 * @property {Stats | null} stats
 * @property {string | null} model
 * @property {string | null} error
 * @property {string} unheard  the rest of an answer whose voice was interrupted
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {string} title
 * @property {string | null} model
 * @property {string} version  of the messages; a question sent with an older one is refused
 * @property {Message[]} messages
 * @property {null | { after: string | null, message: Message }} answering
 *
 * @typedef {object} Stats  of a finished answer; all times in seconds
 * @property {number | null} [time_to_first_text]
 * @property {number | null} [tokens_per_second]
 * @property {number | null} [tokens]
 * @property {number | null} [chunks]
 * @property {{ eval_count?: number | null } | null} [metrics]
 *
 * @typedef {{ tokens: number, seconds: number, time_to_first_text: number | null }} Figures  of a running answer
 *
 * @typedef {{ type: string, id: string, data: any }} PageEvent
 */
export {};
