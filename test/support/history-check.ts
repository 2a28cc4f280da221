import { parseJson } from "../../verify/json.ts";
import type { HistoryRecord, Intent } from "./history.ts";
import { canonical, recomputeLeafHash, type StoredRow } from "./history-leaf.ts";

/** One way in which the store and what clients were told differ. */
export type Finding = { readonly fault: Fault; readonly marker: string; readonly why: string };

/**
 * `lost`: acknowledged and absent. `phantom`: stored, though nobody sent it or every attempt was refused. `doubled`: stored more than once.
 * `foreign`: stored under another tenant. `corrupted`: the stored leaf hash is not the one a second implementation computes, not the one the
 * client was told, or a field is not what was sent. `contradicted`: two answers about one event cannot both be true.
 */
export type Fault = "lost" | "phantom" | "doubled" | "foreign" | "corrupted" | "contradicted";

export type CheckReport = {
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<Fault, number>>;
  /** Distinct events invoked, those acknowledged at least once, those never settled either way, and rows read. */
  readonly totals: { readonly invoked: number; readonly acknowledged: number; readonly unknown: number; readonly rows: number };
};

export type CheckOptions = {
  /** The marker a row carries; `object_id` unless told otherwise. */
  readonly markerOf?: (row: StoredRow) => string | null;
  /** Under an Idempotency-Key a replay repeats the first answer, so that "created" may be heard more than once. */
  readonly createdMayRepeat?: boolean;
};

/** Judges every row against every record. O(rows + records). */
export function checkHistory(records: readonly HistoryRecord[], rows: readonly StoredRow[], options: CheckOptions = {}): CheckReport {
  const markerOf = options.markerOf ?? ((row) => row["object_id"] ?? null);
  const told = gather(records);
  const findings: Finding[] = [];
  const stored = new Map<string, StoredRow[]>();
  for (const row of rows) {
    const marker = markerOf(row);
    const group = marker === null ? undefined : stored.get(marker);
    if (group === undefined) stored.set(marker ?? `row ${row["id"]}`, [row]);
    else group.push(row);
  }
  for (const [marker, group] of stored) findings.push(...judgeRows(marker, group, told.get(marker)));
  for (const [marker, events] of told) {
    findings.push(...contradictions(marker, events, options.createdMayRepeat === true));
    if (events.oks.length > 0 && !stored.has(marker)) findings.push({ fault: "lost", marker, why: `${events.oks.length} times acknowledged, no row` });
  }
  return { findings, counts: countFaults(findings), totals: countTotals(told, rows.length) };
}

type Told = {
  readonly intent: Intent;
  readonly invokes: HistoryRecord[];
  readonly oks: (HistoryRecord & { readonly type: "ok" })[];
  readonly fails: HistoryRecord[];
};

function gather(records: readonly HistoryRecord[]): Map<string, Told> {
  const told = new Map<string, Told>();
  for (const record of records) {
    let events = told.get(record.marker);
    if (events === undefined) {
      if (record.type !== "invoke") throw new Error(`check a history: outcome before its invoke: ${record.marker}`);
      events = { intent: record.intent, invokes: [], oks: [], fails: [] };
      told.set(record.marker, events);
    }
    if (record.type === "invoke") events.invokes.push(record);
    else if (record.type === "ok") events.oks.push(record);
    else if (record.type === "fail") events.fails.push(record);
  }
  return told;
}

function judgeRows(marker: string, rows: readonly StoredRow[], told: Told | undefined): Finding[] {
  if (told === undefined) return [{ fault: "phantom", marker, why: "stored, never sent" }];
  const findings: Finding[] = [];
  if (rows.length > 1) findings.push({ fault: "doubled", marker, why: `${rows.length} rows` });
  if (told.fails.length === told.invokes.length) findings.push({ fault: "phantom", marker, why: "stored, every attempt was refused" });
  for (const row of rows) {
    if (row["tenant_id"] !== told.intent.tenantId) findings.push({ fault: "foreign", marker, why: `under ${row["tenant_id"]}` });
    const why = corruption(row, told);
    if (why !== undefined) findings.push({ fault: "corrupted", marker, why });
  }
  return findings;
}

function corruption(row: StoredRow, told: Told): string | undefined {
  const storedHash = (row["leaf_hash"] ?? "").replace(/^\\x/, "");
  let recomputed: string;
  try {
    recomputed = recomputeLeafHash(row);
  } catch (error) {
    return `leaf cannot be rebuilt: ${error instanceof Error ? error.message : error}`;
  }
  if (storedHash !== recomputed) return `leaf hash ${storedHash}, recomputed ${recomputed}`;
  const answered = told.oks.find((ok) => ok.leafHash !== undefined && ok.leafHash !== storedHash);
  if (answered !== undefined) return `leaf hash ${storedHash}, answered ${answered.leafHash}`;
  for (const [field, sent] of Object.entries(told.intent.fields)) {
    if (field !== "tenant_id" && !sameValue(field, row[field] ?? null, sent)) return `${field} is not what was sent`;
  }
  return undefined;
}

/** Markers' fields are sent in the form in which they are stored, so that equality needs no knowledge of how the door normalises. */
function sameValue(field: string, stored: string | null, sent: unknown): boolean {
  if (stored === null) return false;
  if (field === "context") return canonical(parseJson(stored)) === canonical(sent);
  if (field === "occurred_at") return Date.parse(stored.replace(" ", "T").replace(/\+00$/, "Z")) === Date.parse(String(sent));
  return stored === String(sent);
}

/** Answers about one event that cannot both be true, judged by real time: an attempt begun after an acknowledgement must find the event there. */
function contradictions(marker: string, told: Told, createdMayRepeat: boolean): Finding[] {
  const findings: Finding[] = [];
  const firstOk = told.oks[0]?.order ?? Infinity;
  const begunAfter = new Set(told.invokes.filter((invoke) => invoke.order > firstOk).map((invoke) => invoke.attempt));
  const created = told.oks.filter((ok) => ok.status === "created");
  if (created.length > 1 && !createdMayRepeat) findings.push({ fault: "contradicted", marker, why: `answered "created" ${created.length} times` });
  if (told.fails.some((fail) => begunAfter.has(fail.attempt))) findings.push({ fault: "contradicted", marker, why: "refused after it was acknowledged" });
  for (const ok of told.oks) {
    const others = told.invokes.some((invoke) => invoke.attempt !== ok.attempt && invoke.order < ok.order);
    if (ok.status === "duplicate" && !others) findings.push({ fault: "contradicted", marker, why: 'answered "duplicate" to the only attempt' });
  }
  return findings;
}

function countFaults(findings: readonly Finding[]): Record<Fault, number> {
  const counts = { lost: 0, phantom: 0, doubled: 0, foreign: 0, corrupted: 0, contradicted: 0 };
  for (const finding of findings) counts[finding.fault]++;
  return counts;
}

function countTotals(told: ReadonlyMap<string, Told>, rows: number): CheckReport["totals"] {
  const events = [...told.values()];
  const acknowledged = events.filter((event) => event.oks.length > 0).length;
  const unknown = events.filter((event) => event.oks.length === 0 && event.fails.length < event.invokes.length).length;
  return { invoked: events.length, acknowledged, unknown, rows };
}
