const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * Version-7 UUIDs (RFC 9562 section 5.7) whose 48-bit time is the `timeMs` given. Within one millisecond `rand_a` counts up from a random
 * start below 2048 (section 6.2, method 1), so that ids made in a row also sort in a row; 62 bits stay random.
 */
export function uuid7Maker(randomBytes: (length: number) => Uint8Array): (timeMs: number) => string {
  let lastMs = -1;
  let counter = 0;
  return (timeMs) => {
    const random = randomBytes(10);
    const at = (index: number) => random[index] ?? 0;
    counter = timeMs === lastMs && counter < 0xfff ? counter + 1 : (at(0) << 8 | at(1)) & 0x7ff;
    lastMs = timeMs;
    const time = Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, "0");
    const tail = [at(2) & 0x3f | 0x80, at(3), at(4), at(5), at(6), at(7), at(8), at(9)].map((byte) => hex[byte]).join("");
    return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${counter.toString(16).padStart(3, "0")}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}

/** Milliseconds inside a version-7 UUID, or undefined for any other text. */
export function uuid7Time(id: string): number | undefined {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(id) ? parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;
}
