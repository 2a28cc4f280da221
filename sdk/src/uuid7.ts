/**
 * Version-7 UUIDs (RFC 9562 section 5.7) whose 48-bit time is the `timeMs` given. Within one millisecond `rand_a` counts up from a random
 * start below 2048 (section 6.2, method 1), so that ids made in a row also sort in a row; 62 bits stay random.
 */
export function uuid7Maker(randomBytes: (length: number) => Uint8Array): (timeMs: number) => string {
  let lastMs = -1;
  let counter = 0;
  return (timeMs) => {
    const bytes = randomBytes(10);
    const [high = 0, low = 0, variant = 0] = bytes;
    counter = timeMs === lastMs && counter < 0xfff ? counter + 1 : (high << 8 | low) & 0x7ff;
    lastMs = timeMs;
    const time = hex(timeMs, 12);
    const random = hex(variant & 0x3f | 0x80, 2) + Array.from(bytes.subarray(3), (byte) => hex(byte, 2)).join("");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-${random.slice(0, 4)}-${random.slice(4)}`;
  };
}

/** Milliseconds inside a version-7 UUID, or undefined for any other text. */
export function uuid7Time(id: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id) ?? [];
  return high && low ? parseInt(high + low, 16) : undefined;
}

/** `value` in hexadecimal with `digits` digits. */
export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
