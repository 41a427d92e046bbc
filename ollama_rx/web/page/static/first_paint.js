// Runs before the first paint, so that a reader who chose a theme never sees the other one flash by.
try {
  document.documentElement.dataset.theme = localStorage.getItem("ollama-rx.theme") ?? "system";
} catch {
  document.documentElement.dataset.theme = "system"; // storage is blocked
}
