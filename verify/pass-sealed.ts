import { writeLeaf, type WrittenLeaf } from "./packed-leaf.ts";
import type { Hash } from "./sha256.ts";
import type { PackedEvent } from "./source.ts";
import { nextPlace, type Place, remember, step, type Walk } from "./walk.ts";

/**
 * True when the event is, byte for byte, the one that was sealed at the walk's next place, which is thereby passed: its leaf is built from its row, hashed, and the
 * hash compared with the tile's; so are its key with the one in the tile and the hash that is stored with it. False says nothing but that the exact way must look.
 */
export function passSealed(hash: Hash, walk: Walk, event: PackedEvent): boolean {
  const place = nextPlace(walk);
  if (place?.seq !== event.seq) return false;
  const leaf = writeLeaf(event);
  if (leaf === undefined || !isSealed(hash, leaf, event, place)) return false;
  step(walk, place);
  if (place.index % 8 === 0) remember(walk, event);
  return true;
}

function isSealed(hash: Hash, leaf: WrittenLeaf, event: PackedEvent, place: Place): boolean {
  const rebuilt = hash(leaf.bytes.subarray(0, leaf.end));
  for (let i = 0; i < 32; i++) if (rebuilt[i] !== place.hash[i] || rebuilt[i] !== byteAt(event.bytes, leaf.hashAt + 2 * i)) return false;
  return isAt(leaf.bytes, leaf.idAt, place.id) && isAt(leaf.bytes, leaf.timeAt, place.occurredAt);
}

/** Whether `text`, quotes around it, stands there. */
function isAt(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return bytes[at + text.length] === 0x22 && bytes[at - 1] === 0x22;
}

/** The byte of two lower-case hexadecimal digits; of others, none that a byte can be. */
function byteAt(bytes: Uint8Array, at: number): number {
  return (hexValues[bytes[at] as number] as number) * 16 + (hexValues[bytes[at + 1] as number] as number);
}
const hexValues = Int16Array.from({ length: 256 }, (_, code) => "0123456789abcdef".indexOf(String.fromCharCode(code))).map((value) => value < 0 ? 1000 : value);
