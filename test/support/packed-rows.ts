import { fieldCount, packedEvent } from "../../verify/packed-event.ts";
import { leafColumns } from "../../verify/leaf.ts";
import type { LogSource, PackedEvent, StoredEvent } from "../../verify/source.ts";
import { type MemoryLog, memorySource } from "./memory-log.ts";

/** A row of texts as COPY sends it in binary, after others in the same page. */
export function packedRow(texts: readonly (string | null)[]): PackedEvent {
  const fields = texts.flatMap((text) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(text === null ? -1 : Buffer.byteLength(text));
    return [length, Buffer.from(text ?? "")];
  });
  const [before, after] = [Buffer.from('"before'), Buffer.from('"after')];
  const count = Buffer.alloc(2);
  count.writeInt16BE(fieldCount);
  return packedEvent(Buffer.concat([before, count, ...fields, after]), before.length, undefined);
}

/** The row that PostgreSQL has of an event, each column as it prints it. */
export function textsOf({ seq, leafHash, event }: Pick<StoredEvent, "seq" | "leafHash" | "event">): (string | null)[] {
  return [String(seq), Buffer.from(leafHash).toString("hex"), ...leafColumns.map((column) => printed(column, event[column]))];
}

function printed(column: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (column === "context") return jsonb(value);
  if (column === "ip_address") return `${value}${String(value).includes(":") ? "/128" : "/32"}`;
  if (column === "occurred_at" || column === "received_at") return String(value).replace("T", " ").replace(/\.?0*Z$/, "+00");
  return String(value);
}

/** A value as `jsonb` prints it: names by length and then by their bytes, numbers without an exponent. */
export function jsonb(value: unknown): string {
  if (typeof value === "number") return decimal(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jsonb).join(", ")}]`;
  const names = Object.keys(value).map((name) => [name, Buffer.from(name)] as const).sort(([, a], [, b]) => a.length - b.length || a.compare(b));
  return `{${names.map(([name]) => `${JSON.stringify(name)}: ${jsonb((value as Record<string, unknown>)[name])}`).join(", ")}}`;
}

function decimal(value: number): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const shift = Number(exponent);
  if (shift === 0) return String(value);
  const digits = whole + fraction;
  if (shift > 0) return `${sign}${digits.padEnd(whole.length + shift, "0")}`;
  return `${sign}0.${"0".repeat(-shift - whole.length)}${digits}`;
}

/** The log with its events as rows that were copied. */
export function packedSource(log: MemoryLog): LogSource {
  const source = memorySource(log);
  return {
    ...source,
    async *events() {
      for await (const page of source.events()) yield page.map((event) => packedRow(textsOf(event as StoredEvent)));
    },
  };
}
