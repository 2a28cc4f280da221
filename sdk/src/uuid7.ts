/**
 * Version-7 UUIDs (RFC 9562 section 5.7) whose 48-bit time is the `timeMs` given. Within one millisecond `rand_a` counts up from a random
 * start below 2048 (section 6.2, method 1), so that ids made in a row also sort in a row; the 62 bits of `randomUuid`'s second half stay random.
 */
export function uuid7Maker(randomUuid: () => string): (timeMs: number) => string {
  let lastMs = -1;
  let counter = 0;
  return (timeMs) => {
    const random = randomUuid();
    counter = timeMs === lastMs && counter < 0xfff ? counter + 1 : parseInt(random.slice(0, 3), 16) >> 1;
    lastMs = timeMs;
    const time = hex(Math.max(0, timeMs), 12);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}${random.slice(18)}`;
  };
}

/** `value` in hexadecimal with `digits` digits. */
export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
