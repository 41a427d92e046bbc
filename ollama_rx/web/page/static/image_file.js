/**
 * Make a file of the reader's an image that models understand: PNG or JPEG, and not larger than they look
 * at.
 */

const LARGEST_SIDE = 1568; // pixels: vision models scale larger images down anyway
const QUALITY = 0.88;
const AS_IT_IS = new Set(["image/png", "image/jpeg"]);
const SMALL = 1_000_000; // bytes

/**
 * @param {File} file
 * @returns {Promise<string>}  a data: URL
 */
export async function imageUrl(file) {
  const bitmap = await createImageBitmap(file);
  const side = Math.max(bitmap.width, bitmap.height);
  if (AS_IT_IS.has(file.type) && side <= LARGEST_SIDE && file.size <= SMALL) return read(file);
  const scale = Math.min(1, LARGEST_SIDE / side);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw images");
  context.fillStyle = "#fff"; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", QUALITY);
}

/**
 * @param {File} file
 * @returns {Promise<string>}
 */
function read(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
