const dash = "-".charCodeAt(0);
const digits = new Map(Array.from("0123456789abcdef", (digit, value) => [digit.charCodeAt(0), value]));
const digitOf: readonly number[] = Array.from({ length: 128 }, (_, code) => digits.get(code) ?? NaN);

/** The 16 bytes of a UUID as `parseUuid` returns one. Throws for any other text: what is stored as a UUID must read back as the same text. */
export function uuidBytes(uuid: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  let place = 0;
  for (let at = 0; at < 16; at++) {
    if ((at === 4 || at === 6 || at === 8 || at === 10) && uuid.charCodeAt(place++) !== dash) throw bad();
    const byte = (digitOf[uuid.charCodeAt(place++)] ?? NaN) * 16 + (digitOf[uuid.charCodeAt(place++)] ?? NaN);
    if (Number.isNaN(byte)) throw bad();
    bytes[at] = byte;
  }
  if (place !== uuid.length) throw bad();
  return bytes;
}

function bad(): Error {
  return new Error("read UUID: it is none in lower case");
}
