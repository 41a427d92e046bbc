/**
 * Tabs of the same browser tell each other what has changed, so that none of them needs a connection only
 * to listen.
 */

const channel = new BroadcastChannel("ollama-rx");

/** @param {string} id  of the conversation that has changed */
export function tellTabs(id) {
  channel.postMessage(id);
}

/**
 * Call `refresh` when another tab has changed something, or when this tab becomes visible again: another
 * browser may have been at work.
 *
 * @param {(id: string | null) => void} refresh  with the conversation that has changed, or null: any may have
 */
export function onChanges(refresh) {
  channel.addEventListener("message", (event) => {
    if (!document.hidden) refresh(event.data);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh(null);
  });
}
