const encoder = new TextEncoder();

/** True when `text` has more than `bytesMax` bytes in UTF-8; encodes it only when its length leaves a doubt. */
export function exceedsBytes(text: string, bytesMax: number): boolean {
  // A UTF-16 code unit becomes one to three bytes.
  if (text.length * 3 <= bytesMax) return false;
  return text.length > bytesMax || encoder.encode(text).length > bytesMax;
}
