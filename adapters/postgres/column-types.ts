import pg from "pg";
import { parseIpAddress } from "../../core/format/ip-address.ts";
import { parseJsonText } from "../../core/format/parse-json.ts";

const oids = { bool: 16, bytea: 17, int8: 20, jsonb: 3802, json: 114, inet: 869, timestamptz: 1184 } as const;

// How Postgres writes a time in UTC with DateStyle ISO. Anything else (infinity, BC, another zone) is left as it came.
const utcTime = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

/** A timestamptz as we write times. Digits beyond milliseconds stay: no row of ours has any, and one that was tampered with must not look untouched. */
export function parseTime(text: string): string {
  const parts = utcTime.exec(text);
  if (parts === null) return text;
  const fraction = (parts[3] ?? "").padEnd(3, "0");
  return `${parts[1]}T${parts[2]}.${fraction}Z`;
}

/** An inet as we write addresses; one with a mask, which no row of ours has, is left as it came. */
export function parseInet(text: string): string {
  return parseIpAddress(text) ?? text;
}

/** A bigint as a number where that is exact; else its text, which compares with no number. */
export function parseBigint(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

const parsers = new Map<number, (text: string) => unknown>([
  [oids.timestamptz, parseTime],
  [oids.inet, parseInet],
  [oids.int8, parseBigint],
  [oids.jsonb, parseJsonText],
  [oids.json, parseJsonText],
]);

/** How columns read through our pool become values: as events hold them. Never pg's own Date, which has no text of its own and the process's zone. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    const parser = format === "binary" ? undefined : parsers.get(oid);
    return parser ?? pg.types.getTypeParser(oid, format as "text");
  }) as typeof pg.types.getTypeParser,
};
