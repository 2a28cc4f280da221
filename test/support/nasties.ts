import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

/** A whole request body by hand, what is sent with it, and the statuses that are right. Any other, and any 5xx above all, is a fault. */
export type Nasty = {
  readonly name: string;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly statuses: readonly number[];
  /** The server may also hang up while the body is still being sent. */
  readonly mayClose?: true;
};

const text = (name: string, body: string, ...statuses: readonly number[]): Nasty => ({
  name,
  body: Buffer.from(body),
  statuses: statuses.length > 0 ? statuses : [400],
});
const bytes = (name: string, ...body: readonly number[]): Nasty => ({ name, body: Uint8Array.from(body), statuses: [400] });
const typed = (name: string, headers: Readonly<Record<string, string>>, body: Uint8Array | string, ...statuses: readonly number[]): Nasty => ({
  name,
  headers,
  body: Buffer.from(body),
  statuses,
});

const event = '{"event_type":"nasty.sent"}';
const valid = `{"events":[${event}]}`;
const utf16 = (json: string, mark: readonly number[]) => Buffer.concat([Uint8Array.from(mark), Buffer.from(json, "utf16le")]);

/** Bodies that some parser, somewhere, took. `tenantId` makes the few valid ones storable. */
export function nastyBodies(tenantId: string): readonly Nasty[] {
  const good = `{"events":[{"event_type":"nasty.sent","tenant_id":"${tenantId}"}]}`;
  return [...notJson, ...notBatches, ...deep(), ...large(tenantId), ...headersThatLie(good), ...compressed(good)];
}

const notJson: readonly Nasty[] = [
  text("empty", ""),
  text("white space", " \n\t "),
  bytes("one NUL", 0),
  bytes("lone continuation byte", 0x80),
  bytes("overlong slash", 0x22, 0xc0, 0xaf, 0x22),
  bytes("encoded surrogate", 0x22, 0xed, 0xa0, 0x80, 0x22),
  bytes("beyond U+10FFFF", 0x22, 0xf4, 0x90, 0x80, 0x80, 0x22),
  bytes("cut in a character", 0x22, 0xe2, 0x82),
  { name: "invalid byte in a valid batch", body: Buffer.from(valid.replace("nasty", "n\xffsty"), "latin1"), statuses: [400] },
  { name: "UTF-16 with a mark", body: utf16(valid, [0xff, 0xfe]), statuses: [400] },
  { name: "UTF-16 without a mark", body: utf16(valid, []), statuses: [400] },
  text("byte order mark before JSON", `\ufeff${valid}`, 400, 422),
  text("truncated", valid.slice(0, -2)),
  text("trailing garbage", `${valid}x`),
  text("two documents", `${valid}${valid}`),
  text("lines of JSON", `${event}\n${event}\n`),
  text("trailing comma", '{"events":[{"event_type":"a.b"},]}'),
  text("comment", `/* */${valid}`),
  text("single quotes", valid.replaceAll('"', "'")),
  text("NaN", '{"events":[{"event_type":"a.b","duration_ms":NaN}]}'),
  text("Infinity", '{"events":[{"event_type":"a.b","duration_ms":-Infinity}]}'),
  text("hexadecimal", '{"events":[{"event_type":"a.b","duration_ms":0x10}]}'),
  text("leading zero", '{"events":[{"event_type":"a.b","duration_ms":010}]}'),
  text("raw line feed in a string", '{"events":[{"event_type":"a\nb"}]}'),
  text("raw NUL in a string", '{"events":[{"event_type":"a\0b"}]}'),
  text("half an escape", '{"events":[{"event_type":"\\u12"}]}'),
  text("XML", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "&a;&a;">]><x>&a;</x>'),
  text("form", "events=%5B%5D"),
  text("not JSON at all", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
];

const notBatches: readonly Nasty[] = [
  text("null", "null"),
  text("true", "true"),
  text("number", "1e400"),
  text("string", '"events"'),
  text("array of events", `[${event}]`),
  text("empty object", "{}", 400, 422),
  text("events of another kind", '{"events":{}}'),
  text("events null", '{"events":null}', 400, 422),
  text("events a string", '{"events":"x"}'),
  text("events empty", '{"events":[]}'),
  text("1001 events", `{"events":[${Array(1001).fill(event).join(",")}]}`, 400, 413),
  text("a million nulls", `{"events":[${Array(800_000).fill("null").join(",")}]}`, 400, 413),
  text("__proto__ with events", `{"__proto__":${valid}}`, 400, 422),
  text("__proto__ beside events", `{"events":[${event}],"__proto__":{"isAdmin":true}}`, 400, 422),
  text("constructor beside events", `{"constructor":{"prototype":{"x":1}},"events":[${event}]}`, 400, 422),
  text("doubled events, the last empty", `{"events":[${event}],"events":[]}`),
  text("unknown member", `{"events":[${event}],"tenant_id":"x"}`, 400, 422),
  text("events in the events", `{"events":[${valid}]}`, 422),
  text("100,000 members", `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":0`).join(",")}}`, 400, 413, 422),
  text("events all null", `{"events":[${Array(1000).fill("null").join(",")}]}`, 422),
  text("escaped member name", '{"\\u0065vents":[]}'),
];

/** JSON.parse takes a million levels; stringify, and Postgres, do not. */
function deep(): readonly Nasty[] {
  const levels = [62, 65, 1000, 10_000, 1_000_000];
  return [
    ...levels.map((count) => text(`arrays ${count} deep`, `{"events":${"[".repeat(count)}${"]".repeat(count)}}`, 400, 422)),
    ...levels.filter((count) => count <= 500_000).map((count) => text(`objects ${count} deep`, `${'{"a":'.repeat(count)}1${"}".repeat(count)}`, 400, 422)),
    text("a million open brackets", "[".repeat(1_000_000)),
    text("brackets inside a string", `{"events":[{"event_type":"a.b","message":"${"[{".repeat(2000)}"}]}`, 201, 400, 422),
    text("escaped quote before brackets", `{"events":[{"event_type":"a.b","message":"\\\\\\"${"[".repeat(500)}"}]}`, 201, 400, 422),
    text("closing brackets first", `${"]".repeat(1000)}`),
  ];
}

function large(tenantId: string): readonly Nasty[] {
  const bodyBytesMax = 4 * 1024 * 1024;
  const padded = (size: number) =>
    Buffer.concat([Buffer.from(`{"events":[{"event_type":"a.b","tenant_id":"${tenantId}"}]}`), Buffer.alloc(size, " ")]).subarray(0, size);
  const event = (context: string, message: string) =>
    `{"events":[{"event_type":"a.b","tenant_id":"${tenantId}","context":{"a":"${context}"},"message":"${message}"}]}`;
  return [
    { name: "4 MiB exactly", body: padded(bodyBytesMax), statuses: [201] },
    { name: "4 MiB and a byte", body: padded(bodyBytesMax + 1), statuses: [413] },
    { name: "16 MiB", body: padded(4 * bodyBytesMax), statuses: [413], mayClose: true },
    text("one string of 4 MB", `{"events":[{"event_type":"${"a".repeat(4_000_000)}"}]}`, 422),
    text("number of a million digits", `{"events":[{"event_type":"a.b","duration_ms":${"9".repeat(1_000_000)}}]}`, 400, 422),
    text("every limit at once", event("\\u0001".repeat(5_460), "\\u0001".repeat(8_192)), 422),
    text("quotes that double in the leaf", event('\\"'.repeat(16_000), '\\"'.repeat(8_192)), 201, 422),
  ];
}

function headersThatLie(good: string): readonly Nasty[] {
  return [
    typed("text/plain", { "content-type": "text/plain" }, good, 415),
    typed("form type", { "content-type": "application/x-www-form-urlencoded" }, good, 415),
    typed("no type", { "content-type": "" }, good, 415),
    typed("type with a list", { "content-type": "application/json, text/plain" }, good, 415),
    typed("type that begins like JSON", { "content-type": "application/jsonx" }, good, 415),
    typed("UTF-16 charset", { "content-type": "application/json; charset=utf-16" }, good, 201, 415),
    typed("UTF-8 charset in capitals", { "content-type": 'Application/JSON; Charset="UTF-8"' }, good, 201),
    typed("unknown coding", { "content-encoding": "x-nothing" }, good, 415),
    typed("coding with a list", { "content-encoding": "gzip, gzip" }, gzipSync(gzipSync(good)), 201, 400, 415),
    typed("key of an idempotent request too long", { "idempotency-key": "x".repeat(5000) }, good, 400, 422),
    typed("key of an idempotent request empty", { "idempotency-key": "" }, good, 201, 400),
    typed("Prefer with nonsense", { prefer: 'return=maybe;;;, handling=", =, ,=;' }, good, 201, 400),
    typed("Prefer twice", { prefer: "return=minimal, return=representation, handling=lenient" }, good, 201),
    typed("forwarded nonsense", { "x-forwarded-for": "' or 1=1 --, ::::, 999.1.1.1, <script>", "user-agent": "\u00ff\u0080" }, good, 201),
    typed("user agent of 6 KB", { "user-agent": "x".repeat(6000) }, good, 201, 431),
  ];
}

/** Compressed bodies: a right one, wrong ones, and ones that grow a thousandfold. */
function compressed(good: string): readonly Nasty[] {
  const bomb = Buffer.alloc(64 * 1024 * 1024, " ");
  return [
    typed("gzip", { "content-encoding": "gzip" }, gzipSync(good), 201, 415),
    typed("deflate", { "content-encoding": "deflate" }, deflateSync(good), 201, 415),
    typed("brotli", { "content-encoding": "br" }, brotliCompressSync(good), 201, 415),
    typed("gzip that is none", { "content-encoding": "gzip" }, good, 400, 415),
    typed("gzip cut short", { "content-encoding": "gzip" }, gzipSync(good).subarray(0, -5), 400, 415),
    typed("gzip with a wrong checksum", { "content-encoding": "gzip" }, Buffer.concat([gzipSync(good).subarray(0, -8), Buffer.alloc(8)]), 400, 415),
    typed("gzip with a tail", { "content-encoding": "gzip" }, Buffer.concat([gzipSync(good), Buffer.from("tail")]), 201, 400, 415),
    typed("gzip without saying so", {}, gzipSync(good), 400),
    typed("gzip bomb", { "content-encoding": "gzip" }, gzipSync(bomb, { level: 9 }), 413, 415),
    typed("deflate bomb", { "content-encoding": "deflate" }, deflateSync(bomb, { level: 9 }), 413, 415),
    typed("gzip of gzip bomb", { "content-encoding": "gzip" }, gzipSync(gzipSync(bomb, { level: 9 })), 400, 413, 415),
  ];
}
