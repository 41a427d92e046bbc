/** Try a request again and again, for as long as the server does not answer. */

import { NoServerError } from "./api.js";
import { sleep } from "./event_stream.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

/**
 * @template Answer
 * @param {() => Promise<Answer>} request
 * @param {{ signal: AbortSignal, onLost: () => void, onBack: () => void }} options
 * @returns {Promise<Answer>}  rejects with any other error, and when the signal aborts
 */
export async function untilReachable(request, { signal, onLost, onBack }) {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      const answer = await request();
      if (pause > FIRST_PAUSE) onBack();
      return answer;
    } catch (error) {
      if (!(error instanceof NoServerError) || signal.aborted) throw error;
      if (pause === FIRST_PAUSE) onLost();
    }
    await sleep(pause, signal);
  }
}
