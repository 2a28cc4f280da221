/**
 * A segment is lines of text: `<crc32> e <number> <event>` for an event, `<crc32> a <from>-<to>,…` for events that need not survive any more. The
 * checksum, eight hexadecimal digits, covers what follows it and its space, without the line feed.
 */
export type SegmentContent = {
  /** Events that are there, by number, without those acknowledged. */
  readonly events: ReadonlyMap<number, string>;
  /** Events that were there, acknowledged or not. */
  readonly written: number;
  readonly acknowledged: number;
  readonly nextNumber: number;
  /** Bytes up to the end of the last whole line: what follows was being written when the process or the machine died. */
  readonly wholeBytes: number;
  /** Lines whose checksum is not theirs. */
  readonly corrupt: number;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function eventLine(number: number, json: string): Uint8Array {
  return line(`e ${number} ${json}`);
}

/** The numbers, in order, as ranges: one batch is mostly one range. */
export function acknowledgementLine(numbers: readonly number[]): Uint8Array {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return line(`a ${ranges.map(([from, to]) => `${from}-${to}`).join(",")}`);
}

export function parseSegment(bytes: Uint8Array): SegmentContent {
  const events = new Map<number, string>();
  const acknowledged = new Set<number>();
  let [wholeBytes, corrupt, written, nextNumber] = [0, 0, 0, 1];
  for (
    let start = 0, end = bytes.indexOf(10);
    end >= 0;
    start = end + 1, end = bytes.indexOf(10, start)
  ) {
    wholeBytes = end + 1;
    const body = bytes.subarray(start + 9, end);
    const text = decoder.decode(body);
    const event = /^e (\d{1,15}) /.exec(text);
    if (decoder.decode(bytes.subarray(start, start + 9)) !== `${hex(crc32(body))} `) corrupt++;
    else if (event !== null) {
      events.set(Number(event[1]), text.slice(event[0].length));
      nextNumber = Math.max(nextNumber, Number(event[1]) + 1);
      written++;
    } else if (text.startsWith("a ")) {
      for (const [, from, to] of text.matchAll(/(\d{1,15})-(\d{1,15})/g)) {
        for (let n = Number(from); n <= Number(to); n++) {
          acknowledged.add(n);
        }
      }
    }
  }
  for (const number of acknowledged) events.delete(number);
  return {
    events,
    written,
    acknowledged: written - events.size,
    nextNumber,
    wholeBytes,
    corrupt,
  };
}

function line(text: string): Uint8Array {
  const bytes = encoder.encode(`00000000 ${text}\n`);
  encoder.encodeInto(hex(crc32(bytes.subarray(9, -1))), bytes);
  return bytes;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? value >>> 1 ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

/** CRC-32 as in zip and PNG (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let index = 0; index < bytes.length; index++) {
    crc = crc >>> 8 ^
      (table[(crc ^ (bytes[index] as number)) & 0xff] as number);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
