/** Let a field be as high as its text, in browsers whose style sheets cannot do that (`field-sizing`). */

/** @param {HTMLTextAreaElement} field */
export function growWithText(field) {
  if (CSS.supports("field-sizing", "content")) return;
  const fit = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
  };
  field.addEventListener("input", fit);
  new ResizeObserver(fit).observe(field);
}
