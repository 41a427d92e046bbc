/** The headings of the list of conversations. */

const DAY = 86_400_000;

/**
 * @param {number} seconds  since 1970
 * @param {Date} [now]
 * @returns {string}
 */
export function period(seconds, now = new Date()) {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const date = new Date(seconds * 1000);
  if (date.getTime() >= midnight) return "Today";
  if (date.getTime() >= midnight - DAY) return "Yesterday";
  if (date.getTime() >= midnight - 7 * DAY) return "Last 7 days";
  return date.toLocaleDateString("en", { month: "long", year: "numeric" });
}
